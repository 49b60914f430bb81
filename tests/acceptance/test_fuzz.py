"""What schemathesis makes of the OpenAPI documents is answered as they say. `make bench-fuzz` sends far more of it.

Versions 1 and 2 have their turn in `make test-deep`.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.fuzzing import MODELS, PHASES, Effort, furnish, fuzz, sign_up

from tales.simulator.server import Simulator
from tests.fixtures.databases import Database
from tests.fixtures.depth import DEEP, more_when_deep
from tests.fixtures.processes import SECRET, Place

SENT = PHASES if DEEP else ("examples", "fuzzing")
"""Whatever is beyond the limits of each field takes half a minute."""


@pytest.mark.timeout(180)
@pytest.mark.parametrize("version", more_when_deep([3], [1, 2]))
def test_no_answer_is_an_error_of_ours_or_outside_its_description(
    database: Database, background_simulator: Simulator, tmp_path: Path, version: int
) -> None:
    with Place(database, background_simulator).serving(MODELS) as (_, client):
        sign_up(client, SECRET)
        found = fuzz(furnish(client), version, tmp_path, Effort(examples=1, seed=6, phases=SENT))

    if not found.passed:
        pytest.fail(found.output, pytrace=False)
    assert found.cases > (1000 if DEEP else 100)
