"""`tales costs reconcile`: what cut calls cost is asked for afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from tales.infrastructure.repositories import unknown_costs
from tests.fixtures.databases import Database
from tests.interfaces.cli.conftest import Tales
from tests.interfaces.cli.test_write import MIA

COSTS = "select error_type, cost_usd, reconciled_cost_usd, provider_generation_id from tales.generations order by 1"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulator knows the cost when the call ends."""
    monkeypatch.setattr(unknown_costs, "SETTLED_SECONDS", 0.0)


def costs(database: Database) -> list[dict[str, Any]]:
    return database.rows(COSTS)


def test_what_a_cut_call_cost_is_learned_once(tales: Tales, database: Database) -> None:
    tales.set(TALES_MODELS="sim/drop-mid-stream", TALES_MAX_ATTEMPTS="1")
    assert tales(*MIA).status == 1
    (before,) = costs(database)
    assert (before["error_type"], before["cost_usd"], before["reconciled_cost_usd"]) == (
        "stream_interrupted",
        None,
        None,
    )

    ran = tales("costs", "reconcile", "--rate", "100")

    assert ran.status == 0, ran.err
    (after,) = costs(database)
    assert after["reconciled_cost_usd"] > 0
    assert f"Asked for 1 costs of calls: 1 are known now, ${after['reconciled_cost_usd']:.6f} in all." in ran.err
    again = tales("costs", "reconcile")
    assert "Asked for 0 costs of calls" in again.err
    report = tales("report", "models", "--format", "json").json
    assert (report["items"][0]["cost_unknown"], float(report["items"][0]["cost_usd"])) == (
        0,
        float(after["reconciled_cost_usd"]),
    )


def test_what_the_provider_does_not_know_stays_unknown(tales: Tales, database: Database) -> None:
    tales.set(TALES_MODELS="sim/drop-mid-stream", TALES_MAX_ATTEMPTS="1")
    tales(*MIA)
    with database.connect() as connection, connection.transaction():
        connection.execute("set local session_replication_role = replica")
        connection.execute("update tales.generations set provider_generation_id = 'gen-of-somebody-else'")

    ran = tales("costs", "reconcile", "--rate", "100")

    assert (ran.status, "Asked for 1 costs of calls: 0 are known now" in ran.err) == (0, True)
    assert costs(database)[0]["reconciled_cost_usd"] is None


def test_a_provider_that_is_away_is_said(tales: Tales) -> None:
    tales.set(TALES_MODELS="sim/drop-mid-stream", TALES_MAX_ATTEMPTS="1")
    tales(*MIA)
    tales.set(TALES_LLM_BASE_URL="http://127.0.0.1:1/v1")

    # Another address is another provider: it is asked for none of the first one's calls.
    assert "Asked for 0 costs of calls" in tales("costs", "reconcile").err


def test_the_model_on_this_machine_has_no_price(tales: Tales) -> None:
    tales.set(TALES_LLM_BASE_URL="", TALES_MODELS="")

    ran = tales("costs", "reconcile")

    assert (ran.status, "costs nothing that anybody could tell" in ran.err) == (1, True)
