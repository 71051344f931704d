"""The US futures account (CFM): balance, positions, margin windows, and sweeps of its money back to spot."""

from __future__ import annotations

from decimal import Decimal

from actors.connection.amounts import decimal_text
from actors.connection.client.account_replies import Done, MarginSetting, Sweep, Sweeps
from actors.connection.client.line import Linked, segment
from actors.connection.client.reading import Empty
from actors.connection.client.replies import (
    BalanceSummary,
    CurrentMarginWindow,
    FuturesBalance,
    FuturesPosition,
    FuturesPositions,
    OneFuturesPosition,
)

#: What `cfm_set_intraday_margin_setting` takes.
STANDARD_MARGIN = "INTRADAY_MARGIN_SETTING_STANDARD"
INTRADAY_MARGIN = "INTRADAY_MARGIN_SETTING_INTRADAY"


def cfm_balance_summary(client: Linked) -> BalanceSummary | None:
    """None: the account has no futures side."""
    return client.line.get("/cfm/balance_summary", FuturesBalance).balance_summary


def cfm_positions(client: Linked) -> list[FuturesPosition]:
    """All open positions: the list is complete, or this raises."""
    return client.line.get("/cfm/positions", FuturesPositions).positions


def cfm_position(client: Linked, product_id: str) -> FuturesPosition:
    return client.line.get(f"/cfm/positions/{segment(product_id)}", OneFuturesPosition).position


def cfm_intraday_current_margin_window(
    client: Linked, profile: str = "MARGIN_PROFILE_TYPE_RETAIL_REGULAR"
) -> CurrentMarginWindow:
    path = "/cfm/intraday/current_margin_window"
    return client.line.get(path, CurrentMarginWindow, [("margin_profile_type", profile)])


def cfm_intraday_margin_setting(client: Linked) -> str:
    return client.line.get("/cfm/intraday/margin_setting", MarginSetting).setting


def cfm_set_intraday_margin_setting(client: Linked, setting: str) -> None:
    """Opt into the intraday margin rates (`INTRADAY_MARGIN`) or out of them (`STANDARD_MARGIN`)."""
    client.line.post("/cfm/intraday/margin_setting", {"setting": setting}, Empty)


def cfm_sweeps(client: Linked) -> list[Sweep]:
    """Sweeps that are pending or under way; one may be pending at most."""
    return client.line.get("/cfm/sweeps", Sweeps).sweeps


def cfm_sweeps_schedule(client: Linked, usd_amount: Decimal | None = None) -> bool:
    """Send money from the futures account to the spot one at the next sweep; None: all that is free."""
    body = {} if usd_amount is None else {"usd_amount": decimal_text(usd_amount)}
    return client.line.post("/cfm/sweeps/schedule", body, Done).success


def cfm_sweeps_cancel(client: Linked) -> bool:
    """Take the pending sweep back."""
    return client.line.delete("/cfm/sweeps", Done).success
