"""Halts as risk sees them: the one that is near, and whether a product has come back from one (trading rules A16).

Entries wait from some minutes before a halt until, after it, the book was whole at enough samples. Exits stay.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from events.event import Event
from events.market import MarkUpdated
from events.record import Record
from events.risk import HaltNeared, HaltPassed
from events.session import ClockTicked
from events.terms import NANOSECONDS, MarkSource
from projections.account import Account
from projections.hours import Hours

_SHUT = -1
_WHOLE_BOOK = frozenset({MarkSource.BOOK_AND_TRADE, MarkSource.MID})


class Halts(msgspec.Struct, kw_only=True):
    """By product: the halt that was said, and how many good samples were seen since it ended."""

    hears: ClassVar[frozenset[type[Event]]] = Hours.hears | {ClockTicked, HaltNeared, HaltPassed}

    hours: Hours = msgspec.field(default_factory=Hours)
    said: dict[str, int] = msgspec.field(default_factory=dict)  # product -> when the halt begins, ns
    samples: dict[str, int] = msgspec.field(default_factory=dict)  # of products that are halted or come back
    had_book: dict[str, bool] = msgspec.field(default_factory=dict)  # some tapes have trades alone
    sample: int = -1

    def fold(self, record: Record, account: Account) -> None:
        """Take a record that `account` has folded already."""
        event = record.event
        if isinstance(event, ClockTicked):
            self._tick(record.at, account)
        elif isinstance(event, HaltNeared):
            self.said[event.product] = event.starts_at
        elif isinstance(event, HaltPassed):
            self.said.pop(event.product, None)
            self.samples.pop(event.product, None)
        else:
            self.hours.fold(record)

    def why_entries_wait(self, product: str, at: int) -> str:
        """Why nothing may increase now; "" where nothing speaks against it."""
        near = self.hours.halt_near(product, at)
        if near is not None:
            return near.reason
        seen = self.samples.get(product)
        if seen is None or seen >= self.hours.setting.samples_after:
            return ""
        return f"{max(seen, 0)} of {self.hours.setting.samples_after} samples of a whole book since the halt"

    def due(self, at: int) -> list[HaltNeared | HaltPassed]:
        """What is to be said of halts now, in the order of the listings."""
        found: list[HaltNeared | HaltPassed] = []
        for product in self.hours.listings:
            near = self.hours.halt_near(product, at)
            if near is not None and product not in self.said:
                found.append(
                    HaltNeared(product=product, starts_at=near.starts_at, ends_at=near.ends_at, reason=near.reason)
                )
            elif near is None and product in self.said and not self.why_entries_wait(product, at):
                found.append(HaltPassed(product=product, samples=self.samples.get(product, 0)))
        return found

    def _tick(self, at: int, account: Account) -> None:
        sample = at // (account.limits.configuration.marks.interval_s * NANOSECONDS)
        is_new, self.sample = sample != self.sample, sample
        for product in self.hours.listings:
            mark = account.portfolio.marks.mark(product) if is_new else None
            if mark is not None and mark.source in _WHOLE_BOOK:
                self.had_book[product] = True
            seen = self.samples.get(product)
            if self.hours.is_shut(product, at):
                self.samples[product] = _SHUT
            elif seen == _SHUT:
                self.samples[product] = 0  # the mark may be that of before the halt: the next sample is the first
            elif is_new and seen is not None:
                self.samples[product] = seen + 1 if mark is not None and self._is_good(mark) else 0

    def _is_good(self, mark: MarkUpdated) -> bool:
        return mark.source in _WHOLE_BOOK or mark.product not in self.had_book
