"""What the exchange says of the account, beside ours: the tie-out, its margin figures, its day."""

from __future__ import annotations

from decimal import Decimal

from rich.console import Group, RenderableType
from rich.text import Text

from events.account import MarginMeasure
from scripts.cli.reading import Reader
from scripts.cli.shown import money, price, time_utc

Answer = dict[str, object]


def tie_out_answer(reader: Reader) -> Answer:
    """Both equities at the exchange's prices, what is unexplained, and the difference of opinion with both marks."""
    tie = reader.portfolio.tie_out()
    return {
        "ours": tie.ours,
        "theirs": tie.theirs,
        "difference": tie.difference,
        "receivable": tie.receivable,
        "valuation": tie.valuation,
        "our_marks": tie.our_marks,
        "their_marks": tie.their_marks,
        "quiet": tie.is_quiet,
        "unexplained": tie.unexplained,
        "unnamed_flows": tie.unnamed,
        "pending_outflow": tie.pending_outflow,
        "unknown": list(tie.unknown),
    }


def margin_answer(reader: Reader) -> Answer:
    """The exchange's own figures under its own names, with the window in force and its end by the exchange's word."""
    margin = reader.margin
    window, balance = margin.window, margin.balance
    return {
        "liquidation_buffer_percentage": margin.liquidation_buffer_percentage,
        "available_above_threshold": margin.available_above_threshold,
        "initial_margin": None if balance is None else balance.initial_margin,
        "available_margin": None if balance is None else balance.available_margin,
        "liquidation_threshold": None if balance is None else balance.liquidation_threshold,
        "window": None if window is None else window.window.value,
        "window_ends_at": time_utc(window.ends_at, digits=0) if window is not None and window.ends_at else None,
        "windows": [_measure(measure) for measure in margin.measures],
    }


def days_answer(reader: Reader, *, count: int = 7) -> list[Answer]:
    """The latest days, newest first: what became certain in each, from 00:00 UTC to 00:00 UTC."""
    days = [day for day in reader.earnings.days if day.isdigit()][-count:]
    return [
        {
            "day": time_utc(int(day) * 1_000_000_000, digits=0)[:10],
            "begins": "00:00 UTC",
            "realized": sum((each.realized for each in reader.earnings.days[day].values()), Decimal(0)),
            "fees": sum((each.fees for each in reader.earnings.days[day].values()), Decimal(0)),
            "funding": sum((each.funding for each in reader.earnings.days[day].values()), Decimal(0)),
        }
        for day in reversed(days)
    ]


def exchange_day_answer(reader: Reader) -> Answer:
    """The exchange's daily figure with the day it belongs to, which is not ours (trading rules A24)."""
    balance = reader.margin.balance
    return {
        "realized": None if balance is None else balance.daily_realized,
        "begins": "the exchange's last settlement",
        "settlement_times_utc": list(reader.standing.configuration.account.settlement_times_utc),
    }


def tie_out(reader: Reader) -> RenderableType:
    """Our equity beside the exchange's. A difference at a quiet point is red and is not explained away."""
    tie = reader.portfolio.tie_out()
    if tie.difference is None:
        return Text(f"the exchange's equity: cannot be compared, {'; '.join(tie.unknown)}", style="yellow")
    both = f"ours {price(tie.ours)}, the exchange's {price(tie.theirs)} at its own prices"
    if not tie.difference:
        first = Text(f"the exchange agrees to the last digit: {both}", style="green")
    else:
        when = "at a quiet point" if tie.is_quiet else "while something moved"
        style = "bold red" if tie.is_quiet else "yellow"
        first = Text(f"difference {price(tie.difference)} {when}: {both}", style=style)
    more = []
    if tie.valuation:
        more.append(
            Text(f"our marks make {money(tie.valuation, signed=True)} more of it than the exchange's", style="dim")
        )
    if tie.unexplained:
        more.append(Text(f"unexplained at the last quiet point: {price(tie.unexplained)}", style="bold red"))
    if tie.unnamed:
        more.append(Text(f"money that nobody has named: {money(tie.unnamed, signed=True)}", style="bold red"))
    if tie.pending_outflow:
        more.append(Text(f"announced to leave: {money(tie.pending_outflow)}", style="yellow"))
    return Group(first, *more)


def margin(reader: Reader) -> RenderableType:
    """One line of the exchange's margin; nothing where it has said none."""
    theirs = reader.margin
    if theirs.balance is None:
        return Text("")
    words = []
    if theirs.window is not None:
        ends = f" until {time_utc(theirs.window.ends_at, digits=0)}" if theirs.window.ends_at else ""
        words.append(f"margin window {theirs.window.window.value}{ends}")
    if theirs.liquidation_buffer_percentage is not None:
        words.append(f"its liquidation_buffer_percentage {theirs.liquidation_buffer_percentage:f}")
    if theirs.available_above_threshold is not None:
        words.append(f"(available − threshold) / (initial − threshold) {theirs.available_above_threshold:f}")
    return Text(f"the exchange says: {', '.join(words)}" if words else "", style="dim")


def _measure(measure: MarginMeasure) -> Answer:
    return {
        "window": measure.window.value,
        "level": measure.level,
        "initial_margin": measure.initial_margin,
        "maintenance_margin": measure.maintenance_margin,
        "liquidation_buffer_percentage": measure.liquidation_buffer_percentage,
    }
