"""The seed's samples of streams and results, run from its own text. A number in a name is the block's line."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from actors.brokerage import CoinbaseBrokerage
from actors.connection.auth import Credentials
from actors.connection.feeds import FeedManners
from actors.connection.user_feed import UserFeed
from events.feeds import FeedGapFound
from events.log import read_commits
from events.market import BookChanged, BookSnapshotted, MarkUpdated, MarkWentStale, TradePrinted
from events.orders import OrderFilled, OrderReported
from events.position import PositionChanged
from events.terms import OrderKind, OrderStatus, Side
from tests.actors.connection.keys import EC_KEY, NAME, pem
from tests.actors.connection.peers import ListDoor, Socket, socket_peer
from tests.scenarios.demos import LIMIT_S, kill_9, start_demo
from tests.seed.logs import START, HandLog, fill, funding, mark
from tests.seed.samples import needs_the_seed, run

pytestmark = needs_the_seed

D = Decimal
BTC, ETH = "BTC-USD-PERP", "ETH-USD-PERP"


class Shown:
    """Stands for `print`: keeps the texts."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, text: str) -> None:
        self.texts.append(text)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Two readers of a demonstration's log from its first record, and the log: a live system over sockets."""
    folder = tmp_path_factory.mktemp("demo")
    process = start_demo("--data-dir", folder, "--seconds", "6", "--speed", "60")
    log = folder / "log"
    adapters = [CoinbaseBrokerage(log=log), CoinbaseBrokerage(log=log)]
    assert [adapter._view.place.seq for adapter in adapters] == [0, 0]
    try:
        shown = Shown()
        run(370, adapter=adapters[0], print=shown)
        assert process.wait(LIMIT_S) == 0
        yield shown.texts, adapters[1], log
    finally:
        if process.poll() is None:
            kill_9(process)
        for adapter in adapters:
            adapter.close()


def test_370_the_mark_is_never_older_than_the_trade_it_is_printed_for(demo: Any) -> None:
    texts, _, log = demo
    expected, last = [], None
    for commit in read_commits(log):
        trades = 0
        for record in commit.records:
            match record.event:
                case MarkUpdated(price=price):
                    last = price
                case MarkWentStale():
                    last = None
                case TradePrinted():
                    trades += 1
                case _:
                    pass
        expected += [f"Current mark: {last}"] * trades
    assert len(expected) > 50
    assert texts == expected


def test_382_the_result_contains_the_fill_it_is_printed_for(demo: Any) -> None:
    _, adapter, log = demo
    results: list[Any] = []
    get_position_pnl: Callable[[str], Any] = adapter.get_position_pnl

    class Reading:
        def stream_user_events(self) -> Any:
            return adapter.stream_user_events()

        def get_position_pnl(self, symbol: str) -> Any:
            results.append(get_position_pnl(symbol))
            return results[-1]

    shown = Shown()
    run(382, adapter=Reading(), print=shown)
    fills = [event for commit in read_commits(log) for r in commit.records if isinstance(event := r.event, OrderFilled)]
    assert len(shown.texts) == len(results) == len(fills) > 0
    for number, result in enumerate(results, 1):
        assert result["fees"] >= sum(each.fee for each in fills[:number])
    assert results[-1]["fees"] == sum(each.fee for each in fills)


EXPECTED = {
    "symbol": BTC,
    "qty": D("1.0"),
    "side": "long",
    "entry": D(50_000),
    "mark": D(51_000),
    "unrealized_pnl": D(1_000),
    "realized_pnl": D(500),
    "funding_accrued": D(-5),
}
PORTFOLIO = {"total_unrealized": D(1_500), "total_realized": D(300), "total_funding": D(-10)}
MONEY = {"unrealized_pnl", "realized_pnl", "funding_accrued", *PORTFOLIO}


@pytest.mark.parametrize(("size", "divisor"), [("1", 1), ("0.01", 100)])
def test_395_results_are_those_that_the_seed_shows_and_a_hundredth_for_a_contract_of_a_hundredth(
    tmp_path: Path, size: str, divisor: int
) -> None:
    with HandLog(tmp_path) as log:
        log.begin(size)
        log.turn(fill(BTC, Side.BUY, 2, 50_000, size), fill(ETH, Side.BUY, 2, 3_000, size))
        log.turn(fill(BTC, Side.SELL, 1, 50_500, size), fill(ETH, Side.SELL, 1, 2_800, size))
        log.turn(*(funding(product, str(D(-5) / divisor)) for product in (BTC, ETH)))
        log.turn(mark(BTC, 51_000), mark(ETH, 3_500))
        names = run(395, adapter=CoinbaseBrokerage(log=tmp_path))
    pnl, portfolio = names["pnl"], names["portfolio"]
    expected = EXPECTED | PORTFOLIO
    shown = {name: pnl[name] for name in EXPECTED} | {name: portfolio[name] for name in PORTFOLIO}
    assert shown == {name: value / divisor if name in MONEY else value for name, value in expected.items()}  # type: ignore[operator]
    assert set(portfolio["positions"]) == {BTC, ETH}
    assert {"fees", "net_pnl", "contract_size", "mark_source", "mark_age_s"} <= set(pnl)


