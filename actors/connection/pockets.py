"""Money on its way between the futures account and the spot wallet, as the exchange lists it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from actors.connection.client.account_replies import Sweep
from events.account import SweepReported

#: The word for a sweep that is listed no more.
DONE = "done"


def sweeps_of(listed: Iterable[Sweep], known: Mapping[str, SweepReported], at: int) -> list[SweepReported]:
    """What is new: a sweep, another state of one, or that one is listed no more. `known` is by id, as told last."""
    told = [
        SweepReported(
            sweep=sweep.id,
            amount=None if sweep.should_sweep_all or sweep.requested_amount is None else sweep.requested_amount.value,
            status=sweep.status.lower(),
            exchange_at=at,
        )
        for sweep in listed
    ]
    news = [sweep for sweep in told if _changed(known.get(sweep.sweep), sweep)]
    gone = sorted(known.keys() - {sweep.sweep for sweep in told})
    return [*news, *(msgspec.structs.replace(known[sweep], status=DONE, exchange_at=at) for sweep in gone)]


def _changed(known: SweepReported | None, sweep: SweepReported) -> bool:
    return known is None or (known.amount, known.status) != (sweep.amount, sweep.status)
