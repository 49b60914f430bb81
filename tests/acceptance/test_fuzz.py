"""What schemathesis makes of the OpenAPI documents is answered as they say. `make bench-fuzz` sends far more of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.fuzzing import MODELS, VERSIONS, furnish, fuzz, sign_up

from tales.simulator.server import Simulator
from tests.fixtures.databases import Database
from tests.fixtures.processes import SECRET, Place


@pytest.mark.timeout(180)
def test_no_answer_is_an_error_of_ours_or_outside_its_description(
    database: Database, background_simulator: Simulator, tmp_path: Path
) -> None:
    with Place(database, background_simulator).serving(MODELS) as (_, client):
        sign_up(client, SECRET)
        findings = [fuzz(furnish(client), version, tmp_path, examples=1, seed=6) for version in VERSIONS]

    if failed := [found.output for found in findings if not found.passed]:
        pytest.fail("\n".join(failed), pytrace=False)
    assert [found.cases > 100 for found in findings] == [True, True, True]
