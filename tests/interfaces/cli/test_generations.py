"""`tales generations`: what was asked of the models, and what came of it."""

from __future__ import annotations

from uuid_utils.compat import uuid7

from tests.fixtures.databases import Database
from tests.interfaces.cli.conftest import Tales
from tests.interfaces.cli.test_write import MIA


def test_a_generation_is_listed_and_shown_with_prompt_response_tokens_and_times(tales: Tales) -> None:
    tales(*MIA)

    (listed,) = tales("generations", "list", "--json").json
    shown = tales("generations", "show", listed["generation_id"], "--json").json

    (attempt,) = shown["attempts"]
    assert '"Mia"' in attempt["prompt"]
    assert attempt["full_response"]["choices"][0]["message"]["content"].startswith("Mia and the Lantern")
    assert attempt["prompt_tokens"] > 0
    assert attempt["completion_tokens"] > 0
    assert float(attempt["cost_usd"]) > 0
    assert attempt["created_at"] <= attempt["started_at"] <= attempt["first_token_at"] <= attempt["completed_at"]
    assert shown["story_id"]


def test_a_person_sees_the_same(tales: Tales) -> None:
    tales(*MIA)
    (listed,) = tales("generations", "list", "--json").json

    assert listed["generation_id"] in tales("generations", "list").out
    shown = tales("generations", "show", listed["generation_id"]).out
    for part in ("prompt_tokens", "full_response", "Mia and the Lantern", "success", listed["generation_id"]):
        assert part in shown


def test_an_unknown_id_is_refused_in_a_sentence(tales: Tales) -> None:
    unknown = str(uuid7())

    ran = tales("generations", "show", unknown)

    assert (ran.status, ran.out) == (1, "")
    assert f"There is no generation {unknown}." in ran.err


def test_what_is_no_id_is_a_usage_error(tales: Tales) -> None:
    assert tales("generations", "show", "the-last-one").status == 2


def test_half_characters_and_nuls_are_shown_without_harm(tales: Tales) -> None:
    tales.set(TALES_MODELS="sim/surrogate")
    tales(*MIA)
    (listed,) = tales("generations", "list", "--json").json

    assert tales("generations", "show", listed["generation_id"]).status == 0
    assert tales("generations", "show", listed["generation_id"], "--json").status == 0


def test_generations_are_looked_for_by_what_their_calls_say(tales: Tales) -> None:
    tales(*MIA)
    (listed,) = tales("generations", "list", "--json").json
    user, model = listed["user_id"], listed["attempts"][0]["model_used"]

    def found(*options: str) -> int:
        return len(tales("generations", "list", "--json", *options).json)

    assert [found("--status", status) for status in ("success", "timeout")] == [1, 0]
    assert [found("--model", name) for name in (model, "sim/other")] == [1, 0]
    assert [found("--user", id_) for id_ in (user, str(uuid7()))] == [1, 0]
    assert [found("--cost-over", cost) for cost in ("0", "100")] == [1, 0]
    assert [found("--slower-than", seconds) for seconds in ("0", "3600")] == [1, 0]
    periods = (("--since", "1h"), ("--to", "2020-01-01"), ("--from", "2020-01-01"))
    assert [found(*period) for period in periods] == [1, 0, 1]
    assert found("--error-type", "deadline") == 0
    for odd in (("--since", "yesterday"), ("--cost-over", "nan"), ("--slower-than", "inf")):
        assert tales("generations", "list", *odd).status == 1, odd
    assert "Mia" not in tales("generations", "list", "--json").out, "a list shows no word of a family"


def test_two_prompts_are_compared_and_every_look_is_kept(tales: Tales, database: Database) -> None:
    tales(*MIA)
    (listed,) = tales("generations", "list", "--json").json
    id_ = listed["generation_id"]

    assert tales("generations", "show", id_, "--diff", "1", "1").out == ""
    lost = tales("generations", "show", id_, "--diff", "1", "2")
    assert (lost.status, lost.out) == (1, "")
    assert "There is no attempt 2." in lost.err
    assert len(database.rows("select from tales.audit_log where via = 'command_line'")) == 2
