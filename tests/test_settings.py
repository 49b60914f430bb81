"""Settings come from the environment, and a wrong one is named."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from tales.domain.errors import InvalidInput
from tales.domain.failures import CHECKED_KINDS
from tales.domain.model_parameters import PARAMETERS
from tales.settings import Parameter, StoryCheckName, load_settings


def test_nothing_needs_to_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")

    settings = load_settings()

    assert settings.home == Path("/home/ada/.tales")
    assert (settings.database_url, settings.openrouter_api_key, settings.models) == (None, None, ())
    assert settings.max_attempts == 3


def test_an_empty_variable_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", "")
    monkeypatch.setenv("TALES_MODELS", "")
    monkeypatch.setenv("TALES_DATABASE_URL", "")

    settings = load_settings()

    assert (settings.openrouter_api_key, settings.models, settings.database_url) == (None, (), None)


def test_the_chain_of_models_is_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALES_MODELS", "openai/gpt-4o-mini, sim/500-500-ok ,")

    assert load_settings().models == ("openai/gpt-4o-mini", "sim/500-500-ok")


@pytest.mark.parametrize(
    "origin", ["https://app.example.org", "http://localhost:5173", "http://[::1]:8080", "capacitor://localhost", "*"]
)
def test_other_sites_are_named_as_browsers_name_them(monkeypatch: pytest.MonkeyPatch, origin: str) -> None:
    monkeypatch.setenv("TALES_CORS_ORIGINS", f"https://one.example, {origin}")

    assert load_settings().cors_origins == ("https://one.example", origin)


def test_a_tilde_is_the_users_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("TALES_HOME", "~/stories")

    assert load_settings().home == Path("/home/ada/stories")


def test_a_transaction_pooler_is_known_by_the_queues_own_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALES_QUEUE_DATABASE_URL", "postgresql://direct/tales")

    assert load_settings().behind_pooler


def test_keys_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-canary")
    monkeypatch.setenv("TALES_LLM_API_KEY", "sk-canary")
    monkeypatch.setenv("TALES_JWT_SECRET", "sk-canary-sk-canary-sk-canary-sk-canary")

    assert "canary" not in repr(load_settings())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TALES_MAX_ATTEMPTS", "0"),
        ("TALES_MAX_ATTEMPTS", "three"),
        ("TALES_ATTEMPT_TIMEOUT", "0"),
        ("TALES_ATTEMPT_DEADLINE", "soon"),
        ("TALES_CONCURRENCY", "-1"),
        ("TALES_JWT_SECRET", "sk-canary"),
        ("TALES_LLM_BASE_URL", "ftp://canary"),
        ("TALES_LOG_LEVEL", "canary"),
        ("TALES_CORS_ORIGINS", "canary.example"),
        ("TALES_CORS_ORIGINS", "https://app.example.org/"),
        ("TALES_CORS_ORIGINS", "https://app.example.org, https://*.example.org"),
        ("TALES_MAX_BODY_BYTES", "100"),
        ("TALES_MAX_BODY_BYTES", "64k"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_not_repeated(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(InvalidInput) as caught:
        load_settings()

    assert caught.value.field == name
    assert caught.value.message.startswith(f"{name} cannot be used: ")
    assert "sk-canary" not in caught.value.message


def test_the_parameters_that_can_be_left_out_are_those_of_a_request() -> None:
    assert get_args(Parameter) == PARAMETERS


def test_the_checks_of_stories_are_those_of_the_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    assert get_args(StoryCheckName) == CHECKED_KINDS
    assert load_settings().story_checks is None
    for given, expected in (("loop, echo", ("loop", "echo")), ("none", ()), ("all", CHECKED_KINDS)):
        monkeypatch.setenv("TALES_STORY_CHECKS", given)
        assert load_settings().story_checks == expected
    monkeypatch.setenv("TALES_STORY_CHECKS", "spelling")
    with pytest.raises(InvalidInput, match="TALES_STORY_CHECKS cannot be used"):
        load_settings()
