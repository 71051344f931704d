"""The adapter over a log: names, places, ends."""

from __future__ import annotations

import os
import threading
from decimal import Decimal
from itertools import islice
from pathlib import Path

import pytest

from actors.brokerage import APIConfig, CoinbaseBrokerage, MarkCache
from actors.connection.errors import AuthenticationError, InvalidSymbol
from events.log import LogDamaged
from events.market import MarkWentStale, QuoteChanged, TradePrinted
from events.terms import NANOSECONDS, Side
from tests.seed.logs import START, HandLog, fill, mark

D = Decimal
BTC, ETH = "BTC-USD-PERP", "ETH-USD-PERP"


def trade(product: str, number: int) -> TradePrinted:
    return TradePrinted(
        product=product, trade_id=str(number), price=D(50_000), size=D(1), aggressor=None, exchange_at=START + 1
    )


def test_a_config_that_cannot_work_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(AuthenticationError, match="derivatives need a CDP key"):
        CoinbaseBrokerage(APIConfig(api_key="k", api_secret="s", enable_derivatives=True), log=tmp_path)


@pytest.mark.parametrize("name", [BTC, "BIP-20DEC30-CDE"])
def test_a_row_carries_the_name_it_was_asked_for_and_the_exchanges(tmp_path: Path, name: str) -> None:
    adapter = CoinbaseBrokerage(log=tmp_path)
    with HandLog(tmp_path) as log:
        log.begin()
        log.turn(trade(ETH, 1), trade(BTC, 2))
        (row,) = islice(adapter.stream_trades([name]), 1)
    adapter.close()
    assert (row["product_id"], row["exchange_product_id"], row["trade_id"]) == (name, "BIP-20DEC30-CDE", "2")
    assert (row["time"], row["exchange_at"], row["side"]) == ("2026-03-02T14:00:00.000000Z", START + 1, None)
    assert adapter.get_position_pnl(name)["symbol"] == name


def test_a_name_that_no_product_has_is_refused_and_no_quiet_market(tmp_path: Path) -> None:
    early = CoinbaseBrokerage(log=tmp_path)
    rows = early.stream_trades(["DOGE-PERP"])
    with HandLog(tmp_path) as log:
        log.begin()
        with pytest.raises(InvalidSymbol, match="DOGE-PERP"):
            next(rows)
        adapter = CoinbaseBrokerage(log=tmp_path)
        with pytest.raises(InvalidSymbol, match="known are BTC-USD-PERP, ETH-USD-PERP"):
            adapter.stream_trades(["DOGE-PERP"])
        with pytest.raises(InvalidSymbol):
            adapter.get_position_pnl("DOGE-PERP")


def test_two_loops_one_after_the_other_miss_nothing(tmp_path: Path) -> None:
    adapter = CoinbaseBrokerage(log=tmp_path)
    with HandLog(tmp_path) as log:
        log.begin()
        for number in range(4):
            log.turn(trade(BTC, number))
        log.end()
        first = [row["trade_id"] for row in islice(adapter.stream_trades([BTC]), 2)]
        assert first + [row["trade_id"] for row in adapter.stream_trades()] == ["0", "1", "2", "3"]


def test_what_was_there_before_the_adapter_is_known_and_not_streamed(tmp_path: Path) -> None:
    with HandLog(tmp_path) as log:
        log.begin()
        log.turn(fill(BTC, Side.BUY, 1, 50_000), trade(BTC, 1))
        adapter = CoinbaseBrokerage(log=tmp_path)
        log.turn(trade(BTC, 2))
        log.end()
        assert [row["trade_id"] for row in adapter.stream_trades([BTC])] == ["2"]
        assert adapter.get_position_pnl(BTC)["qty"] == D(1)


def test_a_loop_waits_for_what_is_yet_to_be_written_and_ends_when_the_adapter_is_closed(tmp_path: Path) -> None:
    adapter = CoinbaseBrokerage(log=tmp_path)
    seen, got_one = [], threading.Event()

    def loop() -> None:
        for row in adapter.stream_trades():
            seen.append(row["trade_id"])
            got_one.set()

    reader = threading.Thread(target=loop)
    with HandLog(tmp_path) as log:
        log.begin()
        reader.start()
        log.turn(trade(BTC, 1))
        assert got_one.wait(10)
        adapter.close()
        reader.join(10)
    assert not reader.is_alive()
    assert seen == ["1"]


