"""A tape: one product, its rules, and what its market did, in order."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import chain
from operator import itemgetter
from pathlib import Path

from events.catalog import ProductListed
from events.record import AnyEvent

#: (exchange time in nanoseconds UTC, event). Times never go back.
Moment = tuple[int, AnyEvent]


class TapeUnreadable(Exception):
    """A file is no tape, or is damaged. Names the file, the line and what can be done."""

    def __init__(self, path: Path, line: int | None, fault: str, remedy: str) -> None:
        self.path = path
        self.line = line
        self.fault = fault
        self.remedy = remedy
        place = str(path) if line is None else f"{path}, line {line}"
        super().__init__(f"{place}: {fault}; {remedy}")


@dataclass(frozen=True, slots=True)
class Tape:
    """One product's market. Iterating starts from the beginning each time; `read` makes the iterator.

    `digest` identifies the content: of a recording its file's bytes, of a generated tape its settings.
    """

    name: str
    product: ProductListed
    digest: str
    start: int  # nanoseconds UTC, not after the first event
    read: Callable[[], Iterator[Moment]]

    def __iter__(self) -> Iterator[Moment]:
        """Market events, funding rates, and gaps in the recording (`FeedGapFound`), in exchange time."""
        return self.read()

    def facts(self) -> Iterator[Moment]:
        """All that a session needs which has no exchange to ask: the product's listing, then the market."""
        return chain([(self.start, self.product)], self.read())


def merged(first: Tape, *others: Tape) -> Tape:
    """Recordings of one market as one tape, with the rules of the first: its trades in one file, its quotes in another.

    Raises `ValueError` for tapes of different products.
    """
    tapes = (first, *others)
    if {tape.product.exchange_id for tape in tapes} != {first.product.exchange_id}:
        raise ValueError(f"different products: {', '.join(tape.product.exchange_id for tape in tapes)}")

    def read() -> Iterator[Moment]:
        return merge(*(tape.read() for tape in tapes), key=itemgetter(0))

    return Tape(
        name="+".join(tape.name for tape in tapes),
        product=first.product,
        digest=hashlib.sha256("|".join(tape.digest for tape in tapes).encode()).hexdigest(),
        start=min(tape.start for tape in tapes),
        read=read,
    )
