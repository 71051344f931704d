"""An exchange whose process died goes on where it was: same books, same ids, same fills to come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import islice
from pathlib import Path

import pytest

from events.event import Event
from events.terms import OrderKind, Side
from replay.exchange.memory import OtherTape, RememberingVenue
from replay.exchange.orders import Order, Ticket, TimeInForce
from replay.exchange.plans import AnyPlan, Attached, Bracket, Ladder, Stop, Twap
from replay.exchange.rules import VenueRules
from replay.exchange.venue import Venue
from replay.tapes import generated_tape

TAPE = generated_tape(seed=5, duration_s=400, events_per_s=5)
#: After how many facts a client asks for what.
REQUESTS: list[tuple[int, str, Side, str | None]] = [
    (20, "a", Side.BUY, None),
    (60, "b", Side.BUY, "0.998"),
    (90, "c", Side.SELL, None),
    (200, "d", Side.SELL, "1.001"),
    (500, "e", Side.BUY, None),
]
#: And plans, by the number of facts before them.
PLANNED = (110, 300, 520)


def remembering(folder: Path, *, tape: str = "tape", rules: VenueRules | None = None) -> RememberingVenue:
    return RememberingVenue(TAPE.product, rules or VenueRules(), now=TAPE.start, folder=folder, tape=tape)


def ticket(client_order_id: str, side: Side, limit: Decimal | None) -> Ticket:
    return Ticket(
        client_order_id=client_order_id,
        product=TAPE.product.exchange_id,
        side=side,
        configuration={},
        kind=OrderKind.MARKET_IOC if limit is None else OrderKind.LIMIT_GTC,
        qty=Decimal(3),
        limit_price=limit,
        time_in_force=TimeInForce.IOC if limit is None else TimeInForce.GTC,
    )


def play(venue: Venue, facts: Sequence[tuple[int, Event]], first: int = 0) -> None:
    """Let the venue hear facts, the requests at their places; the limit that rests is changed, and cancelled late."""
    for number, (at, event) in enumerate(facts, first + 1):
        venue.hear(at, event)
        for place, name, side, away in REQUESTS:
            if place == number:
                mark = venue.mark()
                assert mark is not None
                limit = None if away is None else (mark * Decimal(away)) // 5 * 5
                venue.advance(at + 1_000)
                venue.create(ticket(name, side, limit))
        if number in PLANNED:
            for planned in plans(venue):
                venue.create(planned)
        if number == 650:
            for order in list(venue.ledger.open.values()):
                assert order.ticket.limit_price is not None
                if order.ticket.plan is not None:
                    continue
                venue.edit(order.order_id, price=order.ticket.limit_price - 5, size=Decimal(4))
        if number == 700:
            for order in list(venue.ledger.open.values()):
                venue.cancel(order.order_id)


def plans(venue: Venue) -> list[Ticket]:
    """One order of each plan around the mark; some are refused, the same ones each time."""
    mark, number = venue.mark(), len(venue.ledger.orders)
    assert mark is not None
    near = mark // 5 * 5
    low, high = near - 20, near + 20
    second = 1_000_000_000
    told: list[tuple[Side, Decimal, AnyPlan | None]] = [
        (Side.BUY, high, Stop(price=near + 10, rises=True)),
        (Side.SELL, high, Bracket(stop_price=low)),
        (Side.BUY, near, Twap(starts_at=venue.now + second, buckets=3, bucket_ns=20 * second)),
        (Side.BUY, near, Ladder(count=3, lowest=low, highest=near)),
        (Side.BUY, near, None),
    ]
    legs = Attached(limit_price=high, stop_price=low)
    return [
        replace(
            ticket(f"plan-{number}-{place}", side, limit),
            plan=plan,
            attached=legs if plan is None else None,
            expires_at=venue.now + 90 * second if isinstance(plan, Twap) else None,
        )
        for place, (side, limit, plan) in enumerate(told)
    ]


def seen(venue: Venue) -> tuple[object, ...]:
    orders = [(o.order_id, o.status, o.filled, o.value, o.fees, o.is_triggered) for o in venue.ledger.orders]
    fills = [(f.entry_id, f.qty, f.price, f.fee, f.at) for f in venue.ledger.fills]
    return orders, fills, venue.books.equity(venue.marks()), venue.now, venue.mark()


@pytest.mark.parametrize("died_after", [0, 1, 20, 89, 90, 91, 111, 300, 310, 540, 649, 650, 699, 700, 900])
def test_a_restarted_exchange_is_the_one_that_died(tmp_path: Path, died_after: int) -> None:
    facts = list(islice(TAPE, 1_000))
    never_died = Venue(TAPE.product, VenueRules(), now=TAPE.start)
    play(never_died, facts)
    play(remembering(tmp_path), facts[:died_after])
    again, rest = remembering(tmp_path), iter(facts)
    again.recall(rest)
    assert again.heard == died_after
    play(again, list(rest), died_after)
    assert seen(again) == seen(never_died)
    assert len(again.ledger.fills) >= 3
    assert {type(order.ticket.plan) for order in again.ledger.orders} >= {Stop, Twap, Ladder}


def test_a_request_cut_in_the_middle_of_its_line_was_never_answered_and_is_forgotten(tmp_path: Path) -> None:
    facts = list(islice(TAPE, 100))
    play(remembering(tmp_path), facts)
    file = tmp_path / "requests.jsonl"
    file.write_bytes(file.read_bytes()[:-7])
    again = remembering(tmp_path)
    again.recall(iter(facts))
    assert [order.ticket.client_order_id for order in again.ledger.orders] == ["a", "b"]
    again.create(ticket("z", Side.BUY, None))
    later = remembering(tmp_path)
    later.recall(iter(facts))
    assert [order.ticket.client_order_id for order in later.ledger.orders] == ["a", "b", "z"]


def test_a_used_client_id_gets_the_old_order_also_after_a_restart(tmp_path: Path) -> None:
    facts = list(islice(TAPE, 100))
    play(remembering(tmp_path), facts)
    again = remembering(tmp_path)
    again.recall(iter(facts))
    repeated = again.create(ticket("a", Side.SELL, None))
    assert isinstance(repeated, Order)
    assert repeated is again.ledger.orders[0]


def test_another_tape_or_other_rules_are_refused(tmp_path: Path) -> None:
    remembering(tmp_path)
    with pytest.raises(OtherTape, match="remembers another tape or other rules"):
        remembering(tmp_path, tape="other")
    with pytest.raises(OtherTape, match="remembers another tape or other rules"):
        remembering(tmp_path, rules=VenueRules(start_cash=Decimal(5)))
