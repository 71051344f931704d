"""What the REST surface answers to previews and to edits, typed as in `replies`."""

from __future__ import annotations

from actors.connection.amounts import Amount, Text
from actors.connection.client.reading import Reply
from actors.connection.client.replies import Placed


class Preview(Reply, frozen=True):
    """`errs` empty: acceptable. Nothing is reserved."""

    errs: list[str]
    warning: list[str] = []
    order_total: Amount = None
    commission_total: Amount = None
    base_size: Amount = None
    quote_size: Amount = None
    best_bid: Amount = None
    best_ask: Amount = None
    order_margin_total: Amount = None
    slippage: Amount = None
    is_max: bool | None = None
    leverage: Amount = None
    long_leverage: Amount = None
    short_leverage: Amount = None
    max_leverage: Amount = None
    preview_id: Text = ""
    current_liquidation_buffer: Amount = None
    projected_liquidation_buffer: Amount = None


class EditProblem(Reply, frozen=True):
    edit_failure_reason: Text = ""
    preview_failure_reason: Text = ""


class EditRefusal(Reply, frozen=True):
    """The form that some samples have besides `errors`."""

    edit_order_failure_reason: Text = ""
    error_details: Text = ""
    message: Text = ""


class EditReply(Reply, frozen=True):
    """The answer to an edit: taken or refused, HTTP 200 in both cases. One sample has one problem and no list."""

    success: bool
    success_response: Placed | None = None
    error_response: EditRefusal | None = None
    errors: list[EditProblem] | EditProblem | None = None


class EditPreview(Reply, frozen=True):
    """What an order would cost as changed. `errors` empty: acceptable."""

    errors: list[EditProblem]
    slippage: Amount = None
    order_total: Amount = None
    commission_total: Amount = None
    quote_size: Amount = None
    base_size: Amount = None
    best_bid: Amount = None
    best_ask: Amount = None
    average_filled_price: Amount = None
