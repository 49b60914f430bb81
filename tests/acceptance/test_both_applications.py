"""While a move waits before its last steps, the old application and `tales` serve side by side (docs/migration.md)."""

from __future__ import annotations

import subprocess

import pytest
from benchmarks.legacy import LegacyPlan, Nastiness, Profile, fill_legacy
from benchmarks.legacy_application import LegacyApplication

from tales.legacy.verify import verify
from tales.simulator.server import Simulator
from tests.fixtures.databases import Database
from tests.fixtures.processes import Place, ask, sign_in, until

_WRITTEN = """
    select count(*) as written
    from tales.stories as s
    join tales.generations as g on g.generation_id = s.generation_id and g.attempt_number = s.generation_attempt
    where g.origin = 'live'
"""


def written(database: Database) -> int:
    """Stories that the new application has written."""
    return int(database.rows(_WRITTEN)[0]["written"])


def run(place: Place, *arguments: str) -> str:
    command = place.start("sim/ok", *arguments, output=subprocess.PIPE)
    output, _ = command.communicate(timeout=120)
    assert command.returncode == 0, output
    return output


@pytest.mark.timeout(180)
def test_both_write_and_read_over_both_halves(legacy_database: Database, background_simulator: Simulator) -> None:
    place = Place(legacy_database, background_simulator)
    fill_legacy(legacy_database.owner_url, LegacyPlan(rows=500, profile=Profile.SHORT, nastiness=Nastiness()))
    old = LegacyApplication(legacy_database.owner_url, rate=20)
    old.start()
    try:
        run(place, "migrate", "up", "--until", "expand")
        with place.serving("sim/ok") as (_, client):
            sign_in(client)
            for count in (1, 2):
                ask(client)
                until(lambda count=count: written(legacy_database) == count, seconds=20)
            assert len(client.get("/api/v3/stories").json()["items"]) == 2
            assert "success" in run(place, "write", "Mia", "--age", "6")
            # The old application reads what the new one has written.
            (story,) = legacy_database.rows("select distinct moral from tales.stories where title like 'Mia and%'")
            assert story["moral"] == "kindness"

            old.knows_old_columns = False
            run(place, "migrate", "up", "--yes")
            ask(client)
            until(lambda: written(legacy_database) == 4, seconds=20)
            assert client.get("/health/ready").status_code == 200
    finally:
        old.stop()

    assert old.problems() == []
    assert verify(legacy_database.owner_url).problems == ()
