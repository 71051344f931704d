"""What is done to the account or the market other than by orders: money moved, settings changed, the exchange's word.

An act is one line of JSON, told by `act`. Clients do some of them over REST (a sweep, a new portfolio); the control
does any of them, so that a test can have its deposit, its maintenance or its liquidation when it wants one:

    {"act": "deposit", "amount": "1000"}
    {"act": "maintenance", "begins_in_s": 60, "lasts_s": 600}

All are remembered by an exchange that remembers, and done again at the same moment of its tape.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec

from events.money import on_grid
from replay.exchange.errors import BadRequest

Seconds = Annotated[int, msgspec.Meta(ge=0, le=31_536_000)]
Lasting = Annotated[int, msgspec.Meta(ge=1, le=31_536_000)]

#: More is no money.
_MOST = Decimal(10**12)
_CENT = Decimal("0.01")


class Act(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="act"):
    """Done at the present of the exchange."""


# Money.


class Deposit(Act, frozen=True, tag="deposit"):
    """USD arrive in the spot wallet from outside."""

    amount: Decimal


class Withdraw(Act, frozen=True, tag="withdraw"):
    """USD leave the spot wallet."""

    amount: Decimal


class ToFutures(Act, frozen=True, tag="to_futures"):
    """USD go from the spot wallet into the futures account."""

    amount: Decimal


class ToSpot(Act, frozen=True, tag="to_spot"):
    """USD go from the futures account into the spot wallet, at once."""

    amount: Decimal


class ScheduleSweep(Act, frozen=True, tag="sweep"):
    """USD go from the futures account into the spot wallet with the next settlement; without an amount all that may."""

    amount: Decimal | None = None


class CancelSweep(Act, frozen=True, tag="cancel_sweep"):
    """The sweep that is scheduled does not take place."""


class Settle(Act, frozen=True, tag="settle"):
    """A settlement takes place now, besides those of the calendar."""


# The exchange's own doing.


class Liquidate(Act, frozen=True, tag="liquidate"):
    """The exchange cancels all orders and closes the position, or `size` of it, whatever backs it."""

    size: Decimal | None = None


class CancelAll(Act, frozen=True, tag="cancel_all"):
    """The exchange cancels every order, as after a restart."""


class Maintain(Act, frozen=True, tag="maintenance"):
    """Maintenance is announced: the session is closed for `lasts_s`, from `begins_in_s` on. Replaces an earlier one."""

    lasts_s: Lasting
    begins_in_s: Seconds = 0


class EndMaintenance(Act, frozen=True, tag="end_maintenance"):
    """Maintenance is over, or is not to come."""


class Condition(Act, frozen=True, tag="condition"):
    """How the exchange takes orders from now on; what is None stays as it was.

    The first five stand over what the tape says of the product. `after_hours`: resting limit orders only. `geofenced`:
    the client is somewhere it may not trade from. `brackets`, `limit_ioc`: whether such orders are taken at all;
    `cancels`: whether orders can be cancelled while the session is closed.
    """

    session_open: bool | None = None
    trading_disabled: bool | None = None
    cancel_only: bool | None = None
    limit_only: bool | None = None
    post_only: bool | None = None
    halted: bool | None = None
    after_hours: bool | None = None
    geofenced: bool | None = None
    brackets: bool | None = None
    limit_ioc: bool | None = None
    cancels: bool | None = None


class Correct(Act, frozen=True, tag="correct"):
    """A fill is taken back (REVERSAL) and, with a price, booked anew at it (CORRECTION)."""

    entry_id: str
    price: Decimal | None = None


class SetMargin(Act, frozen=True, tag="margin_setting"):
    """The account opts in to intraday margin rates, or out."""

    intraday: bool


class CreatePortfolio(Act, frozen=True, tag="create_portfolio"):
    name: str


class RenamePortfolio(Act, frozen=True, tag="rename_portfolio"):
    uuid: str
    name: str


class DeletePortfolio(Act, frozen=True, tag="delete_portfolio"):
    uuid: str


class MoveFunds(Act, frozen=True, tag="move_funds"):
    """Between portfolios; only one of them trades."""

    amount: Decimal
    currency: str
    source: str
    target: str


class QuoteConversion(Act, frozen=True, tag="quote"):
    """Between the wallets of two currencies, named by currency or id."""

    source: str
    target: str
    amount: Decimal


class CommitConversion(Act, frozen=True, tag="commit"):
    trade_id: str
    source: str
    target: str


class Allocate(Act, frozen=True, tag="allocate"):
    """International: so much of the collateral is set aside for one position."""

    symbol: str
    amount: Decimal
    currency: str


class PledgeAssets(Act, frozen=True, tag="multi_asset_collateral"):
    """International: whether other assets may be collateral."""

    enabled: bool


AnyAct = (
    Deposit
    | Withdraw
    | ToFutures
    | ToSpot
    | ScheduleSweep
    | CancelSweep
    | Settle
    | Liquidate
    | CancelAll
    | Maintain
    | EndMaintenance
    | Condition
    | Correct
    | SetMargin
    | CreatePortfolio
    | RenamePortfolio
    | DeletePortfolio
    | MoveFunds
    | QuoteConversion
    | CommitConversion
    | Allocate
    | PledgeAssets
)


class ActRefused(BadRequest):
    """It cannot be done now: HTTP 400, nothing changed."""


def read_acts(content: bytes) -> list[AnyAct]:
    """One act, or a list of them. Raises `BadRequest`."""
    try:
        return _decoder.decode(content if content.lstrip().startswith(b"[") else b"[" + content + b"]")
    except msgspec.MsgspecError as error:
        raise BadRequest(f"no act: {error}; an act is one of {', '.join(_NAMES)}") from None


def checked(amount: Decimal) -> Decimal:
    """An amount above zero, in whole cents, as money is moved. Raises `ActRefused`."""
    if not amount.is_finite() or not 0 < amount <= _MOST:
        raise ActRefused(f"amount must be above zero and at most {_MOST:f}")
    if not on_grid(amount, _CENT):
        raise ActRefused(f"amount must be in whole cents: {amount:f}")
    return amount


_decoder = msgspec.json.Decoder(list[AnyAct])
_NAMES = sorted(str(one.__struct_config__.tag) for one in AnyAct.__args__)
