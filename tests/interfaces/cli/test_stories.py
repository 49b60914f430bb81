"""`tales stories`, and that what commands print for machines is what the API says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from uuid_utils.compat import uuid7

from tests.client.conftest import Service, running_service
from tests.fixtures.databases import Database
from tests.interfaces.cli.conftest import Tales
from tests.interfaces.cli.test_write import MIA


def test_a_story_is_listed_and_shown(tales: Tales) -> None:
    written = tales(*MIA, "--json").json["story"]

    (listed,) = tales("stories", "list", "--json").json
    shown = tales("stories", "show", written["id"], "--json").json

    assert shown == listed == written | {"user_id": listed["user_id"]}
    assert written["content"].split()[0] in tales("stories", "show", written["id"]).out
    for part in (written["id"], "Mia and the Lantern in the Garden"):
        assert part in tales("stories", "list").out


def test_a_story_is_laid_out_for_reading_with_its_length(tales: Tales) -> None:
    written = tales(*MIA, "--minutes", "2", "--json").json["story"]

    lines = tales("stories", "show", written["id"]).out.splitlines()

    assert lines[:3] == ["Mia and the Lantern in the Garden", "About 2 minutes to read aloud.", ""]
    assert max(map(len, lines[3:20])) <= 72
    assert " ".join(" ".join(lines).split()).count("“Good evening,” whispered Mia.") == 1


def test_a_story_is_rated_and_rated_anew(tales: Tales) -> None:
    written = tales(*MIA, "--json").json["story"]

    for rating in ("9", "4"):
        rated = tales("stories", "rate", written["id"], rating)
        assert (rated.status, rated.out) == (0, f"Mia and the Lantern in the Garden: {rating} of 10\n")

    assert tales("stories", "show", written["id"], "--json").json["rating"] == 4


@pytest.mark.parametrize("rating", ["0", "11"])
def test_a_rating_that_cannot_be_is_refused_in_a_sentence(tales: Tales, rating: str) -> None:
    ran = tales("stories", "rate", str(uuid7()), rating)

    assert ran.status == 1
    assert "rating" in ran.err


def test_an_unknown_story_is_refused_in_a_sentence(tales: Tales) -> None:
    unknown = str(uuid7())

    ran = tales("stories", "show", unknown)

    assert (ran.status, ran.out) == (1, "")
    assert f"There is no story {unknown}." in ran.err


@pytest.mark.parametrize("command", ["generations", "stories"])
def test_to_look_at_what_was_written_needs_no_provider(bare_tales: Tales, database: Database, command: str) -> None:
    """Not even one that could be: a service without its models is no reason not to show a row."""
    bare_tales.set(TALES_DATABASE_URL=database.owner_url, TALES_LLM_BASE_URL="http://127.0.0.1:9/v1")

    ran = bare_tales(command, "list", "--json")

    assert (ran.status, ran.json) == (0, [])


@pytest.fixture
def service(database: Database) -> Iterator[Service]:
    """A server of the test's own."""
    with running_service(database, "sim/500-ok") as service:
        yield service


def in_common(said: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """What is said twice, as the first one says it."""
    return {name: said[name] for name in (said.keys() & other.keys()) - {"attempts"}}


def test_commands_and_the_api_say_the_same_in_the_same_form(bare_tales: Tales, service: Service) -> None:
    token = service.new_family()
    bare_tales.set(TALES_SERVER=service.address, TALES_TOKEN=token)
    written = bare_tales(*MIA, "--json").json
    generation_id, story_id = written["generation"]["generation_id"], written["story"]["id"]
    address = f"{service.address}/api/v3"
    with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}) as api:
        generation = api.get(f"/generations/{generation_id}").json()
        story = api.get(f"/stories/{story_id}").json()

    here = {"TALES_SERVER": "", "TALES_DATABASE_URL": service.database.owner_url}
    for where in ({}, here):
        bare_tales.set(**where)
        printed = bare_tales("stories", "show", story_id, "--json").json
        assert in_common(printed, story) == story
        (listed,) = bare_tales("generations", "list", "--json").json
        shown = bare_tales("generations", "show", generation_id, "--json").json
        for printed in (listed, shown):
            assert in_common(printed, generation) == in_common(generation, printed)
            for attempt, answered in zip(printed["attempts"], generation["attempts"], strict=True):
                assert in_common(attempt, answered) == answered
    assert len(generation["attempts"]) == 2
    assert story["created_at"].endswith("Z")
    assert float(generation["attempts"][1]["cost_usd"]) > 0
