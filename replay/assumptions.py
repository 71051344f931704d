"""What a result on paper rests on, in sentences, printed with it: nobody remembers it later (trading rules A21)."""

from __future__ import annotations

from decimal import Decimal

from events.configuration import Configuration, PaperSetting


def assumptions(configuration: Configuration) -> tuple[str, ...]:
    """The assumptions of the paper exchange under this configuration, one sentence each; none where it did not run."""
    if configuration.mode != "paper":
        return ()
    return _of(configuration.paper)


def _of(paper: PaperSetting) -> tuple[str, ...]:
    fees = paper.fees
    return (
        f"orders and cancels act {paper.latency_ms} ms after their intent, at the next market record of the product "
        "or second of the clock, and see the book after it",
        "a taker gets what is shown, once: a level it took stays empty until the market names that level again",
        "a resting order fills when trades print through its price, or at it after the size shown ahead of it at entry "
        "has traded, by no more than was printed; the market does not react to any order",
        f"fees: maker {_percent(fees.maker_rate)}, taker {_percent(fees.taker_rate)} of notional, and "
        f"{fees.per_contract:f} per contract",
        _band(paper.price_band),
        "sessions, halts, maintenance, expiry, increments and sizes are those of the product as it was listed; "
        "an order that would meet our own is rejected, and so are stops and brackets",
        _margin(paper),
        "at maintenance margin (two thirds of the initial one, judged once a second) everything is closed at what the "
        f"book shows, for the taker's fee and {_percent(paper.liquidation_rate)} of notional",
        _settlements(paper.settlement_times_utc),
        "spot and futures cash back positions alike; deposits and sweeps happen as they are told",
    )


def _band(band: Decimal | None) -> str:
    if band is None:
        return "no price band is set: a limit may lie anywhere, and an order without one takes all that is shown"
    return f"limits reach at most {_percent(band)} through the mark, and so do orders without one"


def _margin(paper: PaperSetting) -> str:
    window = "of the present window" if paper.intraday_margin else "of the night, since intraday margin is not opted in"
    return (
        "an increase must fit the stricter margin rate of day and night, with its fee; what is held is judged by the "
        f"rates {window}; a product without rates or highest leverage gives no credit"
    )


def _settlements(times: tuple[str, ...]) -> str:
    if not times:
        return "nothing is ever settled: no time is set, so no funding is paid"
    return (
        f"funding accrues by the hour as published and is paid, with variation margin, at {', '.join(times)} UTC; an "
        "hour without a rate pays nothing, a rate that comes late is paid when it comes"
    )


def _percent(fraction: Decimal) -> str:
    return f"{(fraction * 100).normalize():f} %"
