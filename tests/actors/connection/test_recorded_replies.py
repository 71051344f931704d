"""Every recorded REST reply, field by field against its own text: nothing rounded, nothing lost, nothing invented."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from actors.connection.client.reading import Reply, read, unknown_fields
from actors.connection.older_exchange.replies import ExchangeCandle
from tests.actors.connection.fixture_table import FIXTURES, REST_BODIES, Body
from tests.paths import needs_shared_data


def bodies(name: str, body: Body) -> Iterator[str]:
    """The replies of a file, each as text."""
    text = (FIXTURES / name).read_text(encoding="utf-8")
    if not body.within:
        yield text
        return
    for row in msgspec.json.decode(text, type=list[msgspec.Raw]):
        if body.within == "[]":
            yield bytes(row).decode()
        else:
            parts = msgspec.json.decode(row, type=dict[str, msgspec.Raw])
            if body.within in parts:
                yield bytes(parts[body.within]).decode()


def compared(ours: Any, theirs: Any, path: str, seen: Counter[str]) -> None:
    """Assert that what we read is what stands there; `theirs` is plain JSON whose fractions are Decimals."""
    if isinstance(ours, Reply):
        _compared_reply(ours, theirs, path, seen)
    elif isinstance(ours, (list, tuple)):
        assert len(ours) == len(theirs), path
        for place, (each, other) in enumerate(zip(ours, theirs, strict=True)):
            compared(each, other, f"{path}[{place}]", seen)
    elif isinstance(ours, dict):
        assert set(ours) == set(theirs), path
        for name, each in ours.items():
            compared(each, theirs[name], f"{path}.{name}", seen)
    elif isinstance(ours, Decimal):
        number = theirs["value"] if isinstance(theirs, dict) else theirs
        assert ours.as_tuple() == Decimal(number).as_tuple(), f"{path}: {ours} for {number}"
        seen["number"] += 1
    elif isinstance(ours, int) and not isinstance(ours, bool) and isinstance(theirs, str):
        assert ours == nanoseconds(theirs), f"{path}: {ours} for {theirs}"
        seen["time"] += 1
    elif ours is None or ours == "":
        number = theirs.get("value", "") if isinstance(theirs, dict) else theirs
        assert number in (None, "") or str(number).startswith("0001-"), f"{path}: nothing for {theirs!r}"
        seen["nothing"] += 1
    else:
        assert ours == theirs, f"{path}: {ours!r} for {theirs!r}"
        seen[type(ours).__name__] += 1


def _compared_reply(ours: Reply, theirs: Any, path: str, seen: Counter[str]) -> None:
    fields = msgspec.structs.fields(type(ours))
    if isinstance(theirs, list):
        for place, field in enumerate(fields):
            compared(getattr(ours, field.name), theirs[place], f"{path}[{place}]", seen)
        return
    names = {field.encode_name: field.name for field in fields}
    assert set(theirs) - set(names) == set(ours.unknown), path
    for name, value in theirs.items():
        if name in names:
            compared(getattr(ours, names[name]), value, f"{path}.{name}", seen)
        else:
            assert plain(bytes(ours.unknown[name])) == value, f"{path}.{name}"
            seen["unknown"] += 1
    missing = [name for name, ours_name in names.items() if name not in theirs and has_value(getattr(ours, ours_name))]
    assert not missing, f"{path}: invented {missing}"


def has_value(value: Any) -> bool:
    """Whether a field that was not sent says more than that it was not."""
    return value not in (None, "", False, True, []) and value != 0


def nanoseconds(text: str) -> int:
    """An RFC 3339 time, or unix seconds as text, without the code under test."""
    if text.isdigit():
        return int(text) * 10**9
    whole, _, fraction = text.removesuffix("Z").partition(".")
    moment = datetime.fromisoformat(whole + "+00:00")
    return int(moment.timestamp()) * 10**9 + int(fraction.ljust(9, "0") or "0")


def plain(text: str | bytes) -> Any:
    return json.loads(text, parse_float=Decimal)


@needs_shared_data
@pytest.mark.parametrize("name", REST_BODIES)
def test_every_number_time_and_word_of_a_recorded_reply_is_read_as_it_stands(name: str) -> None:
    seen: Counter[str] = Counter()
    texts = list(bodies(name, REST_BODIES[name]))
    assert texts
    for text in texts:
        compared(read(REST_BODIES[name].kind, text), plain(text), "$", seen)
    assert sum(seen.values()) > 0


def numbers(ours: Any, way: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where a reply has a number that we read as one; of a list, its first row."""
    if isinstance(ours, Reply):
        rows = ours.__struct_config__.array_like
        for place, each in enumerate(msgspec.structs.fields(type(ours))):
            yield from numbers(getattr(ours, each.name), (*way, place if rows else each.encode_name))
    elif isinstance(ours, list) and ours:
        yield from numbers(ours[0], (*way, 0))
    elif isinstance(ours, dict):
        for name, each in ours.items():
            yield from numbers(each, (*way, name))
    elif isinstance(ours, Decimal):
        yield way


