"""The real disk does what the log asks of it."""

from __future__ import annotations

from pathlib import Path

from events.log.disk import REAL_DISK


def test_a_file_keeps_its_identity_when_it_is_renamed_and_loses_it_when_replaced(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    file = REAL_DISK.open_new(one)
    assert REAL_DISK.identity(one) == file.identity()
    REAL_DISK.rename(one, two)
    assert REAL_DISK.identity(one) is None
    assert REAL_DISK.identity(two) == file.identity()
    other = REAL_DISK.open_new(one)
    REAL_DISK.rename(one, two)
    assert REAL_DISK.identity(two) == other.identity() != file.identity()
    file.close()
    file.close()
    other.close()


def test_names_are_sorted_and_a_folder_that_is_not_there_has_none(tmp_path: Path) -> None:
    REAL_DISK.make_folder(tmp_path / "a" / "b")
    REAL_DISK.make_folder(tmp_path / "a" / "b")
    (tmp_path / "a" / "z").touch()
    assert REAL_DISK.names(tmp_path / "a") == ["b", "z"]
    assert REAL_DISK.names(tmp_path / "nowhere") == []
