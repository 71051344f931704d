"""The account: what it holds, what its key may do, what it pays, and how money comes into it."""

from __future__ import annotations

from collections.abc import Iterator

from actors.connection.client.account_replies import OnePaymentMethod, PaymentMethod, PaymentMethods, TransactionSummary
from actors.connection.client.line import Linked, queried, segment
from actors.connection.client.replies import Account, Accounts, KeyPermissions, OneAccount

_PAGE = 250


def get_key_permissions(client: Linked) -> KeyPermissions:
    """What the key may do, and to which portfolio it is bound."""
    return client.line.get("/key_permissions", KeyPermissions)


def get_accounts(client: Linked, *, retail_portfolio_id: str | None = None) -> Iterator[Account]:
    """All accounts, one a currency, over all pages."""
    query = queried(limit=_PAGE, retail_portfolio_id=retail_portfolio_id)
    for page in client.line.pages("/accounts", Accounts, query, lambda page: page.has_next):
        yield from page.accounts


def get_account(client: Linked, account_uuid: str) -> Account:
    return client.line.get(f"/accounts/{segment(account_uuid)}", OneAccount).account


def get_transaction_summary(
    client: Linked,
    product_type: str | None = None,
    *,
    contract_expiry_type: str | None = None,
    product_venue: str | None = None,
) -> TransactionSummary:
    """Fees by tier, and what was traded in thirty days. FUTURE at the venue FCM gives the rates of US futures."""
    query = queried(product_type=product_type, contract_expiry_type=contract_expiry_type, product_venue=product_venue)
    return client.line.get("/transaction_summary", TransactionSummary, query)


def list_payment_methods(client: Linked) -> list[PaymentMethod]:
    return client.line.get("/payment_methods", PaymentMethods).payment_methods


def get_payment_method(client: Linked, payment_method_id: str) -> PaymentMethod:
    return client.line.get(f"/payment_methods/{segment(payment_method_id)}", OnePaymentMethod).payment_method
