"""The provider that writes here: its models, what calls have cost, and what it charges."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from tales.administration.transactions import open_transactions
from tales.application.prices import take_over
from tales.domain.errors import InvalidInput
from tales.domain.model_parameters import KnownModel
from tales.domain.prices import Price
from tales.infrastructure.providers.choice import ProviderChoice, choose_provider, through_proxy
from tales.infrastructure.providers.cost_lookup import CostLookup
from tales.infrastructure.repositories.model_parameters import ModelParameters
from tales.infrastructure.repositories.unknown_costs import Reconciled, UnknownCosts
from tales.settings import Settings


def chosen_provider(settings: Settings) -> ProviderChoice:
    """Which provider writes here, by what is set. Raises: InvalidInput."""
    choice = choose_provider(
        openrouter_api_key=settings.openrouter_api_key,
        llm_base_url=settings.llm_base_url,
        llm_api_key=settings.llm_api_key,
        local_model=settings.local_model,
        models=settings.models,
    )
    return through_proxy(choice) if settings.use_proxy else choice


async def list_models(settings: Settings) -> tuple[KnownModel, ...]:
    """The fallback chain of this machine's provider, then the other models that have refused something."""
    choice = chosen_provider(settings)
    async with open_transactions(settings) as transactions:
        known = {(model.provider, model.model): model for model in await ModelParameters(transactions).known()}
    chain = [known.pop((choice.name, name), KnownModel(choice.name, name, {})) for name in choice.models]
    return (*chain, *known.values())


async def reconcile_costs(
    settings: Settings, since: datetime, rate: float, report: Callable[[int], None]
) -> Reconciled:
    """Ask this machine's provider for the unknown costs since then, at most `rate` a second.

    Raises: InvalidInput where the provider is the local model, Unavailable when it does not answer.
    """
    choice = chosen_provider(settings)
    if choice.endpoint is None:
        raise InvalidInput("TALES_LLM_BASE_URL", "The model on this machine costs nothing that anybody could tell.")
    async with open_transactions(settings) as transactions, CostLookup(choice.endpoint) as lookup:
        return await UnknownCosts(transactions, choice.name).reconcile(lookup.cost, since, rate, report)


async def pull_prices(settings: Settings, *, replace: bool) -> tuple[tuple[Price, ...], int]:
    """Take over what the models of this machine's provider charge; the new prices, and how many set ones differ.

    Raises: InvalidInput where the provider has no price list, Unavailable when it does not answer.
    """
    choice = chosen_provider(settings)
    if choice.endpoint is None:
        raise InvalidInput("TALES_LLM_BASE_URL", "The model on this machine has no price list.")
    now = datetime.now(UTC)
    async with CostLookup(choice.endpoint) as lookup:
        offered = await lookup.prices(now)
    if not offered:
        raise InvalidInput("TALES_LLM_BASE_URL", "The provider's list of models has no prices. Use: tales prices set")
    async with open_transactions(settings) as transactions:
        return await take_over(transactions, offered, now, replace=replace)
