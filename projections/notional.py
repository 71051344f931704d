"""What a quantity is worth: the one place where contract size is multiplied."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from events.catalog import ProductListed


def notional(qty: Decimal, *, contract_size: Decimal, price: Decimal) -> Decimal:
    """`qty x contract_size x price`, in quote currency, exact and signed like `qty`.

    `qty` is in the exchange's unit: 2 contracts of BIP (0.01 BTC each) at 50,000 are worth 1,000, not 100,000
    (trading rules A1).
    """
    return qty * contract_size * price


def base_qty(qty: Decimal, *, contract_size: Decimal) -> Decimal:
    """The same quantity in units of the underlying: 2 contracts of BIP are 0.02 BTC. For show."""
    return qty * contract_size


def is_inverse(rules: ProductListed) -> bool:
    """Whether the product is quoted in its own underlying: its results are qty × (1/entry − 1/exit), not linear."""
    return bool(rules.underlying) and rules.quote_currency.upper() == rules.underlying.upper()


def as_linear(rules: ProductListed) -> ProductListed:
    """The rules to compute by: an inverse product has no contract size, so nothing is ever computed of it."""
    return msgspec.structs.replace(rules, contract_size=None) if is_inverse(rules) else rules