def test_leaving_a_loop_lets_its_file_go(tmp_path: Path) -> None:
    adapter = CoinbaseBrokerage(log=tmp_path)
    with HandLog(tmp_path) as log:
        log.begin()
        for number in range(3):
            log.turn(trade(BTC, number))
        before = len(os.listdir("/dev/fd"))
        for row in adapter.stream_trades([BTC]):
            assert row["trade_id"] == "0"
            assert len(os.listdir("/dev/fd")) == before + 1
            break
        assert len(os.listdir("/dev/fd")) == before
    adapter.close()


def test_a_closed_adapter_says_what_it_knew(tmp_path: Path) -> None:
    with HandLog(tmp_path) as log:
        log.begin()
        log.turn(fill(BTC, Side.BUY, 1, 50_000))
        adapter = CoinbaseBrokerage(log=tmp_path)
        adapter.close()
        log.turn(fill(BTC, Side.BUY, 1, 50_000))
    assert adapter.get_position_pnl(BTC)["qty"] == D(1)
    assert list(adapter.stream_trades()) == []


def test_a_log_that_is_damaged_is_not_read_over_but_looked_at_again_since_its_writer_may_be_mending_it(
    tmp_path: Path,
) -> None:
    with HandLog(tmp_path) as log:
        log.begin()
        log.turn(fill(BTC, Side.BUY, 1, 50_000))
        log.turn(trade(BTC, 1))
    file = tmp_path / "events.jsonl"
    file.write_bytes(file.read_bytes().replace(b'"50000"', b'"60000"', 1))
    adapter = CoinbaseBrokerage(log=tmp_path)
    assert adapter.get_position_pnl(BTC)["qty"] == 0
    with pytest.raises(LogDamaged):
        adapter.get_portfolio_pnl()


def test_a_client_is_that_of_the_config(tmp_path: Path) -> None:
    adapter = CoinbaseBrokerage(APIConfig(sandbox=True), log=tmp_path)
    client = adapter.client()
    assert client.base_url == "https://api-sandbox.coinbase.com"
    client.close()


def test_best_prices_are_level_one(tmp_path: Path) -> None:
    adapter = CoinbaseBrokerage(log=tmp_path)
    with HandLog(tmp_path) as log:
        log.begin()
        quote = QuoteChanged(product=BTC, bid=D(1), bid_size=D(2), ask=None, ask_size=None, exchange_at=START)
        log.turn(quote, trade(BTC, 1))
        log.end()
        (row,) = adapter.stream_orderbook([BTC])
    assert (row["type"], row["bid"], row["ask"]) == ("ticker", D(1), None)
    with pytest.raises(ValueError, match="level 0"):
        adapter.stream_orderbook([BTC], level=0)


def test_the_adapters_mark_is_the_logs_and_none_when_the_log_calls_it_stale(tmp_path: Path) -> None:
    with HandLog(tmp_path) as log:
        log.begin()
        log.turn(mark(BTC, 50_000), mark(ETH, 3_000))
        log.turn(MarkWentStale(product=ETH, age_ms=1, reason="test"))
        adapter = CoinbaseBrokerage(log=tmp_path)
    assert adapter._mark_cache.get_mark("BIP-20DEC30-CDE") == D(50_000)
    assert adapter._mark_cache.get_mark(ETH) is None


def test_a_mark_lives_as_long_as_its_ttl_and_is_warned_of_once_a_spell(caplog: pytest.LogCaptureFixture) -> None:
    now = [START]
    cache = MarkCache(clock=lambda: now[0])
    assert cache.get_mark(BTC) is None
    cache.set_mark(BTC, D(50_000))
    cache.set_mark(BTC, D(49_000), at=START - 1)
    now[0] += 30 * NANOSECONDS
    assert cache.get_mark(BTC) == D(50_000)
    now[0] += 1
    assert [cache.get_mark(BTC), cache.get_mark(BTC)] == [None, None]
    assert len(caplog.records) == 1
    cache.set_mark(BTC, D(51_000))
    assert cache.get_mark(BTC) == D(51_000)
    with pytest.raises(ValueError, match="a mark of 0"):
        cache.set_mark(BTC, D(0))
