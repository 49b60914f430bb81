"""What a call took is read wherever it stands, and the database gets it in one form."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tales.infrastructure.providers.usage import ORIGINAL, with_readable_usage
from tests.fixtures.databases import Database
from tests.fixtures.rows import add_user, ended, insert
from tests.fixtures.time import FakeClock
from tests.infrastructure.providers.wire import DONE, STREAM, event, head, hear

BYOK = {"cost": 0, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.0021}}


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        (BYOK, 0.0021),
        ({"cost": 0.95, "is_byok": True, "cost_details": {"upstream_inference_cost": 19}}, 19.95),
        ({"cost": "0", "is_byok": True, "cost_details": {"upstream_inference_cost": "0.0021"}}, 0.0021),
        ({"cost": None, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.0021}}, 0.0021),
        ({"cost": 0, "is_byok": True}, None),
        ({"cost": 0, "is_byok": True, "cost_details": None}, None),
        ({"cost": 0, "is_byok": True, "cost_details": {"upstream_inference_cost": 0}}, None),
        ({"cost": 0.3, "is_byok": False, "cost_details": {"upstream_inference_cost": 0.3}}, 0.3),
        ({"cost": 0}, 0),
        ({"cost": "0.0021"}, 0.0021),
        ({"cost": " 2.1e-3 "}, 0.0021),
        ({"cost": {"input_tokens_cost": 0.1, "total_cost": 0.006}}, 0.006),
        ({"cost": "free"}, "free"),
        ({"cost": "1e99999999"}, "1e99999999"),
        ({"cost": "-1"}, "-1"),
        ({"cost": [1]}, [1]),
    ],
)
def test_a_cost_is_what_the_call_cost_whatever_its_form(usage: dict[str, Any], cost: object) -> None:
    body = with_readable_usage({"usage": usage})
    assert isinstance(body["usage"], dict)
    assert body["usage"].get("cost") == cost
    assert json.dumps(body.get(ORIGINAL, body["usage"])) == json.dumps(usage)


def test_an_own_key_may_be_told_by_the_metadata() -> None:
    usage: dict[str, Any] = {"cost": 0, "cost_details": {"upstream_inference_cost": 0.0021}}
    body = with_readable_usage({"usage": usage, "openrouter_metadata": {"is_byok": True}})
    assert body["usage"] == usage | {"cost": 0.0021}


COUNTS = {"prompt_tokens": 120, "completion_tokens": 600}


@pytest.mark.parametrize(
    "body",
    [
        {"x_groq": {"id": "req", "usage": COUNTS}},
        {"x_groq": {"usage": COUNTS}, "usage": None},
        {"x_groq": {"usage": COUNTS}, "usage": {}},
        {"x_groq": {"usage": COUNTS}, "usage": {"prompt_tokens": 0, "completion_tokens": 0}},
        {"x_of_next_year": {"usage": COUNTS}},
        {"choices": [{"usage": COUNTS, "message": {"content": "Once."}}]},
        {"usage": {"prompt_tokens": "120", "completion_tokens": "600"}},
        {"usage": {"input_tokens": 120, "output_tokens": 600}},
    ],
)
def test_tokens_are_read_wherever_they_stand(body: dict[str, Any]) -> None:
    readable = with_readable_usage(body)
    assert isinstance(readable["usage"], dict)
    assert {name: readable["usage"][name] for name in COUNTS} == COUNTS
    assert {key: value for key, value in readable.items() if key not in {"usage", ORIGINAL}} == {
        key: value for key, value in body.items() if key != "usage"
    }


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"usage": None},
        {"usage": "12"},
        {"usage": [1]},
        {"x_groq": None, "error": "usage"},
        {"usage": {"prompt_tokens": 1, "cost": 0.1}},
        {"usage": {"prompt_tokens": "twelve", "cost": 1e300}},
        {"usage": {"prompt_tokens": True}},
        {"choices": "none"},
    ],
)
def test_what_cannot_be_read_or_need_not_stays_as_it_came(body: dict[str, Any]) -> None:
    assert with_readable_usage(body) == body


@pytest.mark.parametrize(
    ("chunk", "read"),
    [
        ({"usage": COUNTS | BYOK}, (120, 600, "0.002100000000")),
        ({"usage": COUNTS | {"cost": "0.0021"}}, (120, 600, "0.002100000000")),
        ({"x_groq": {"id": "r", "usage": COUNTS}}, (120, 600, "None")),
    ],
)
async def test_the_columns_hold_what_a_stream_brought(
    chunk: dict[str, Any], read: tuple[int, int, str], clock: FakeClock, database: Database
) -> None:
    groq = event("Once.", x_groq={"id": "r"})
    observed = await hear(clock, head(STREAM) + groq + event("", "stop", **chunk) + event(choices=[], x_groq={}) + DONE)
    with database.connect() as connection:
        insert(connection, "generations", ended(add_user(connection), full_response=observed.body))
        (row,) = connection.execute(
            "select prompt_tokens, completion_tokens, cost_usd from tales.generations"
        ).fetchall()
    assert (row["prompt_tokens"], row["completion_tokens"], str(row["cost_usd"])) == read
