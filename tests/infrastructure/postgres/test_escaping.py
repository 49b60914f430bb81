"""Whatever a provider or a family writes can be stored, and comes back as it was (decision 15)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tales.infrastructure.postgres.escaping import escape_json, escape_text, unescape_json, unescape_text
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tests.factories import add_ended_attempt, add_user, attempt_request, success

# Any code point, lone surrogates included, and many of those that are changed.
texts = st.text(st.characters() | st.sampled_from("\x00\x1a\ud800\udfff0123456789abcdef"))
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(texts)
@example("\x1a0000")
@example("\x1a001a0000")
def test_a_text_comes_back_as_it_was(text: str) -> None:
    stored = escape_text(text)
    assert unescape_text(stored) == text
    assert "\x00" not in stored
    stored.encode("utf-8")  # no lone surrogate is left


@pytest.mark.parametrize("text", ["\x1a", "\x1a0041", "\x1a\x1a", "\x1a000", "\x1ad7ff", "\x1aD800"])
def test_a_text_that_was_never_escaped_is_read_as_it_is(text: str) -> None:
    assert unescape_text(text) == text


@pytest.mark.parametrize("depth", [100, 5_000])
def test_json_may_be_nested_deeper_than_pythons_stack(depth: int) -> None:
    value: Any = "\x00"
    for _ in range(depth):
        value = {"\x1a": [value]}

    escaped = escape_json(value)

    for _ in range(depth):
        (escaped,) = escaped["\x1a001a"]
    assert escaped == "\x1a0000"


@given(texts, texts)
def test_different_texts_stay_different(one: str, other: str) -> None:
    assert (escape_text(one) == escape_text(other)) == (one == other)


@given(st.text(st.characters(exclude_characters="\x00\x1a", exclude_categories=["Cs"])))
def test_an_ordinary_text_is_stored_as_it_is(text: str) -> None:
    assert escape_text(text) == text


@given(json_values)
def test_a_json_value_comes_back_as_it_was(value: Any) -> None:
    assert unescape_json(escape_json(value)) == value


@given(value=json_values.filter(lambda value: value is not None), text=texts)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(value={"choices": [{"message": {"content": "a\x00b \udc80 \x1a"}}], "k\x00ey": "\ud83d"}, text="\x00")
async def test_the_database_gives_back_what_it_was_given(transactions: SqlTransactions, value: Any, text: str) -> None:
    user = await add_user(transactions)
    request = attempt_request(user, prompt=text)
    await add_ended_attempt(transactions, request, success(full_response=value))
    async with transactions.as_service() as work:
        kept = await work.generations.get_attempt(request.id)
    assert kept is not None
    assert kept.prompt == text
    assert _as_stored(kept.full_response) == _as_stored(value)


def _as_stored(value: Any) -> Any:
    """JSON numbers have no kinds: 1.0 may come back as 1, and -0.0 as 0."""
    if isinstance(value, list):
        return [_as_stored(item) for item in value]
    if isinstance(value, dict):
        return {key: _as_stored(item) for key, item in value.items()}
    return value if isinstance(value, bool | str) or value is None else float(value)


@pytest.fixture
async def parent(transactions: SqlTransactions) -> UUID:
    return await add_user(transactions)


async def test_an_answer_of_20_megabytes_is_kept(transactions: SqlTransactions, parent: UUID) -> None:
    answer = {"choices": [{"message": {"content": "dragon " * 3_000_000}}], "usage": {"prompt_tokens": 5}}
    attempt = await add_ended_attempt(transactions, attempt_request(parent), success(full_response=answer))
    async with transactions.as_service() as work:
        kept = await work.generations.get_attempt(attempt)
    assert kept is not None
    assert kept.full_response == answer
    assert kept.prompt_tokens == 5
