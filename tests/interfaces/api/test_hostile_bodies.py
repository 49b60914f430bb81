"""Whatever stands in a body, the answer is no error of ours."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.interfaces.api.world import PROBLEM, Family

# Lone surrogates and U+0000 included.
TEXTS = st.text(alphabet=st.characters(codec=None), max_size=30)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=5
)
FIELDS = {
    "/auth/signup": ["email", "password"],
    "/children": ["name", "age", "interests", "gender"],
    "/heroes": ["name", "appearance"],
    "/generations": [
        "story_type",
        "child_id",
        "hero_id",
        "moral",
        "story_length",
        "language",
        "relationship_description",
        "model",
    ],
}
PATHS = st.sampled_from([*FIELDS, "/stories/01890a5d-ac96-774b-bcce-b302099a8057/rating"])
HUGE = ["9" * 4000, "-" + "9" * 5000, "1e400", "-1e400", "NaN", "Infinity", "1E5", "0.1", "18446744073709551616"]


def bodies(path: str) -> st.SearchStrategy[object]:
    names = FIELDS.get(path, ["rating"])
    likely = st.fixed_dictionaries({}, optional=dict.fromkeys(names, VALUES))
    return likely | st.dictionaries(st.sampled_from(names) | TEXTS, VALUES, max_size=5) | VALUES


async def send(family: Family, path: str, body: bytes) -> None:
    method = "PUT" if path.endswith("rating") else "POST"
    answer = await family.client.request(method, path, content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code < 500, (path, body, answer.text)
    if answer.status_code >= 400:
        assert answer.headers["Content-Type"] == PROBLEM
        assert answer.json()["detail"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
async def test_any_json(family: Family, data: st.DataObject) -> None:
    path = data.draw(PATHS)
    body: Any = data.draw(bodies(path))

    await send(family, path, json.dumps(body).encode())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=PATHS, body=st.binary(max_size=200))
async def test_any_bytes(family: Family, path: str, body: bytes) -> None:
    await send(family, path, body)


@pytest.mark.parametrize("number", HUGE)
async def test_any_number(family: Family, number: str) -> None:
    for path, names in {**FIELDS, "/stories/01890a5d-ac96-774b-bcce-b302099a8057/rating": ["rating"]}.items():
        for name in names:
            await send(family, path, f'{{"{name}": {number}}}'.encode())


@pytest.mark.parametrize("depth", [100, 900, 5_000, 30_000])
async def test_any_depth(family: Family, depth: int) -> None:
    for path, names in FIELDS.items():
        await send(family, path, f'{{"{names[0]}": {"[" * depth}{"]" * depth}}}'.encode())


@pytest.mark.parametrize(
    "text", ["\\u0000", "\\ud800", "\\udc00\\ud800", "\\u001a", "\\u202e", "\\uffff", "\\ud83d\\udc09"]
)
async def test_any_character(family: Family, text: str) -> None:
    child = f'{{"name": "Mia{text}", "age": 6, "interests": ["{text}"], "gender": "{text}"}}'
    hero = f'{{"name": "Moon", "appearance": "{text}"}}'
    account = f'{{"email": "ada{text}@example.org", "password": "correct {text} horse"}}'
    for path, body in (("/children", child), ("/heroes", hero), ("/auth/signup", account)):
        await send(family, path, body.encode())