def test_395_what_is_not_known_is_none_and_says_why(tmp_path: Path) -> None:
    with HandLog(tmp_path) as log:
        log.begin()
        log.turn(fill(BTC, Side.BUY, 1, 50_000))
        names = run(395, adapter=CoinbaseBrokerage(log=tmp_path))
    assert (names["pnl"]["mark"], names["pnl"]["unrealized_pnl"]) == (None, None)
    assert names["portfolio"]["total_unrealized"] is None
    assert names["portfolio"]["unknown"] == (f"{BTC}: mark is unknown",)


def test_423_and_440_the_last_hundred_rows_of_positions_and_funding_come_oldest_first(tmp_path: Path) -> None:
    changed = PositionChanged(product=BTC, qty=D(1), cost=D(50_000), entry_price=D(50_000), realized=D(0), fee=D(0))
    with HandLog(tmp_path) as log:
        log.begin()
        for hour in range(80):
            log.turn(changed, funding(BTC, "-5", hour))
        adapter = CoinbaseBrokerage(log=tmp_path)
        run(423)  # comments only
        rows = run(440, adapter=adapter)["events"]
    assert len(rows) == 100
    assert [row["seq"] for row in rows] == sorted(row["seq"] for row in rows)
    assert {(row["kind"], row["type"]) for row in rows} == {("position", "position"), ("metric", "funding")}


def test_467_prices_are_decimal_and_each_product_has_the_name_it_was_asked_for(tmp_path: Path) -> None:
    adapter = CoinbaseBrokerage(log=tmp_path)
    side = (D(50_000), D(3))
    with HandLog(tmp_path) as log:
        log.begin()
        log.turn(_trade(BTC, "50000.5"), _trade(ETH, "3000.25"))
        log.end()
        log.begin()
        log.turn(BookSnapshotted(product=BTC, bids=(side,), asks=(), exchange_at=START))
        log.turn(BookSnapshotted(product=ETH, bids=(side,), asks=(), exchange_at=START))
        log.turn(BookChanged(product=BTC, bids=((D(50_000), D(0)),), asks=(), exchange_at=START))
        log.end()
        shown = Shown()
        names = run(467, adapter=adapter, print=shown)
    assert shown.texts[:2] == [f"Trade: {BTC} @ 50000.5", f"Trade: {ETH} @ 3000.25"]
    assert isinstance(names["trade"]["price"], Decimal)
    assert names["trade"]["exchange_product_id"] == "ETP-20DEC30-CDE"
    assert len(shown.texts) == 4
    assert names["update"]["type"] == "update"
    assert names["update"]["bids"] == [(D(50_000), D(0))]


@pytest.mark.parametrize("heard", [0, 1])
def test_479_a_frame_that_is_dropped_is_one_gap_with_the_last_number_heard(tmp_path: Path, heard: int) -> None:
    def drop(end: Socket) -> None:
        end.take_subscribes(3)
        end.acknowledge()  # frame 0
        if end.number == 1:
            if heard:
                end.channel("heartbeats")
            end.channel("heartbeats", number=heard + 3)
        end.live_on()

    adapter = CoinbaseBrokerage(log=tmp_path)
    quick = FeedManners(heartbeat_s=0.1, ack_timeout_s=0.5, first_pause_s=0.02, connect_timeout_s=1.0)
    door, key = ListDoor(), Credentials(NAME, pem(EC_KEY))
    with socket_peer(drop) as peer:
        products = {"BIP-20DEC30-CDE": BTC}
        feed = UserFeed(door, peer.url, products, credentials=key, catch_up=lambda _: None, manners=quick)
        feed.start()
        try:
            door.wait_for(FeedGapFound)
        finally:
            feed.stop()
    with HandLog(tmp_path) as log:
        log.begin()
        log.turn(*door.events)
        log.turn(_report())
        log.end()
        shown = Shown()
        run(479, adapter=adapter, print=shown)
    assert shown.texts[0] == f"Sequence gap detected! Last: {heard}"
    assert [text.startswith("Event: ") for text in shown.texts[1:]] == [True, True]
    assert sum("'gap_detected': True" in text for text in shown.texts) == 1


def _trade(product: str, price: str) -> TradePrinted:
    return TradePrinted(product=product, trade_id="1", price=D(price), size=D(1), aggressor=Side.BUY, exchange_at=START)


def _report() -> OrderReported:
    return OrderReported(
        order="o",
        exchange_order="x",
        product=BTC,
        side=Side.BUY,
        status=OrderStatus.OPEN,
        kind=OrderKind.LIMIT_GTC,
        qty=D(1),
        filled_qty=D(0),
        filled_value=D(0),
        fees=D(0),
        limit_price=D(50_000),
        exchange_at=START,
    )
