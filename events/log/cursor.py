"""Where a reader stands: in one file of the log, behind one commit. It checks and decodes what comes next."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from events.log.decoding import pieces_of, records_of
from events.log.disk import Disk
from events.log.errors import Damage, LogDamaged, LogNotFound, off_place
from events.log.layout import Layout
from events.log.protocol import BEGINNING, Commit, Place
from events.log.scan import Block, Scan
from events.log.segments import Segment, open_active, open_segment
from events.log.torn import unfinished_records
from events.record import Record

#: Opening a segment races with rolling and sealing: each step takes a file away after putting its successor there.
_ATTEMPTS = 5


class Cursor:
    """Begins behind `after`; `drain` what is there, `advance` to the next file, `finish` at the end.

    `only` restricts it to one segment, which may lie alone.
    """

    def __init__(
        self,
        layout: Layout,
        disk: Disk,
        after: int | Place = 0,
        *,
        anchor: Place | None = None,
        only: int | None = None,
    ) -> None:
        self._layout = layout
        self._disk = disk
        self._only = only
        self._after = after.seq if isinstance(after, Place) else after
        places = [place for place in (after, anchor) if isinstance(place, Place) and place != BEGINNING]
        self._places = sorted(places, key=lambda place: place.seq)
        self._at = 0
        begin = min([self._after, *(place.seq for place in places)])
        self._segment = self._lone(only) if only is not None else self._first_segment(begin)
        self._scan = self._segment.scan()
        self._pass(self._segment.start)

    @staticmethod
    def is_there(layout: Layout, disk: Disk) -> bool:
        """Whether there is anything to read."""
        return disk.identity(layout.active) is not None or bool(layout.segments(disk))

    @staticmethod
    def passes(layout: Layout, disk: Disk, place: Place) -> bool:
        """Whether the log passes through the place."""
        try:
            cursor = Cursor(layout, disk, place)
        except LogDamaged as damaged:
            if damaged.kind in (Damage.ANCHOR, Damage.MISSING):
                return False
            raise
        try:
            next(cursor.drain(), None)
        except LogDamaged as damaged:
            if damaged.kind is not Damage.ANCHOR:
                raise
        finally:
            cursor.close()
        return not cursor._places

    @property
    def place(self) -> Place:
        """The place behind the last commit that was drained."""
        return self._scan.place

    @property
    def is_in_closed_file(self) -> bool:
        """Whether the file here will not change any more."""
        return self._segment.is_closed

    def drain(self) -> Iterator[Commit]:
        """The closed commits from here to the end of this file, as far as it is written."""
        for block in self._blocks():
            file = self._scan.file
            records = records_of(block, not_before=self._at, file=file)
            self._at = records[-1].at
            yield Commit(
                records=records,
                place=Place(block.last, block.digest),
                durable=block.durable,
                file=file,
                offset=block.offset,
            )

    def drain_records(self) -> Iterator[list[Record]]:
        """The same as records, in pieces of a commit; those at or before `after` are left out."""
        after = self._after
        for block in self._blocks():
            for piece in pieces_of(block, not_before=self._at, file=self._scan.file):
                self._at = piece[-1].at
                if piece[0].seq > after:
                    yield piece
                elif piece[-1].seq > after:
                    yield piece[after + 1 - piece[0].seq :]

    def _blocks(self) -> Iterator[Block]:
        segment = self._segment
        if segment.footer is None:
            self._scan = segment.scan_from(self._scan.place, self._scan.offset)
        for block in self._scan.blocks():
            if self._places:
                self._pass(Place(block.last, block.digest))
            if block.last > self._after:
                yield block

    def advance(self) -> bool:
        """Go to the next file. False when this one is the active one, or the next is not there yet."""
        if self._only is not None:
            return False
        segment = self._segment
        if not segment.is_closed:
            if self._disk.identity(self._layout.active) == segment.file.identity():
                return False
            segment.is_closed = True  # rolled meanwhile: what was written before that is still to be drained
            return True
        following = self._open(segment.number + 1)
        if following is None:
            return self.rejoin()
        self._join(following)
        self._finish_closed()
        segment.close()
        self._segment, self._scan = following, following.scan()
        return True

    def rejoin(self) -> bool:
        """When the log was cut, go on in the file that took this one's place; whether it was.

        A cut puts an active file of our number or a lower one; a roll puts one of a higher number.
        """
        if not self._segment.is_closed and self._disk.identity(self._layout.active) == self._segment.file.identity():
            return False
        active = open_active(self._layout, self._disk)
        if active is None:
            return False
        if active.number > self._segment.number:
            active.close()
            return False
        place = self._scan.place
        self._segment.close()
        self._segment, self._scan = active, active.scan()
        self._after = max(self._after, place.seq)
        self._places.insert(0, place)
        self._pass(active.start)
        return True

    def finish(self) -> None:
        """At the end: what follows the last commit must be an unfinished one, and all places must have been passed."""
        if self._segment.is_closed:
            self._finish_closed()
        elif unfinished_records(self._scan.tail, self._scan.place.seq + 1) is None:
            raise damaged_tail(self._scan)
        self.expect_places()

    def expect_places(self) -> None:
        """Raise when the log ends before a place that it should pass through."""
        if self._places:
            raise self._off_place(self._places[0], f"the log ends at record {self.place.seq}")

    def close(self) -> None:
        self._segment.close()

    # -- finding and opening ------------------------------------------------------------------------------------

    def _first_segment(self, seq: int) -> Segment:
        """The file that holds the record behind `seq`, or is the next to hold it."""
        active = open_active(self._layout, self._disk)
        numbers = self._layout.segments(self._disk)
        if active is not None and (active.header.first <= seq + 1 or not numbers):
            return self._not_behind(active, seq)
        if active is not None:
            active.close()
        if not numbers:
            raise LogNotFound("there is no log here", file=self._layout.active, remedy="Name its file or folder")
        index = bisect_right(numbers, seq + 1, key=self._first_seq)
        return self._not_behind(self._present(numbers[max(0, index - 1)]), seq)

    def _first_seq(self, number: int) -> int:
        segment = self._present(number)
        segment.close()
        return segment.header.first

    def _present(self, number: int) -> Segment:
        segment = self._open(number)
        if segment is None:
            raise self._missing(self._layout.sealed(number), f"segment {number} was moved away just now")
        return segment

    def _not_behind(self, segment: Segment, seq: int) -> Segment:
        if segment.header.first > seq + 1:
            segment.close()
            raise self._missing(
                segment.path, f"records {seq + 1}..{segment.header.first - 1} are in segments that are not here"
            )
        return segment

    def _lone(self, number: int) -> Segment:
        segment = open_segment(self._layout, self._disk, number)
        if segment is None:
            file = self._layout.sealed(number)
            raise LogNotFound("there is no such segment", file=file, remedy="Name another file or folder")
        return segment

    def _open(self, number: int) -> Segment | None:
        """The segment of this number, wherever it stands; None when the log is not as far."""
        for _ in range(_ATTEMPTS):
            segment = open_segment(self._layout, self._disk, number)
            if segment is not None:
                return segment
            active = open_active(self._layout, self._disk)
            if active is not None and active.number == number:
                return active
            later = active is not None and active.number > number
            if active is not None:
                active.close()
            if not later and number <= max(self._layout.segments(self._disk), default=0):
                later = True
            if not later:
                return None
        raise self._missing(self._layout.sealed(number), f"segment {number} is missing, and later ones are here")

    # -- joining files ------------------------------------------------------------------------------------------

    def _join(self, following: Segment) -> None:
        """The next file must begin where this one ends."""
        if following.start != self._scan.place:
            following.close()
            raise LogDamaged(
                f"segment {following.number} begins behind record {following.start.seq} with another digest, "
                f"or not where segment {self._segment.number} ends (record {self._scan.place.seq})",
                kind=Damage.DISAGREEMENT,
                file=following.path,
                offset=0,
                first_seq=self._scan.place.seq + 1,
                remedy="Restore both files from the same copy",
            )

    def _finish_closed(self) -> None:
        """A closed segment ends in a commit, and a sealed one as its footer says."""
        footer = self._segment.footer
        if self._scan.tail:
            raise damaged_tail(self._scan)
        if footer is not None and Place(footer.last, footer.head) != self._scan.place:
            raise LogDamaged(
                f"the footer says it ends at record {footer.last}",
                kind=Damage.DISAGREEMENT,
                file=self._segment.path,
                first_seq=self._scan.place.seq,
                remedy="Restore the file from a copy",
            )

    # -- checking -----------------------------------------------------------------------------------------------

    def _pass(self, here: Place) -> None:
        """Drop the places that `here` proves; raise when it is past one, or its digest is another."""
        while self._places and self._places[0].seq <= here.seq:
            expected = self._places[0]
            if expected != here:
                what = "no commit ends there" if expected.seq < here.seq else f"the digest there is {here.digest}"
                raise self._off_place(expected, what)
            del self._places[0]

    def _off_place(self, place: Place, why: str) -> LogDamaged:
        return off_place(place.seq, place.digest, why=why, file=self._scan.file, offset=self._scan.offset)

    def _missing(self, file: object, what: str) -> LogDamaged:
        return LogDamaged(
            what,
            kind=Damage.MISSING,
            file=str(file),
            remedy="Bring the missing files back, or read from a later place",
        )


def damaged_tail(scan: Scan) -> LogDamaged:
    """What follows the last commit was written whole and is no commit."""
    seq = scan.place.seq
    return LogDamaged(
        "what follows the last commit is not the beginning of another",
        kind=Damage.DAMAGE,
        file=scan.file,
        offset=scan.offset,
        first_seq=seq + 1,
        remedy=f"Restore the file from a copy, or go on without these bytes: perptape log cut --at {seq}",
    )
