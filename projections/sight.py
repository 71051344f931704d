"""What we see of the exchange, and what of it is in doubt: feeds that are down, positions that differ."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from events.event import Event
from events.feeds import ExchangeReconciled, FeedGapFound, FeedLost, FeedSubscribed, FeedWentSilent
from events.position import DiscrepancyCleared, DiscrepancyFound
from events.record import Record
from events.session import SessionStarted

_GAP = "messages were missed"


class Sight(msgspec.Struct, kw_only=True):
    """Nothing is believed of an earlier session: until the exchange was asked in this one, positions are unknown."""

    hears: ClassVar[frozenset[type[Event]]] = frozenset(
        {
            SessionStarted,
            ExchangeReconciled,
            FeedLost,
            FeedGapFound,
            FeedWentSilent,
            FeedSubscribed,
            DiscrepancyFound,
            DiscrepancyCleared,
        }
    )

    is_reconciled: bool = False
    deaf: str = ""  # why we may miss the exchange's word on our orders; "" when we do not
    in_doubt: dict[str, DiscrepancyFound] = msgspec.field(default_factory=dict)  # by product

    def fold(self, record: Record) -> None:
        match record.event:
            case SessionStarted():
                self.is_reconciled, self.deaf = False, ""
            case ExchangeReconciled():
                self.is_reconciled = True
                if self.deaf == _GAP:  # what was missed has been asked for
                    self.deaf = ""
            case FeedLost(feed="user", reason=reason):
                self.deaf = f"lost: {reason}"
            case FeedWentSilent(feed="user"):
                self.deaf = "silent"
            case FeedGapFound(feed="user"):
                self.deaf = _GAP
            case FeedSubscribed(feed="user"):
                self.deaf = ""
            case DiscrepancyFound(subject="position", product=str(product)) as found:
                self.in_doubt[product] = found
            case DiscrepancyCleared(subject="position", product=str(product)):
                self.in_doubt.pop(product, None)
            case _:
                pass