def spoiled(text: str, way: tuple[str | int, ...], value: object) -> str:
    """A reply with another value in one place."""
    body = json.loads(text)
    within = body
    for step in way[:-1]:
        within = within[step]
    within[way[-1]] = value
    return json.dumps(body)


@needs_shared_data
@pytest.mark.parametrize("name", REST_BODIES)
def test_a_number_that_is_none_is_an_error_that_names_its_place_wherever_it_stands(name: str) -> None:
    kind = REST_BODIES[name].kind
    for text in bodies(name, REST_BODIES[name]):
        for way in numbers(read(kind, text)):
            for value in ("twelve", True, ["1"], {"value": "NaN"}):
                with pytest.raises(msgspec.ValidationError) as refused:
                    read(kind, spoiled(text, way, value))
                last = next(step for step in reversed(way) if isinstance(step, str) or kind in ROWS)
                assert f"{last}" in str(refused.value).partition("$")[2], f"{way}: {refused.value}"


#: Bodies that are rows of numbers: a place in them has no name but its index.
ROWS = (list[ExchangeCandle],)

#: Fields of recorded replies that have no name of ours: kept as received, and why nobody reads them.
WITHOUT_A_NAME = {
    "about_description": "texts and pictures for a screen",
    "icon_color": "texts and pictures for a screen",
    "icon_url": "texts and pictures for a screen",
    "display_name_overwrite": "texts and pictures for a screen",
    "contract_code_display_name": "texts and pictures for a screen",
    "base_cbrn": "the exchange's own resource names",
    "quote_cbrn": "the exchange's own resource names",
    "product_cbrn": "the exchange's own resource names",
    "product_group_cbrn": "the exchange's own resource names",
    "best_bid_price": "empty wherever it was seen; the book says it",
    "best_ask_price": "empty wherever it was seen; the book says it",
    "market_cap": "nothing to trade by",
    "is_alpha_testing": "nothing to trade by",
    "region_enabled": "an empty object wherever it was seen",
    "pagination": "the list comes whole, or by limit and offset",
    "size": "the length of the list itself",
    "sequence": "always 0",
    "cursor": "copied into the rows by the client that recorded them",
    "order_configuration": "an order's reply echoes the request, not what is stored",
    "contract_size": "of positions in one form only, which may be made up; the product has it",
    "entry_vwap": "of positions in one form only, which may be made up",
    "im_contribution": "of positions in one form only, which may be made up",
    "leverage": "of positions in one form only, which may be made up",
    "liquidation_price": "of positions in one form only, which may be made up",
    "mm_contribution": "of positions in one form only, which may be made up",
    "position_notional": "of positions in one form only, which may be made up",
    "total_fees": "of positions in one form only, which may be made up",
}


@needs_shared_data
def test_what_was_recorded_without_a_name_of_ours_is_listed_with_its_reason() -> None:
    kept = {
        path.rpartition(".")[2]
        for name, body in REST_BODIES.items()
        for text in bodies(name, body)
        for path in unknown_fields(read(body.kind, text))
    }
    assert kept == set(WITHOUT_A_NAME)


def test_a_number_of_more_digits_than_a_float_has_is_read_to_the_last() -> None:
    digits = "12345678901234567.12345678901234567"
    body = REST_BODIES["jkorf_rest_transaction_summary_docs.json"]
    found = read(body.kind, f'{{"fee_tier": {{}}, "total_volume": {digits}}}')
    assert str(found.total_volume) == digits
