"""The live terminal screen: mark, position, result, risk state, flow of events, and why the last decisions were made.

It is fed plain values (`ScreenState`) and lives in a process of its own choosing, never in the trading process.
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from types import TracebackType

import msgspec
from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from scripts.cli.moments import Moment
from scripts.cli.reading import Reader
from scripts.cli.shown import cents, clock_time, duration, gain, money, price, qty, time_utc

#: Values of equity and of each mark kept for the little charts.
CHART_POINTS = 240
#: From this width on there is room for a chart of each mark.
WIDE = 110

_BARS = "▁▂▃▄▅▆▇█"
_TONES = {"trade": "bold", "refusal": "yellow", "alarm": "bold red", "news": "cyan", "decision": ""}


class ProductRow(msgspec.Struct, frozen=True, kw_only=True):
    """One product: its mark and our position in it. `qty` is signed; unknown is None."""

    product: str
    mark: Decimal | None
    source: str
    age_s: Decimal | None
    fresh: bool
    qty: Decimal
    entry: Decimal | None
    unrealized: Decimal | None


class FeedRow(msgspec.Struct, frozen=True, kw_only=True):
    feed: str
    state: str


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How fast it goes, measured by who watches: records a second, session time a second, worst lag of a decision."""

    events_per_s: int = 0
    speed: float | None = None
    worst_lag: int = 0


