"""`tales write`: a story in the terminal, and the rows that its calls left."""

from __future__ import annotations

import pytest

from tales.simulator.server import Simulator
from tests.fixtures.databases import Database
from tests.interfaces.cli.conftest import Tales

MIA = ("write", "Mia", "--age", "6", "--likes", "dragons", "--moral", "kindness")


def test_a_story_is_written_without_an_account(tales: Tales) -> None:
    ran = tales(*MIA)

    assert ran.status == 0
    assert ran.out.startswith("Mia and the Lantern in the Garden\n\n")
    assert ran.err.startswith("The story is being written.\n")
    assert "success" in ran.err


def test_three_calls_leave_three_rows_and_a_story_that_names_the_third(tales: Tales, database: Database) -> None:
    tales.set(TALES_MODELS="sim/500-500-ok")

    assert tales(*MIA).status == 0

    rows = database.rows(
        "select attempt_number, status, error_type, error_message from tales.generations order by attempt_number"
    )
    assert [(row["attempt_number"], row["status"]) for row in rows] == [(1, "failed"), (2, "failed"), (3, "success")]
    assert all(row["error_type"] and row["error_message"] for row in rows[:2])
    assert database.rows("select generation_attempt from tales.stories") == [{"generation_attempt": 3}]


def test_a_provider_that_hangs_is_left_in_time_and_the_user_told_why(tales: Tales, database: Database) -> None:
    tales.set(TALES_MODELS="sim/hang", TALES_ATTEMPT_TIMEOUT="0.5", TALES_MAX_ATTEMPTS="2")

    ran = tales(*MIA)

    assert ran.status == 1
    assert ran.out == ""
    assert "No story was written: all 2 attempts failed." in ran.err
    assert "tales generations show" in ran.err
    assert [row["status"] for row in database.rows("select status from tales.generations")] == ["timeout", "timeout"]
    assert database.rows("select from tales.stories") == []


def test_the_json_holds_the_story_and_its_attempts(tales: Tales) -> None:
    tales.set(TALES_MODELS="sim/500-ok")

    document = tales(*MIA, "--json").json

    assert document["story"]["title"] == "Mia and the Lantern in the Garden"
    attempts = document["generation"]["attempts"]
    assert [attempt["status"] for attempt in attempts] == ["failed", "success"]
    assert document["story"]["generation_attempt"] == attempts[1]["attempt_number"] == 2
    assert document["story"]["generation_id"] == document["generation"]["generation_id"]


def test_a_failure_in_json_has_no_story_and_a_status_that_is_not_zero(tales: Tales) -> None:
    tales.set(TALES_MODELS="sim/401")

    ran = tales(*MIA, "--json")

    assert ran.status == 1
    assert ran.json["story"] is None
    assert ran.json["generation"]["attempts"][0]["error_type"] == "authentication"


def test_a_child_is_known_by_name_the_second_time(tales: Tales, database: Database) -> None:
    tales(*MIA)

    assert tales("write", "Mia").status == 0
    assert tales(*MIA).status == 0
    assert database.rows("select name, age from tales.children") == [{"name": "Mia", "age": 6}]


def test_a_combined_story_has_a_child_a_hero_and_how_they_know_each_other(tales: Tales, database: Database) -> None:
    ran = tales(*MIA, "--hero", "Captain Owl", "--appearance", "blue feathers", "--relationship", "best friends")

    assert ran.status == 0
    (row,) = database.rows("select story_type, hero_appearance, relationship_description from tales.generations")
    assert tuple(row.values()) == ("combined", "blue feathers", "best friends")


def test_a_heros_story_needs_no_child(tales: Tales, database: Database) -> None:
    assert tales("write", "--hero", "Captain Owl", "--minutes", "2", "--language", "de").status == 0

    (row,) = database.rows("select story_type, child_id, story_length, language from tales.generations")
    assert tuple(row.values()) == ("hero", None, 2, "de")


