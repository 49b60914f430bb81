"""Which provider writes the stories, by what the operator has set."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from tales.application.ports import Clock, ModelProvider
from tales.domain.abilities import EVERYTHING, SMALL_MODEL, Abilities
from tales.domain.budgets import FREE_QUEUE
from tales.domain.errors import InvalidInput
from tales.domain.failures import CHECKED_KINDS, FailureKind
from tales.infrastructure.providers.endpoint import Endpoint, Limits, SettingNames
from tales.infrastructure.providers.local_model import local_model_name, running_local_model
from tales.infrastructure.providers.local_model_provider import LocalModelProvider
from tales.infrastructure.providers.openai_client import OpenAiCompatibleProvider
from tales.infrastructure.providers.parameters import ParameterMemory
from tales.infrastructure.providers.proxies import proxy_for

OPENROUTER = "openrouter"
OPENROUTER_URL = "https://openrouter.ai/api/v1"
OPENROUTER_MODELS = (
    "openai/gpt-4o-mini",
    "google/gemini-2.5-flash-lite",
    "mistralai/mistral-small-3.2-24b-instruct",
)

REMOTE_CONCURRENCY = 16
LOCAL_CONCURRENCY = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderChoice:
    """A provider by name, and the models to ask, the first one first.

    `endpoint` is None for the local model, which gets one when it runs; `local_model` is its file, if not the one
    that comes along. `concurrency` is how many calls a worker makes at a time, unless the operator says otherwise.
    `abilities` are what its models can be asked for.
    """

    name: str
    models: tuple[str, ...]
    concurrency: int
    endpoint: Endpoint | None = None
    local_model: Path | None = None
    abilities: Abilities = EVERYTHING

    @property
    def story_checks(self) -> tuple[FailureKind, ...]:
        """What its stories are held against where the operator does not say (decision 45)."""
        return CHECKED_KINDS if self.abilities is SMALL_MODEL else (FailureKind.UNSUITABLE,)


def choose_provider(
    *,
    openrouter_api_key: SecretStr | None,
    llm_base_url: str | None,
    llm_api_key: SecretStr | None,
    local_model: Path | None,
    models: tuple[str, ...],
) -> ProviderChoice:
    """TALES_LLM_BASE_URL if there is one, else OpenRouter if there is a key for it, else the model on this machine.

    Raises: InvalidInput.
    """
    if llm_base_url is not None:
        if not models:
            raise InvalidInput("TALES_MODELS", "TALES_LLM_BASE_URL needs TALES_MODELS: say which models to ask.")
        key = "TALES_LLM_API_KEY"
        names = SettingNames("TALES_LLM_BASE_URL", key if llm_api_key else None, key, "TALES_MODELS")
        return ProviderChoice(
            name=urlsplit(llm_base_url).netloc,
            models=models,
            concurrency=REMOTE_CONCURRENCY,
            endpoint=_endpoint(llm_base_url, llm_api_key, names),
        )
    if openrouter_api_key is not None:
        names = SettingNames(key="OPENROUTER_API_KEY", models="TALES_MODELS" if models else None)
        return ProviderChoice(
            name=OPENROUTER,
            models=models or OPENROUTER_MODELS,
            concurrency=REMOTE_CONCURRENCY,
            endpoint=_endpoint(OPENROUTER_URL, openrouter_api_key, names),
        )
    own = local_model_name(local_model)
    if strange := [model for model in models if model != own]:
        raise InvalidInput(
            "TALES_MODELS",
            f"TALES_MODELS names {strange[0]}, and no provider is set that has it. Set OPENROUTER_API_KEY or "
            f"TALES_LLM_BASE_URL; or unset TALES_MODELS, and {own} on this machine writes.",
        )
    return ProviderChoice(
        name=FREE_QUEUE,
        models=(own,),
        concurrency=LOCAL_CONCURRENCY,
        local_model=local_model,
        abilities=SMALL_MODEL if local_model is None else EVERYTHING,
    )


def through_proxy(choice: ProviderChoice) -> ProviderChoice:
    """`choice`, its calls through the proxy that the environment names; the local model needs none.

    Raises: InvalidInput.
    """
    if choice.endpoint is None:
        return choice
    try:
        return replace(choice, endpoint=replace(choice.endpoint, proxy=proxy_for(choice.endpoint.base_url)))
    except ValueError as error:
        raise InvalidInput("TALES_USE_PROXY", f"TALES_USE_PROXY cannot be used: {error}") from None


def _endpoint(base_url: str, key: SecretStr | None, names: SettingNames) -> Endpoint:
    try:
        return Endpoint(base_url, key.get_secret_value() if key else None, names=names)
    except ValueError as error:
        setting = names.address or names.key or ""
        raise InvalidInput(setting, f"{setting} cannot be used: {error}") from None


@asynccontextmanager
async def open_provider(
    choice: ProviderChoice, limits: Limits, clock: Clock, parameters: ParameterMemory | None = None
) -> AsyncIterator[ModelProvider]:
    """The provider, ready to be called; the local model is loaded, and kept running while the body does."""
    if choice.endpoint is not None:
        async with OpenAiCompatibleProvider(choice.endpoint, limits, clock, parameters) as remote:
            yield remote
    else:
        start = partial(running_local_model, choice.local_model)
        async with LocalModelProvider(start, limits, clock) as local:
            yield local
