"""What a log has of the market already: found from its end, product by product, over rolled segments."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from actors.connection.told_before import last_trades
from events.log import FileLog
from events.market import TradePrinted
from events.record import AnyEvent, Record
from events.session import ClockTicked


def trade(product: str, number: int) -> TradePrinted:
    return TradePrinted(
        product=product,
        trade_id=str(number),
        price=Decimal(68900),
        size=Decimal(1),
        aggressor=None,
        exchange_at=number,
    )


def written(folder: Path, *events: AnyEvent, roll_bytes: int = 1 << 20) -> None:
    log = FileLog.open(folder, roll_bytes=roll_bytes)
    for event in events:
        log.write([Record(seq=log.next_seq, at=log.last_at + 1, by="market", event=event)])
        log.commit()
    log.close()


def test_the_last_trade_of_each_product_is_found_however_far_back(tmp_path: Path) -> None:
    quiet = [trade("ETH-PERP", 7)]
    busy = [trade("BTC-PERP", 100 + number) for number in range(500)]
    written(tmp_path, *quiet, *busy, ClockTicked(), roll_bytes=20_000)
    assert len(list(tmp_path.glob("events.0*"))) > 1, "the log did not roll"
    assert last_trades(tmp_path, ["BTC-PERP", "ETH-PERP"]) == {"BTC-PERP": "599", "ETH-PERP": "7"}


def test_a_product_whose_name_begins_like_another_is_not_taken_for_it(tmp_path: Path) -> None:
    written(tmp_path, trade("BTC-PERP", 1), trade("BTC-PERP-INTX", 2), trade('A"B', 3))
    products = ["BTC-PERP", "BTC", 'A"B', "SOL-PERP"]
    assert last_trades(tmp_path, products) == {"BTC-PERP": "1", 'A"B': "3"}


def test_a_log_that_is_not_there_has_no_trades(tmp_path: Path) -> None:
    assert last_trades(tmp_path / "nothing", ["BTC-PERP"]) == {}