def test_another_model_can_be_asked_for_once(tales: Tales, database: Database) -> None:
    assert tales(*MIA, "--model", "sim/json").status == 0
    assert database.rows("select model_used from tales.generations") == [{"model_used": "sim/json"}]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("write",), "Say for whom the story is"),
        (("write", "Mia"), "--age is missing"),
        (("write", "Mia", "--age", "60"), "age is 60"),
        ((*MIA, "--type", "combined"), "--hero is missing"),
        ((*MIA, "--hero", "Owl"), "needs relationship_description"),
        ((*MIA, "--minutes", "0"), "story_length is 0"),
        ((*MIA, "--language", "xx"), "language is not one of"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_in_a_sentence(
    tales: Tales, database: Database, arguments: tuple[str, ...], sentence: str
) -> None:
    ran = tales(*arguments)

    assert ran.status == 1
    assert sentence in ran.err
    assert "Traceback" not in ran.err
    assert database.rows("select from tales.generations") == []


def test_the_call_is_made_once(tales: Tales, background_simulator: Simulator) -> None:
    tales(*MIA)

    assert len(background_simulator.requests) == 1


def test_no_story_no_prompt_and_no_key_is_logged(tales: Tales) -> None:
    tales.set(TALES_LLM_API_KEY="sk-canary", TALES_MODELS="sim/raw-ok")

    ran = tales(*MIA)

    assert not any(word in ran.err for word in ("Mia", "dragons", "Lantern", "sk-canary"))


@pytest.mark.parametrize("language", ["de", "fr", "es", "ru"])
def test_the_small_model_refuses_another_language_in_a_sentence_before_anything_is_started(
    bare_tales: Tales, database: Database, language: str
) -> None:
    bare_tales.set(TALES_DATABASE_URL=database.owner_url)

    ran = bare_tales(*MIA, "--language", language)

    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith("Error: The small model that comes along writes English alone. For ")
    assert "TALES_LOCAL_MODEL" in ran.err
    assert ran.err.count("\n") == 1
    assert database.rows("select from tales.generations") == []
    assert database.rows("select from tales.children") == []


def test_a_model_without_a_key_is_an_error_in_a_sentence_and_no_other_writes(
    bare_tales: Tales, database: Database
) -> None:
    bare_tales.set(TALES_DATABASE_URL=database.owner_url, TALES_MODELS="openai/gpt-4o-mini")

    ran = bare_tales(*MIA)

    assert (ran.status, ran.out) == (1, "")
    assert "TALES_MODELS names openai/gpt-4o-mini, and no provider is set that has it." in ran.err
    assert ran.err.count("\n") == 1
    assert database.rows("select from tales.generations") == []


@pytest.mark.parametrize(
    ("steps", "kinds"),
    [
        ("foreign-nameless-ok", ["wrong_language", "name_missing", None]),
        ("facts-meta-loop", ["facts", "meta", "loop"]),
        ("marked-unsuitable-ok", ["markup", "unsuitable", None]),
    ],
)
def test_what_is_no_story_is_a_failed_attempt_with_its_reason_and_the_next_one_begins(
    tales: Tales, database: Database, steps: str, kinds: list[str | None]
) -> None:
    tales.set(TALES_MODELS=f"sim/{steps}", TALES_STORY_CHECKS="all")

    ran = tales(*MIA, "--minutes", "2")

    assert ran.status == (0 if kinds[-1] is None else 1)
    rows = database.rows("select error_type, full_response from tales.generations order by attempt_number")
    assert [row["error_type"] for row in rows] == kinds
    assert all(row["full_response"] for row in rows)
    assert ran.out.startswith("Mia and the Lantern" if kinds[-1] is None else "")
    assert "murderer" not in ran.out


def test_the_operator_chooses_what_stories_are_held_against(tales: Tales) -> None:
    tales.set(TALES_MODELS="sim/nameless", TALES_STORY_CHECKS="loop,markup")

    assert tales(*MIA).status == 0


@pytest.mark.parametrize(("steps", "status"), [("nameless", 0), ("unsuitable", 1)])
def test_without_a_setting_another_model_than_the_small_one_is_held_against_unsuitable_words(
    tales: Tales, steps: str, status: int
) -> None:
    tales.set(TALES_MODELS=f"sim/{steps}", TALES_MAX_ATTEMPTS="1")

    assert tales(*MIA).status == status


def test_a_moral_that_would_harm_is_refused_in_a_kind_sentence(tales: Tales, database: Database) -> None:
    ran = tales("write", "Mia", "--age", "6", "--moral", "playing with fire is fun")

    assert ran.status == 1
    assert "We would rather not tell children that what can burn" in ran.err
    assert database.rows("select from tales.generations") == []
