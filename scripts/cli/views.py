"""The reading commands as a person sees them: a heading that says how true it is, then tables."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from scripts.cli import theirs
from scripts.cli.places import Life, Until, silent_s
from scripts.cli.reading import Reader
from scripts.cli.shown import cents, duration, gain, money, price, qty, share, table, time_utc

#: A running system whose log was silent for longer than this is said to be so; its clock ticks every second.
SILENT_S = 5


def heading(reader: Reader, path: Path, life: Life, until: Until) -> RenderableType:
    """Which session, whether it lives, and up to which record this is true."""
    session = reader.standing.session
    lines = [Text.assemble((str(path), "bold"), f"   record {reader.seq:,} at {time_utc(reader.at)}")]
    if session is None:
        return Group(*lines, Text("no session is in this log yet", style="yellow"))
    name = f"session {session.session} ({session.mode}, {session.clock} clock)"
    if not until.is_now:
        lines.append(Text(f"{name}: as of then, not now", style="cyan"))
    elif life is Life.RUNNING:
        silent = silent_s(path)
        if silent is not None and silent > SILENT_S:
            lines.append(Text(f"{name} is running, and wrote nothing for {silent} s: this may be old", style="yellow"))
        else:
            lines.append(Text(f"{name} is running", style="green"))
    elif life is Life.ENDED:
        lines.append(Text(f"{name} ended {time_utc(session.ended_at, digits=0)}: {session.reason}", style="cyan"))
    else:
        lines.append(
            Text(
                f"{name} is DEAD: its log ends without an end and nobody writes it. What follows was true at "
                f"{time_utc(reader.at, digits=0)} and may be otherwise at the exchange",
                style="bold red",
            )
        )
    return Group(*lines, "")


def status(reader: Reader) -> RenderableType:
    return Group(
        restriction(reader),
        "",
        marks(reader),
        "",
        account(reader),
        "",
        positions(reader),
        "",
        attribution(reader),
        _running(reader),
    )


def restriction(reader: Reader) -> Text:
    """The one line of the risk state."""
    restricted = reader.restriction()
    if restricted:
        return Text(restricted, style="bold red")
    return Text("no restriction in force", style="green")


def marks(reader: Reader) -> Table:
    made = table("Marks", "product", "exchange's id", "source", "mark", "age", "", left=3)
    for product in reader.products():
        mark, rules = reader.portfolio.marks.last(product), reader.catalog.rules(product)
        age = reader.portfolio.marks.age_s(product, reader.at)
        fresh = reader.portfolio.marks.is_fresh(product, reader.at)
        state = Text("fresh", style="green") if fresh else Text("stale" if mark else "unknown", style="bold red")
        made.add_row(
            product,
            "not listed" if rules is None else rules.exchange_id,
            "" if mark is None else mark.source.value,
            price(None if mark is None else mark.price),
            "" if age is None else duration(int(age * 1_000_000_000)),
            state,
        )
    return made


def account(reader: Reader) -> RenderableType:
    portfolio = reader.portfolio
    made = table("Account", "start", "transfers", "realized", "fees", "funding", "unrealized", "equity", left=0)
    made.add_row(
        money(portfolio.start),
        money(portfolio.transfers, signed=True),
        gain(portfolio.realized),
        gain(-portfolio.fees),
        gain(portfolio.funding),
        gain(portfolio.unrealized()),
        Text(money(portfolio.equity()), style="bold"),
    )
    unknown = portfolio.unknown()
    return Group(made, Text(f"unknown, because {'; '.join(unknown)}", style="yellow")) if unknown else made


def positions(reader: Reader) -> RenderableType:
    made = table(
        "Positions", "product", "side", "qty", "base", "entry", "mark", "unrealized", "realized", "fees", left=2
    )
    for product in reader.products():
        position = reader.portfolio.positions.of(product)
        if not position.qty and not position.realized and not position.fees:
            continue
        row = reader.portfolio.position_pnl(product, reader.at)
        made.add_row(
            product,
            Text(position.side, style={"long": "green", "short": "red"}.get(position.side, "dim")),
            qty(position.qty),
            qty(row.base_qty),
            cents(position.entry_price) if position.qty else "",
            price(row.mark) if row.is_mark_fresh or row.mark is None else Text(f"{price(row.mark)} stale", style="red"),
            gain(row.unrealized_pnl),
            gain(row.realized_pnl),
            gain(-row.fees),
        )
    return made if made.row_count else Text("no position, and none closed", style="dim")


def orders(reader: Reader, *, closed: bool = False) -> RenderableType:
    made = table("Orders", "order", "product", "side", "kind", "state", "qty", "filled", "limit", "since", left=5)
    chosen = [*(reader.orders.closed.values() if closed else ()), *reader.orders.open_orders()]
    for order in chosen:
        state = (
            "UNKNOWN" if order.is_uncertain else order.status.value if order.stage == "closed" else order.stage.value
        )
        made.add_row(
            order.order,
            order.product,
            Text(order.side.value, style="green" if order.side.sign > 0 else "red"),
            order.kind.value + (" reduce-only" if order.reduce_only else ""),
            Text(state, style="bold red" if order.is_uncertain else ""),
            qty(order.qty),
            qty(order.filled_qty),
            price(order.limit_price) if order.limit_price is not None else "",
            time_utc(order.opened_at, digits=0),
        )
    counts = reader.order_counts()
    line = Text("   ".join(f"{name} {count:,}" for name, count in counts.items()), style="dim")
    return Group(made if made.row_count else Text("no open orders"), line)


def pnl(reader: Reader) -> RenderableType:
    made = table("Result", "product", "side", "realized", "unrealized", "fees", "funding", "net", left=2)
    result = reader.portfolio.pnl(reader.at)
    for product, row in result.positions.items():
        made.add_row(
            product,
            row.side,
            gain(row.realized_pnl),
            gain(row.unrealized_pnl),
            gain(-row.fees),
            gain(row.funding_accrued),
            gain(row.net_pnl),
        )
    made.add_section()
    made.add_row(
        Text("total", style="bold"),
        "",
        gain(result.total_realized),
        gain(result.total_unrealized),
        gain(-result.fees),
        gain(result.total_funding),
        gain(result.net_pnl),
    )
    return Group(made, "", attribution(reader), account(reader), "", theirs.tie_out(reader))


def attribution(reader: Reader) -> RenderableType:
    """Whose the result is; nothing where there is one strategy and nobody else."""
    rows = reader.attribution()
    if len(rows) < 2:
        return ""
    made = table(
        "By strategy", "strategy", "product", "position", "realized", "unrealized", "fees", "funding", "net", left=2
    )
    for row in rows:
        made.add_row(
            row.strategy,
            row.product,
            qty(row.qty),
            gain(row.realized),
            gain(row.unrealized),
            gain(-row.fees),
            gain(row.funding),
            gain(row.net),
        )
    return Group(made, "")


def funding(reader: Reader) -> RenderableType:
    ledger = reader.portfolio.ledger
    totals = table(
        "Funding (above zero we received)", "product", "accrued", "paid", "receivable", "last rate", "paid through"
    )
    for product, each in ledger.by_product.items():
        rate = reader.catalog.last_rate(product)
        totals.add_row(
            product,
            gain(each.total),
            gain(each.paid),
            gain(each.receivable),
            "" if rate is None else f"{rate.rate:f}",
            time_utc(each.paid_through, digits=0) if each.paid_through else "",
        )
    if not totals.row_count:
        return Text("no funding yet: no boundary passed while a position was open", style="dim")
    entries = table("Latest boundaries", "product", "boundary", "status", "amount", left=3)
    for product, each in ledger.by_product.items():
        for entry in reversed(each.entries[-24:]):
            entries.add_row(product, time_utc(entry.boundary, digits=0), entry.status.value, gain(entry.amount))
    return Group(totals, "", entries)


def risk(reader: Reader) -> RenderableType:
    standing, limits = reader.standing, reader.standing.configuration.risk
    made = table(
        "Exposure, the worst side of positions and orders", "product", "held", "notional", "of equity", "limits"
    )
    for product in reader.products():
        exposure = reader.exposure(product)
        notional = None if exposure is None else exposure.notional
        caps = [share(_decimal(standing.limit("max_position_pct_per_symbol")))]
        if product in limits.max_notional_per_symbol:
            caps.append(money(limits.max_notional_per_symbol[product]))
        if product in limits.leverage_max_per_symbol:
            caps.append(f"{limits.leverage_max_per_symbol[product]:f}x")
        held = qty(reader.portfolio.positions.of(product).qty)
        made.add_row(product, held, money(notional), share(reader.share_of_equity(notional)), ", ".join(caps))
    gross = reader.gross()
    made.add_section()
    caps = [share(_decimal(standing.limit("max_exposure_pct"))), f"{standing.limit('leverage_max_global')}x"]
    made.add_row("all", "", money(gross), share(reader.share_of_equity(gross)), ", ".join(caps))
    changed = [Text(f"set by an operator: {name} = {value}") for name, value in standing.changed_limits.items()]
    return Group(restriction(reader), "", made, "", _day(reader), theirs.margin(reader), *changed)


def _day(reader: Reader) -> Text:
    """The daily loss against its limit; the day is ours, from 00:00 UTC."""
    day, loss, limit = reader.standing.day, reader.loss_today(), reader.standing.daily_loss_limit()
    if day is None:
        return Text("the day's loss: no day has been opened yet", style="dim")
    since = f"since {time_utc(day.day, digits=0)} ({money(day.equity)})"
    if loss is None:
        return Text(f"the day's loss {since}: unknown", style="yellow")
    style = "bold red" if limit is not None and loss >= limit else ""
    return Text(
        f"the day's {'loss' if loss > 0 else 'gain'} {since}: {money(abs(loss))} of {money(limit)}", style=style
    )


def _decimal(limit: Decimal | str | int | bool | None) -> Decimal | None:
    return None if limit is None else Decimal(limit)


def _running(reader: Reader) -> RenderableType:
    feeds = [
        Text(f"{feed.feed} feed {feed.state}", style="" if feed.state == "subscribed" else "yellow")
        for feed in reader.standing.feeds.values()
    ]
    strategies = [
        Text.assemble(
            (f"{seen.strategy} on {seen.product}: ", "bold"),
            (f"PAUSED, {seen.paused}", "red") if seen.paused else f"{seen.action or 'no decision yet'} {seen.reason}",
        )
        for seen in reader.standing.strategies.values()
    ]
    counts = reader.order_counts()
    return Group(
        *feeds, *strategies, Text("   ".join(f"{name} {count:,}" for name, count in counts.items()), style="dim")
    )
