"""How many of the local model's stories are accepted, with the prompt of this checkout.

Usage: python -m benchmarks.bench_acceptance [--calls N]

The options are the same in every run, so that two versions of the prompt can be compared. The model is not: it draws
its words, so of 30 calls a difference of two or three says nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections import Counter
from datetime import UTC, datetime
from itertools import cycle, islice
from uuid import UUID

from tales.application.ports import ModelCall, ModelProvider
from tales.domain.failures import Failure
from tales.domain.family import Child, Hero
from tales.domain.parsed_story import count_words, parse_story
from tales.domain.prompt import PROMPT_VERSION, write_prompt
from tales.domain.story_spec import StorySpec, StoryType
from tales.infrastructure.clock import SystemClock
from tales.infrastructure.providers.choice import choose_provider, open_provider
from tales.infrastructure.providers.endpoint import Limits

_ID = UUID(int=1)
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_CHILDREN = (
    Child(_ID, _ID, "Mia", 6, ("dragons",), "girl", _NOW, 1),
    Child(_ID, _ID, "Tom", 4, ("trains", "the moon"), None, _NOW, 1),
    Child(_ID, _ID, "Zoë-Ann O’Hara", 8, ("football", "baking bread", "owls"), "girl", _NOW, 1),
    Child(_ID, _ID, "Ali", 5, (), "boy", _NOW, 1),
    Child(_ID, _ID, 'Theodora "Teddy" Bell', 9, ("volcanoes",), None, _NOW, 1),
)
_HEROES = (
    Hero(_ID, _ID, "Captain Moon", "a silver cape and a round helmet", _NOW, 1),
    Hero(_ID, _ID, "Captain Owl", None, _NOW, 1),
)
_MORALS = ("kindness", "courage", "it is good to share", "to tell the truth", "patience")


def briefs() -> list[StorySpec]:
    """MigrationOptions as families have them: most about a child, some about a hero, some about both."""
    found = [
        StorySpec(StoryType.CHILD, moral, child, story_length=minutes)
        for child, moral, minutes in zip(cycle(_CHILDREN), _MORALS * 2, (1, 2, 3) * 4, strict=False)
    ]
    for hero, child, moral in zip(cycle(_HEROES), _CHILDREN, _MORALS, strict=False):
        found.append(StorySpec(StoryType.COMBINED, moral, child, hero, "best friends", story_length=2))
    found += [StorySpec(StoryType.HERO, moral, hero=hero, story_length=2) for hero in _HEROES for moral in _MORALS]
    return found


async def measure(calls: int) -> None:
    """Make the calls one after the other, and say what came of them."""
    choice = choose_provider(openrouter_api_key=None, llm_base_url=None, llm_api_key=None, local_model=None, models=())
    outcomes: Counter[str] = Counter()
    seconds, words = [], []
    async with open_provider(choice, Limits(), SystemClock()) as provider:
        for spec in islice(cycle(briefs()), calls):
            begun = time.monotonic()
            outcome, length = await _write(provider, choice.models[0], spec)
            seconds.append(time.monotonic() - begun)
            words.append(length)
            outcomes[outcome] += 1
    accepted = outcomes.pop("accepted", 0)
    print(f"{PROMPT_VERSION}: {accepted} of {calls} accepted ({accepted / calls:.0%}); otherwise {dict(outcomes)}")
    print(f"median {statistics.median(seconds):.1f} s and {statistics.median(words):.0f} words a story")


async def _write(provider: ModelProvider, model: str, spec: StorySpec) -> tuple[str, int]:
    def no_id(_: str) -> None: ...

    call = ModelCall(model, write_prompt(spec), spec.minutes)
    answer = await provider.complete(call, no_id, lambda _: None)
    result = answer.failure or parse_story(answer.text, answer.finish_reason, spec.minutes)
    return (str(result.kind) if isinstance(result, Failure) else "accepted"), count_words(answer.text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=30)
    asyncio.run(measure(parser.parse_args().calls))
