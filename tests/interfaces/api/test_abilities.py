"""What the models of a server cannot write is a problem at once, and leaves no row."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tales.application.services import Services
from tales.domain.abilities import SMALL_MODEL
from tales.domain.story_spec import LANGUAGES
from tests.fixtures.databases import Database
from tests.interfaces.api.world import Family, refused


@pytest.fixture
def services(services: Services) -> Services:
    """A server with the small model."""
    request = replace(services.request_generation, abilities=SMALL_MODEL)
    return replace(services, request_generation=request)


@pytest.mark.parametrize(
    ("changes", "field"), [({"language": "de"}, "language"), ({"story_length": 11}, "story_length")]
)
async def test_what_the_small_model_cannot_write_is_refused_before_a_row_is_made(
    family: Family, database: Database, changes: dict[str, object], field: str
) -> None:
    problem = refused(await family.client.post("/generations", json=await family.wish(**changes)), field)

    assert "TALES_LOCAL_MODEL" in problem["detail"]
    assert database.rows("select from tales.generations") == []


async def test_of_forty_requests_in_other_languages_each_is_refused_at_once_and_none_is_written(
    family: Family, database: Database
) -> None:
    for number in range(40):
        language = ("de", "fr", "es", "ru")[number % 4]
        moral = ("Teilen ist schön", "le courage", "la paciencia", "доброта")[number % 4]
        wish = await family.wish(language=language, moral=moral, story_length=1 + number // 4)
        problem = refused(await family.client.post("/generations", json=wish), "language")
        assert f"For {LANGUAGES[language]}, set OPENROUTER_API_KEY" in problem["detail"]

    assert database.rows("select from tales.generations") == []


async def test_what_it_can_write_is_taken(family: Family) -> None:
    assert (await family.ask())["status"] == "pending"
