"""Which provider writes the stories."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from tales.domain.errors import InvalidInput
from tales.infrastructure.providers.choice import OPENROUTER_MODELS, OPENROUTER_URL, ProviderChoice, choose_provider

KEY = SecretStr("sk-canary")


def choose(
    openrouter_api_key: SecretStr | None = None,
    llm_base_url: str | None = None,
    llm_api_key: SecretStr | None = None,
    local_model: Path | None = None,
    models: tuple[str, ...] = (),
) -> ProviderChoice:
    return choose_provider(
        openrouter_api_key=openrouter_api_key,
        llm_base_url=llm_base_url,
        llm_api_key=llm_api_key,
        local_model=local_model,
        models=models,
    )


def test_without_a_key_the_model_on_this_machine_writes() -> None:
    choice = choose()

    assert (choice.name, choice.models, choice.endpoint) == ("local", ("local/smollm2-135m-instruct",), None)


def test_a_better_local_model_is_called_by_its_files_name() -> None:
    assert choose(local_model=Path("/models/story-7b.gguf")).models == ("local/story-7b",)


def test_a_key_for_openrouter_is_enough() -> None:
    choice = choose(openrouter_api_key=KEY)

    assert (choice.name, choice.models) == ("openrouter", OPENROUTER_MODELS)
    assert choice.endpoint is not None
    assert (choice.endpoint.base_url, choice.endpoint.api_key) == (OPENROUTER_URL, "sk-canary")


def test_the_operators_chain_of_models_is_used() -> None:
    assert choose(openrouter_api_key=KEY, models=("a/b", "c/d")).models == ("a/b", "c/d")


def test_another_service_goes_before_openrouter_and_never_gets_its_key() -> None:
    choice = choose(openrouter_api_key=KEY, llm_base_url="http://127.0.0.1:11434/v1", models=("llama",))

    assert choice.name == "127.0.0.1:11434"
    assert choice.endpoint is not None
    assert choice.endpoint.api_key is None


def test_another_service_needs_its_models_named() -> None:
    with pytest.raises(InvalidInput) as caught:
        choose(llm_base_url="http://127.0.0.1:11434/v1")

    assert caught.value.field == "TALES_MODELS"


def test_a_key_that_cannot_be_sent_is_refused_by_the_name_of_its_setting_alone() -> None:
    with pytest.raises(InvalidInput) as caught:
        choose(openrouter_api_key=SecretStr("sk-\ncanary-Ω"))

    assert caught.value.field == "OPENROUTER_API_KEY"
    assert "canary" not in caught.value.message


def test_models_that_no_provider_has_are_refused_instead_of_another_writing_in_silence() -> None:
    with pytest.raises(InvalidInput, match="TALES_MODELS names openai/gpt-4o-mini, and no provider is set") as caught:
        choose(models=("openai/gpt-4o-mini",))
    assert caught.value.field == "TALES_MODELS"

    own = choose().models
    assert choose(models=own).models == own
