"""What a cut is about to do, noted before it is done, so that a crash in its middle finishes it at the next start."""

from __future__ import annotations

import msgspec

from events.log.disk import Disk, write_all
from events.log.errors import Damage, LogDamaged
from events.log.layout import Layout
from events.log.protocol import EventLog
from events.record import Record
from events.session import LogWasCut


class CutNote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which files are set aside, into which folder beside them, and what the log will say of it."""

    after_seq: int
    removed_bytes: int
    kept_as: str
    reason: str
    files: tuple[str, ...]


def note_cut(layout: Layout, disk: Disk, note: CutNote) -> None:
    """Make the note durable: from here on the cut will be done, whatever happens."""
    draft = layout.cut_note.with_name(f"{layout.cut_note.name}.tmp")
    file = disk.open_new(draft)
    try:
        write_all(file, msgspec.json.encode(note) + b"\n")
        file.fdatasync()
    finally:
        file.close()
    disk.rename(draft, layout.cut_note)
    disk.sync_folder(layout.folder)


def finish_cut(layout: Layout, disk: Disk) -> None:
    """Do what the note says, as far as it is not done. Without a note, throw away what a cut had only prepared."""
    note = _read_note(layout, disk)
    is_prepared = disk.identity(layout.cut) is not None
    if not is_prepared:
        return
    if note is None:
        disk.unlink(layout.cut)
        return
    kept = layout.folder / note.kept_as
    disk.make_folder(kept)
    for name in note.files:
        if disk.identity(layout.folder / name) is not None:
            disk.rename(layout.folder / name, kept / name)
    disk.sync_folder(kept)
    disk.sync_folder(layout.folder)
    disk.rename(layout.cut, layout.active)
    disk.sync_folder(layout.folder)


def record_cut(layout: Layout, disk: Disk, log: EventLog) -> None:
    """Let the log say that it was cut, in a commit of its own, and forget the note."""
    note = _read_note(layout, disk)
    if note is None:
        return
    said = LogWasCut(
        after_seq=note.after_seq, removed_bytes=note.removed_bytes, kept_as=note.kept_as, reason=note.reason
    )
    first = next(log.records(after=note.after_seq), None)
    if first is None or first.event != said:
        log.write([Record(seq=log.next_seq, at=log.last_at, by="operator", event=said)])
        log.commit(sync=True)
        log.sync()
    disk.unlink(layout.cut_note)
    disk.sync_folder(layout.folder)


def _read_note(layout: Layout, disk: Disk) -> CutNote | None:
    try:
        file = disk.open_read(layout.cut_note)
    except FileNotFoundError:
        return None
    try:
        return msgspec.json.decode(file.read_at(file.size(), 0), type=CutNote)
    except msgspec.DecodeError as error:
        raise LogDamaged(
            f"the note of a cut cannot be read: {error}",
            kind=Damage.DAMAGE,
            file=layout.cut_note,
            remedy="Restore it, or finish the cut by hand: its files are beside it",
        ) from error
    finally:
        file.close()
