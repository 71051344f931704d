"""Ids are functions of what they name."""

from __future__ import annotations

import re
import subprocess
import sys
import uuid

from hypothesis import given
from hypothesis import strategies as st

from events.ids import derived_id, is_derived
from tests.events.processes import ROOT, environment

names = st.text(max_size=10)
numbers = st.integers(0, 2**63)


@given(session=names, by=names, cause=numbers, index=numbers)
def test_the_same_decision_always_gets_the_same_id_shaped_as_a_uuid(
    session: str, by: str, cause: int, index: int
) -> None:
    text = derived_id(session, by, cause, index)
    assert text == derived_id(session, by, cause, index)
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text)
    parsed = uuid.UUID(text)
    assert (parsed.version, parsed.variant) == (8, uuid.RFC_4122)
    assert is_derived(text)
    assert not is_derived(str(uuid.UUID(int=parsed.int, version=4)))


def test_each_part_of_what_it_names_makes_another_id() -> None:
    ids = {
        derived_id(session, by, cause, index)
        for session in ("one", "two")
        for by in ("risk", "orders")
        for cause in range(50)
        for index in range(5)
    }
    assert len(ids) == 2 * 2 * 50 * 5


def test_ids_do_not_depend_on_the_process_that_derives_them() -> None:
    code = "from events.ids import derived_id; print(derived_id('s', 'orders', 42, 1))"
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**environment(), "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("0", "1")
    }
    assert said == {derived_id("s", "orders", 42, 1)} == {"35baef05-5e9b-8be9-a31d-237cac3b8055"}
