"""What the log says so far, to whoever reads it from outside the trading process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from decimal import localcontext
from pathlib import Path

from actors.connection.errors import InvalidSymbol
from events.log import BEGINNING, Commit, Follower, Place, follow
from events.money import EXACT
from projections.catalog import Catalog
from projections.portfolio import Portfolio

#: A log that has nothing new is looked at again after this long.
POLL_S = 0.05


class LogView:
    """One fold over a log, however many read it. Threads may share it; `portfolio` and `catalog` are only read."""

    def __init__(self, log: Path | str) -> None:
        self.portfolio = Portfolio()
        self.catalog = Catalog()
        self.at = 0  # the session's time of the last record folded, nanoseconds UTC
        self._log = log
        self._place = BEGINNING
        self._follower = Follower(log)
        self._lock = threading.RLock()
        self._closed = threading.Event()

    @property
    def place(self) -> Place:
        """Behind the last commit folded."""
        return self._place

    def catch_up(self) -> None:
        """Fold all that is in the log by now; after `close` nothing more. Raises `LogError`."""
        with self._lock:
            if self._closed.is_set():
                return
            for commit in self._follower.poll():
                self._take(commit)

    def commits(self, after: Place) -> Iterator[Commit]:
        """Commits behind a place, each folded before it is given, until `close`."""
        for commit in follow(self._log, after, poll_s=POLL_S, stop=self._closed):
            self._take(commit)
            yield commit

    def product(self, symbol: str) -> str:
        """Our id for ours, for the exchange's, or for the seed's longer form of ours (BTC-USD-PERP for BTC-PERP).

        Raises `InvalidSymbol`.
        """
        known = {*self.catalog.listings, *self.catalog.aliases.values()}
        short = symbol.replace("-USD-PERP", "-PERP")
        for name in (symbol, self.catalog.product_of(symbol), short):
            if name in known:
                assert name is not None, "no product is known by no name"
                return name
        raise InvalidSymbol(f"no product {symbol} in this log; known are {', '.join(sorted(known)) or 'none yet'}")

    def exchange_id(self, product: str) -> str | None:
        """The exchange's id; None before the product is listed."""
        rules = self.catalog.rules(product)
        return None if rules is None else rules.exchange_id

    def close(self) -> None:
        """End whoever follows."""
        self._closed.set()
        with self._lock:
            self._follower.close()

    def _take(self, commit: Commit) -> None:
        with self._lock, localcontext(EXACT):
            if commit.place.seq <= self._place.seq:
                return
            for record in commit.records:
                if record.seq > self._place.seq:
                    self.portfolio.fold(record)
                    self.catalog.fold(record)
            self.at = commit.records[-1].at
            self._place = commit.place
