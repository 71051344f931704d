"""Law: no entry is sent whose intent stands behind a kill, a restriction or a lost feed; exits still leave.

The real gateway over real sockets, on generated orders of events in generated commits; what arrived at the exchange is
compared with what a reader of the log would have let through.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis import given
from hypothesis import strategies as st

from events.feeds import FeedLost, FeedSubscribed
from events.orders import OrderReported, OrderWithheld
from events.record import AnyEvent
from events.risk import KillSwitchReset, KillSwitchThrown, ReduceOnlyEntered, ReduceOnlyLeft
from tests.actors.connection.booth import Booth, order_id, submitted
from tests.actors.connection.test_gateway import desk
from tests.laws.cases import STREAMS

TURNS: dict[str, AnyEvent] = {
    "kill": KillSwitchThrown(reason="law"),
    "reset": KillSwitchReset(reason="law"),
    "restrict": ReduceOnlyEntered(product="BTC-PERP", reason="law"),
    "release": ReduceOnlyLeft(product="BTC-PERP", reason="law"),
    "lose": FeedLost(feed="market", connection=1, reason="law"),
    "find": FeedSubscribed(feed="market", connection=2, channels=("level2",)),
}
LIFTED_BY = {"kill": "reset", "restrict": "release", "lose": "find"}
STEPS = st.lists(st.sampled_from([*TURNS, "entry", "entry", "exit"]), min_size=1, max_size=14)


@contextmanager
def exchange() -> Iterator[Booth]:
    booth = Booth()
    try:
        yield booth
    finally:
        booth.close()


@STREAMS
@given(steps=STEPS, cuts=st.sets(st.integers(0, 13), max_size=3))
def test_an_entry_behind_a_kill_never_reaches_the_exchange_and_every_exit_does(
    steps: list[str], cuts: set[int]
) -> None:
    barred: set[str] = set()
    entries_behind, exits = set[str](), set[str]()
    events: list[AnyEvent] = []
    for number, step in enumerate(steps, 1):
        if step in TURNS:
            events.append(TURNS[step])
            barred = (
                barred | {step} if step in LIFTED_BY else barred - {bar for bar, by in LIFTED_BY.items() if by == step}
            )
            continue
        events.append(submitted(number, reduce_only=step == "exit"))
        if step == "exit":
            exits.add(order_id(number))
        elif barred:
            entries_behind.add(order_id(number))
    intents = sum(step in ("entry", "exit") for step in steps)
    with exchange() as booth, desk(booth) as ours:
        bounds = [0, *sorted(cut for cut in cuts if cut < len(events)), len(events)]
        for first, last in itertools.pairwise(bounds):
            ours.commit(*events[first:last])
        ours.door.wait(
            lambda told: len({e.order for e in told if isinstance(e, OrderReported | OrderWithheld)}) == intents
        )
        arrived = booth.creates
    assert not entries_behind & set(arrived)
    assert exits <= set(arrived)
    assert len(arrived) == len(set(arrived))
