"""`tales models`: who is asked for stories, and how."""

from __future__ import annotations

import pytest

from tales.infrastructure.providers.choice import choose_provider
from tales.interfaces.cli.model_advice import SERVERS, words_a_second
from tales.settings import load_settings
from tests.fixtures.databases import Database
from tests.interfaces.cli.conftest import Tales
from tests.interfaces.cli.test_write import MIA


def test_the_chain_is_listed_before_anything_is_known(tales: Tales) -> None:
    tales.set(TALES_MODELS="sim/ok,sim/500-ok")

    listed = tales("models", "--json").json

    assert [(one["model"], one["refused"], one["learned_at"]) for one in listed] == [
        ("sim/ok", {}, None),
        ("sim/500-ok", {}, None),
    ]


def test_what_a_model_refused_is_left_out_and_listed(tales: Tales) -> None:
    tales.set(TALES_MODELS="sim/unsupported-ok,sim/ok", TALES_OMIT_PARAMETERS="stream_options")
    tales(*MIA)
    (listed,) = tales("generations", "list", "--json").json
    first, second = tales("generations", "show", listed["generation_id"], "--json").json["attempts"]

    assert first["error_message"] == (
        "The model refuses the parameter max_tokens (HTTP 400). "
        "The next attempt sends max_completion_tokens in its place."
    )
    assert (second["model_used"], second["status"]) == ("sim/unsupported-ok", "success")
    known, unknown = tales("models", "--json").json
    assert known["refused"] == {"max_tokens": "max_completion_tokens"}
    assert known["learned_at"] == first["completed_at"]
    assert (unknown["refused"], unknown["omitted_by_setting"]) == ({}, ["stream_options"])
    shown = tales("models").out
    assert "max_completion_tokens" in shown
    assert "TALES_OMIT_PARAMETERS" in shown


def test_a_parameter_that_there_is_not_is_refused_by_the_name_of_its_setting(tales: Tales) -> None:
    tales.set(TALES_OMIT_PARAMETERS="top_p")

    ran = tales("models")

    assert ran.status == 1
    assert "TALES_OMIT_PARAMETERS cannot be used" in ran.err


def test_what_is_in_use_and_what_it_cannot_is_said(bare_tales: Tales, tales: Tales, database: Database) -> None:
    assert "In use: sim/ok." in tales("models").out

    bare_tales.set(TALES_DATABASE_URL=database.owner_url, TALES_LLM_BASE_URL="", TALES_MODELS="")
    shown = bare_tales("models").out

    assert "In use: local/smollm2-135m-instruct. It writes English alone, and 10 minutes at most." in shown
    assert "TALES_LOCAL_MODEL=FILE.gguf" in shown
    for name, settings in SERVERS:
        assert name in shown
        assert settings in shown


@pytest.mark.parametrize("settings", [settings for _, settings in SERVERS])
def test_the_settings_for_each_server_are_some_that_work(settings: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in settings.split():
        monkeypatch.setenv(*variable.split("=", 1))
    read = load_settings()

    choice = choose_provider(
        openrouter_api_key=read.openrouter_api_key,
        llm_base_url=read.llm_base_url,
        llm_api_key=read.llm_api_key,
        local_model=read.local_model,
        models=read.models,
    )

    assert choice.endpoint is not None
    assert not choice.endpoint.lacks_version


def test_a_larger_file_writes_slower_and_more_cores_faster() -> None:
    assert words_a_second(8.0, 4) < words_a_second(1.0, 4) < words_a_second(1.0, 8)