class ScreenState(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the screen shows. Times in nanoseconds UTC, amounts in quote currency."""

    session: str
    mode: str
    clock: str
    at: int
    started_at: int
    ended: bool
    seq: int
    pace: Pace
    products: tuple[ProductRow, ...]
    start: Decimal | None
    realized: Decimal
    fees: Decimal
    funding: Decimal
    unrealized: Decimal | None
    equity: Decimal | None
    restriction: str
    orders: dict[str, int]
    feeds: tuple[FeedRow, ...]
    moments: tuple[Moment, ...]  # oldest first


def screen_state(reader: Reader, pace: Pace = Pace()) -> ScreenState:  # noqa: B008 - frozen
    """What a reader knows, as the screen shows it."""
    portfolio, session = reader.portfolio, reader.standing.session
    return ScreenState(
        session="" if session is None else session.session,
        mode=reader.standing.configuration.mode,
        clock="" if session is None else session.clock,
        at=reader.at,
        started_at=0 if session is None else session.started_at,
        ended=session is not None and bool(session.ended_at),
        seq=reader.seq,
        pace=pace,
        products=tuple(_row(reader, product) for product in reader.products()),
        start=portfolio.start,
        realized=portfolio.realized,
        fees=portfolio.fees,
        funding=portfolio.funding,
        unrealized=portfolio.unrealized(),
        equity=portfolio.equity(),
        restriction=reader.restriction(),
        orders=reader.order_counts(),
        feeds=tuple(FeedRow(feed=each.feed, state=each.state) for each in reader.standing.feeds.values()),
        moments=tuple(reader.moments.latest),
    )


def _row(reader: Reader, product: str) -> ProductRow:
    portfolio = reader.portfolio
    mark, position = portfolio.marks.last(product), portfolio.positions.of(product)
    return ProductRow(
        product=product,
        mark=None if mark is None else mark.price,
        source="" if mark is None else mark.source.value.replace("_", " "),
        age_s=portfolio.marks.age_s(product, reader.at),
        fresh=portfolio.marks.is_fresh(product, reader.at),
        qty=position.qty,
        entry=position.entry_price,
        unrealized=portfolio.position_pnl(product, reader.at).unrealized_pnl if position.qty else None,
    )


class Screen:
    """The terminal while it is ours. `show` as often as there is something new; a context manager."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        self._live = Live(console=self.console, screen=True, auto_refresh=False, transient=True)
        self._charts: dict[str, deque[Decimal]] = {}

    def __enter__(self) -> Screen:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def show(self, state: ScreenState) -> None:
        self._live.update(self.picture(state), refresh=True)

    def picture(self, state: ScreenState) -> RenderableType:
        """The whole screen for the console's present size."""
        self._remember("equity", state.equity)
        for row in state.products:
            self._remember(row.product, row.mark)
        width, height = self.console.size
        account, products = self._account(state, width), self._products(state, width)
        # Panels: account 2 lines, products a heading and a row each, flow 2 lines; every panel has two borders.
        used = 1 + (2 + 2) + (2 + 1 + max(1, len(state.products))) + (2 + 2)
        return Group(
            _header(state, width), account, products, _flow(state), _decisions(state, lines=max(1, height - used - 2))
        )

    def _remember(self, name: str, value: Decimal | None) -> None:
        if value is not None:
            self._charts.setdefault(name, deque(maxlen=CHART_POINTS)).append(value)

    def _account(self, state: ScreenState, width: int) -> Panel:
        made = None if state.equity is None or state.start is None else state.equity - state.start
        first = Text.assemble(("equity ", "dim"), (money(state.equity), "bold"), "  ", gain(made))
        first.append(f" since {money(state.start)}", style="dim")
        room = width - 6 - first.cell_len
        if room >= 12:
            first.append("  " + _chart(self._charts.get("equity"), room), style="cyan")
        second = Text.assemble(
            ("realized ", "dim"),
            gain(state.realized),
            ("   fees ", "dim"),
            gain(-state.fees),
            ("   funding ", "dim"),
            gain(state.funding),
            ("   unrealized ", "dim"),
            gain(state.unrealized),
        )
        return _panel(_lines(first, second), "account")

    def _products(self, state: ScreenState, width: int) -> Panel:
        grid = Table(box=None, pad_edge=False, expand=True, header_style="dim", padding=(0, 1))
        grid.add_column("product", no_wrap=True)
        grid.add_column("mark", justify="right", no_wrap=True)
        grid.add_column("", no_wrap=True, ratio=1, overflow="crop")
        grid.add_column("position", justify="right", no_wrap=True)
        grid.add_column("entry", justify="right", no_wrap=True)
        grid.add_column("unrealized", justify="right", no_wrap=True)
        for row in state.products:
            source = _source(row)
            if width >= WIDE:
                source.append("  " + _chart(self._charts.get(row.product), width - 85), style="cyan")
            mark_style = "bold" if row.fresh else "bold red"
            grid.add_row(row.product, Text(price(row.mark), style=mark_style), source, *_position(row))
        if not state.products:
            grid.add_row(Text("no product yet", style="dim"))
        return _panel(grid, "market and position")


def _header(state: ScreenState, width: int) -> Text:
    lived = Text(" ended ", style="black on cyan") if state.ended else Text(" running ", style="black on green")
    mode = Text(f" {state.mode} ", style="black on yellow" if state.mode == "live" else "black on cyan")
    left = Text.assemble(" perptape ", mode, f" {state.session}" if width >= 90 else "", "  ")
    left.append(f"{time_utc(state.at, digits=0)[:19].replace('T', ' ') if state.at else 'nothing yet'} UTC")
    elapsed = duration(max(0, state.at - state.started_at))
    speed = "" if state.pace.speed is None else f"  x{state.pace.speed:.0f}"
    left.append(f"  {elapsed}{speed}", style="dim")
    space = max(1, width - left.cell_len - lived.cell_len - 1)
    return _one_line(Text.assemble(left, " " * space, lived))


def _source(row: ProductRow) -> Text:
    if row.mark is None:
        return Text("no mark yet", style="yellow")
    age = "" if row.age_s is None else f" {row.age_s:.1f}s"
    if not row.fresh:
        return Text(f"STALE{age}", style="bold red")
    return Text(f"{row.source}{age}", style="dim")


def _position(row: ProductRow) -> tuple[Text, str, Text]:
    if not row.qty:
        return Text("flat", style="dim"), "", Text("")
    side = "long" if row.qty > 0 else "short"
    held = Text(f"{side} {qty(abs(row.qty))}", style="green" if row.qty > 0 else "red")
    return held, cents(row.entry), gain(row.unrealized)


def _flow(state: ScreenState) -> Panel:
    if state.restriction:
        risk = Text(state.restriction, style="bold red")
    else:
        risk = Text.assemble(("risk ", "dim"), ("open, no restriction", "green"))
    for feed in state.feeds:
        style = "dim" if feed.state == "subscribed" else "bold red" if feed.state in ("lost", "silent") else "yellow"
        risk.append(f"   {feed.feed} feed {feed.state}", style=style)
    orders = state.orders
    unknown = (f"  {orders['unknown']} UNKNOWN", "bold red") if orders["unknown"] else ""
    counts = Text.assemble(
        (f"{state.pace.events_per_s:,}", "bold"),
        (" events/s  ", "dim"),
        f"{state.seq:,}",
        (" records  lag ", "dim"),
        f"{state.pace.worst_lag}",
        ("  sent ", "dim"),
        f"{orders['submitted']:,}",
        ("  fills ", "dim"),
        f"{orders['fills']:,}",
        ("  refused ", "dim"),
        f"{orders['refused']:,}",
        ("  open ", "dim"),
        f"{orders['open']:,}",
        unknown,
    )
    return _panel(_lines(risk, counts), "risk and flow")


def _decisions(state: ScreenState, *, lines: int) -> Panel:
    latest = state.moments[-lines:]
    rows = [
        Text.assemble(
            (f"{clock_time(moment.at)} ", "dim"), (f"{moment.subject:<9} ", "cyan"), (moment.text, _TONES[moment.tone])
        )
        for moment in latest
    ]
    rows += [Text("")] * (lines - len(rows))
    return _panel(_lines(*rows), "last decisions, and why")


def _panel(content: RenderableType, title: str) -> Panel:
    return Panel(content, title=title, title_align="left", box=box.ROUNDED, border_style="dim", padding=(0, 1))


def _lines(*lines: Text) -> Text:
    """Each on its own line, cut at the edge."""
    return _one_line(Text("\n").join(lines))


def _one_line(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _chart(values: deque[Decimal] | None, width: int) -> str:
    """The latest values as a row of bars between their least and their greatest."""
    latest = list(values or ())[-width:]
    if len(latest) < 2:
        return ""
    low, high = min(latest), max(latest)
    if low == high:
        return _BARS[0] * len(latest)
    span = float(high - low)
    return "".join(_BARS[min(7, int(float(value - low) / span * 8))] for value in latest)
