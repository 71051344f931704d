"""No recorded payload is forgotten: each is read by somebody, or stands in a list with the reason."""

from __future__ import annotations

from collections import Counter

from tests.actors.connection.fixture_table import (
    ADVANCED_FRAMES,
    EXCHANGE_MESSAGES,
    FIXTURES,
    REST_BODIES,
    UNREAD,
)
from tests.paths import needs_shared_data


@needs_shared_data
def test_every_recorded_payload_is_in_one_table_and_in_one_only() -> None:
    listed = Counter([*ADVANCED_FRAMES, *EXCHANGE_MESSAGES, *REST_BODIES, *UNREAD])
    there = {path.name for path in FIXTURES.iterdir()}
    assert not there - set(listed), "in no table"
    assert not set(listed) - there, "in a table, but not recorded"
    assert not [name for name, times in listed.items() if times > 1], "in two tables"


def test_what_nobody_reads_has_a_reason() -> None:
    assert all(reason.strip() for reason in UNREAD.values())
