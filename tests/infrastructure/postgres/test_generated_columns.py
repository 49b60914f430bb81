"""Tokens, cost and names are read out of whatever a provider answers: the right value or NULL, never an error."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.fixtures.databases import Database
from tests.fixtures.rows import add_user, ended, insert

UNKNOWN: dict[str, Any] = dict.fromkeys(("prompt_tokens", "completion_tokens", "cost_usd", "provider", "served_model"))
READ = "select prompt_tokens, completion_tokens, cost_usd, provider, served_model from tales.generations"


def _read(database: Database, response: Any, status: str = "failed") -> dict[str, Any]:
    with database.connect() as connection:
        row = ended(add_user(connection), status) | {"full_response": response}
        insert(connection, "generations", row)
        (found,) = connection.execute(READ).fetchall()
    return dict(found)


def test_a_complete_answer_is_read(database: Database) -> None:
    usage = {"prompt_tokens": 120, "completion_tokens": 340, "cost": 0.00042}
    answer = {"provider": "Simulator", "model": "sim/ok-2026", "usage": usage}
    assert _read(database, answer, "success") == {
        "prompt_tokens": 120,
        "completion_tokens": 340,
        "cost_usd": Decimal("0.00042"),
        "provider": "Simulator",
        "served_model": "sim/ok-2026",
    }


def test_no_answer_says_nothing(database: Database) -> None:
    assert _read(database, None) == UNKNOWN


def test_a_call_that_was_free_cost_nothing_which_is_not_unknown(database: Database) -> None:
    assert _read(database, {"usage": {"cost": 0}})["cost_usd"] == 0


# Written as text, because Python would not write all of them as it reads them.
NONSENSE = [
    '{"usage": [1, 2]}',
    '{"usage": null}',
    '{"usage": "12"}',
    '{"usage": {}}',
    '{"usage": {"prompt_tokens": "12", "completion_tokens": "x", "cost": "0.1"}}',
    '{"usage": {"prompt_tokens": 1e300, "completion_tokens": 1e100000, "cost": 1e300}}',
    '{"usage": {"prompt_tokens": 12.7, "completion_tokens": -3, "cost": -0.5}}',
    '{"usage": {"prompt_tokens": 2147483648, "completion_tokens": 1e400, "cost": 999999.5}}',
    '{"usage": {"prompt_tokens": null, "completion_tokens": true, "cost": [1]}}',
    '{"usage": {"prompt_tokens": {"n": 1}, "completion_tokens": [], "cost": {"usd": 1}}}',
    '{"provider": ["a"], "model": {"name": "b"}}',
    '{"provider": 7, "model": null}',
    '"a bare string"',
    "[]",
    '[{"usage": {"cost": 1}}]',
    "17",
    "true",
    "null",
]


@pytest.mark.parametrize("text", NONSENSE)
def test_nonsense_is_unknown_and_never_an_error(database: Database, text: str) -> None:
    with database.connect() as connection:
        insert(connection, "generations", ended(add_user(connection), "failed"))
        # As a worker writes it: by an update, the response as it came.
        connection.execute("set session_replication_role = replica")
        connection.execute("update tales.generations set full_response = %s::jsonb", [text])
        (found,) = connection.execute(READ).fetchall()
        assert found == UNKNOWN
        (kept,) = connection.execute(
            "select full_response = %s::jsonb as same from tales.generations", [text]
        ).fetchall()
        assert kept == {"same": True}


@pytest.mark.parametrize(
    ("usage", "column", "value"),
    [
        ('{"prompt_tokens": 12.0}', "prompt_tokens", 12),
        ('{"prompt_tokens": 1.2e1}', "prompt_tokens", 12),
        ('{"completion_tokens": 2147483647}', "completion_tokens", 2147483647),
        ('{"completion_tokens": 0}', "completion_tokens", 0),
        ('{"cost": 1e-12}', "cost_usd", Decimal("0.000000000001")),
        ('{"cost": 1e-13}', "cost_usd", Decimal(0)),
        ('{"cost": 0.1234567890123}', "cost_usd", Decimal("0.123456789012")),
        ('{"cost": 999999}', "cost_usd", Decimal(999999)),
    ],
)
def test_an_unusual_number_is_still_a_number(database: Database, usage: str, column: str, value: Any) -> None:
    with database.connect() as connection:
        insert(connection, "generations", ended(add_user(connection), "failed"))
        connection.execute("set session_replication_role = replica")
        connection.execute("update tales.generations set full_response = %s::jsonb", [f'{{"usage": {usage}}}'])
        (found,) = connection.execute(READ).fetchall()
    assert found[column] == value


def test_a_very_long_name_is_cut(database: Database) -> None:
    found = _read(database, {"provider": "p" * 5000, "model": "m" * 201})
    assert (len(found["provider"]), len(found["served_model"])) == (200, 200)


def test_nobody_writes_them_but_the_database(database: Database) -> None:
    with database.connect() as connection:
        row = ended(add_user(connection), "failed")
        for column in UNKNOWN:
            with pytest.raises(Exception, match="non-DEFAULT value"):
                insert(connection, "generations", row | {column: 1})


def test_the_response_is_stored_as_it_came(database: Database) -> None:
    response = {"b": [1, {"c": None}], "a": "\u2028\u0001 ä", "usage": {"cost": 1}}
    with database.connect() as connection:
        insert(connection, "generations", ended(add_user(connection), full_response=response))
        (found,) = connection.execute("select full_response from tales.generations").fetchall()
    assert found == {"full_response": response}
