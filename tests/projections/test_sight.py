"""What we see of the exchange, and what of it is in doubt."""

from __future__ import annotations

import pytest

from events.feeds import ExchangeReconciled, FeedGapFound, FeedLost, FeedSubscribed, FeedWentSilent
from events.position import DiscrepancyCleared, DiscrepancyFound
from events.record import AnyEvent, Record
from projections.sight import Sight
from tests.streams.facts import BIP, D, started

ASKED = ExchangeReconciled(exchange_at=1)
MISSED = FeedGapFound(feed="user", connection=1, last_seq=1, next_seq=3)
SILENT = FeedWentSilent(feed="user", connection=1, silent_ms=5_000)
LOST = FeedLost(feed="user", connection=1, reason="closed")
BACK = FeedSubscribed(feed="user", connection=2, channels=("user",))
DIFFERS = DiscrepancyFound(subject="position", product=BIP, ours=D(1), theirs=D(2))


def folded(*events: AnyEvent) -> Sight:
    sight = Sight()
    for seq, event in enumerate(events, 1):
        sight.fold(Record(seq=seq, at=seq, by="account", event=event))
    return sight


def test_positions_are_unknown_until_the_exchange_was_asked_in_this_session() -> None:
    assert folded().is_reconciled is False
    assert folded(ASKED).is_reconciled is True
    assert folded(ASKED, started()).is_reconciled is False


@pytest.mark.parametrize(
    ("event", "reason"), [(LOST, "lost: closed"), (SILENT, "silent"), (MISSED, "messages were missed")]
)
def test_we_are_deaf_for_the_reason_last_said_until_the_user_feed_is_back(event: AnyEvent, reason: str) -> None:
    assert folded(event).deaf == reason
    assert folded(event, BACK).deaf == ""
    assert folded(event, started()).deaf == ""


def test_asking_the_exchange_makes_up_for_missed_messages_and_not_for_a_feed_that_is_down() -> None:
    assert folded(MISSED, ASKED).deaf == ""
    assert folded(SILENT, ASKED).deaf == "silent"
    assert folded(LOST, ASKED).deaf == "lost: closed"


def test_the_market_feed_makes_nobody_deaf_to_our_orders_and_heals_nothing() -> None:
    lost = FeedLost(feed="market", connection=1, reason="closed")
    silent = FeedWentSilent(feed="market", connection=1, silent_ms=5_000)
    missed = FeedGapFound(feed="market", connection=1, last_seq=1, next_seq=3)
    assert folded(lost, silent, missed).deaf == ""
    assert folded(SILENT, FeedSubscribed(feed="market", connection=1, channels=("level2",))).deaf == "silent"


def test_a_position_is_in_doubt_from_the_difference_found_until_it_is_cleared() -> None:
    assert folded(DIFFERS).in_doubt == {BIP: DIFFERS}
    assert folded(DIFFERS, DiscrepancyCleared(subject="position", product=BIP)).in_doubt == {}
    assert folded(DIFFERS, DiscrepancyCleared(subject="position", product="ETP")).in_doubt == {BIP: DIFFERS}
    assert folded(DiscrepancyCleared(subject="position", product=BIP)).in_doubt == {}


def test_a_difference_in_cash_puts_no_position_in_doubt() -> None:
    cash = DiscrepancyFound(subject="cash", product=BIP, ours=D(1), theirs=D(2))
    assert folded(cash).in_doubt == {}
    assert folded(DIFFERS, DiscrepancyCleared(subject="cash", product=BIP)).in_doubt == {BIP: DIFFERS}
