"""What a reply has more than we know: kept wherever it stands, and without effect on what we read."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.connection.client.reading import Reply, read, unknown_fields
from actors.connection.client.replies import Orders

ORDER: dict[str, Any] = {
    "order_id": "o",
    "product_id": "P",
    "side": "BUY",
    "status": "OPEN",
    "filled_size": "1.50",
    "created_time": "2026-04-07T14:30:03.123456789Z",
    "order_configuration": {"limit_limit_gtc": {"base_size": "3", "limit_price": "68925"}},
    "edit_history": [{"price": "1", "size": "2"}, {"price": "2", "size": "2"}],
}
BODY: dict[str, Any] = {"orders": [ORDER, {**ORDER, "order_id": "p"}], "has_next": False}

#: Where an object of the reply stands.
PLACES: list[tuple[str | int, ...]] = [
    (),
    ("orders", 0),
    ("orders", 1),
    ("orders", 0, "order_configuration", "limit_limit_gtc"),
    ("orders", 0, "edit_history", 1),
]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
EXTRAS = st.dictionaries(
    st.tuples(st.sampled_from(PLACES), st.text(max_size=6).map(lambda name: f"x{name}")), JSON, max_size=6
)


def at(value: Any, place: tuple[str | int, ...]) -> Any:
    """What stands at a place, of JSON as of a reply."""
    for step in place:
        value = getattr(value, str(step)) if isinstance(value, Reply) else value[step]
    return value


@settings(max_examples=150, deadline=None)
@given(extras=EXTRAS)
def test_what_is_more_is_kept_in_its_place_and_changes_nothing_else(
    extras: dict[tuple[tuple[str | int, ...], str], Any],
) -> None:
    body = json.loads(json.dumps(BODY))
    for (place, name), value in extras.items():
        at(body, place)[name] = value
    found = read(Orders, json.dumps(body))
    assert found == read(Orders, json.dumps(BODY))
    for (place, name), value in extras.items():
        assert json.loads(bytes(at(found, place).unknown[name])) == value
    assert len(list(unknown_fields(found))) == len(extras)
