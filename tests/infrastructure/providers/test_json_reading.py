"""A stranger's JSON becomes something that can be written and stored again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tales.infrastructure.providers.json_reading import MAX_DEPTH, UnreadableJson, read_json
from tests.infrastructure.providers.wire import stored


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e100000", "1e-400", "7" * 4301, "-" + "7" * 5000]
)
def test_a_number_that_no_double_or_int_can_hold_is_kept_as_its_text(number: str) -> None:
    assert read_json(f'{{"cost": {number}}}') == {"cost": number}


@pytest.mark.parametrize("number", ["0.0033789", "0.1", "1e-7", "12.5", "3", "-0", "0.0", "0e9", "1e300", "9" * 4300])
def test_other_numbers_stay_numbers_and_exact(number: str) -> None:
    value = read_json(number)
    assert isinstance(value, int | float)
    assert json.loads(stored(value)) == json.loads(number)


def test_a_cost_of_many_decimals_stays_a_number() -> None:
    assert read_json("0.0033789" + "0" * 20_000 + "1") == 0.0033789


@pytest.mark.parametrize(("opens", "closes"), [("[", "]"), ('{"a":', "}"), ('[{"a":[', "]}]")])
def test_what_is_nested_too_deep_is_kept_as_text_beside_the_rest(opens: str, closes: str) -> None:
    deep = opens * 2_000 + "1" + closes * 2_000
    value = read_json(f'{{"story": "[[{{", "odd": {deep}, "after": [1]}}')
    assert isinstance(value, dict)
    assert (value["story"], value["after"]) == ("[[{", [1])
    assert stored(value)
    at_the_limit = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert json.dumps(read_json(at_the_limit)) == at_the_limit


@pytest.mark.parametrize(
    "text", ["", "  ", "{", '{"a" 1}', "<html>", "[" * 100_000, "[],", "[" + "[]," * 100_001 + "1]"]
)
def test_what_is_no_json_is_said_to_be_none_and_not_quoted(text: str) -> None:
    with pytest.raises(UnreadableJson) as caught:
        read_json(text)
    assert caught.value.__cause__ is None
    assert "html" not in str(caught.value)


def test_white_space_a_byte_order_mark_and_control_characters_are_no_matter() -> None:
    assert read_json('\ufeff \n\r\t{"a": "x\x00\x01\ny \\u0000 \\ud800"} \n') == {"a": "x\x00\x01\ny \x00 \ud800"}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=30,
)


@given(VALUES, st.sampled_from(["", '"', "[[[", '\\"[']))
def test_ordinary_json_is_read_as_it_is(value: Any, text: str) -> None:
    around = {"text": text, "value": value, "many": [[] for _ in range(MAX_DEPTH)]}
    assert read_json(json.dumps(around)) == around
