"""Stories of the small model for requests as families make them: how many are some, how long they take, how they read.

Usage: python -m benchmarks.bench_stories [--stories 100] [--seed 1] [--print 20] [--page docs/stories.md]

A request is written as the service writes it: up to three attempts, each held against the rules. With `--page`, so many
stories as `--print` says, drawn by the seed, are written whole into the page between its two marks.
Beside seconds of the clock it tells those of the processor, which other work on the machine changes less.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import resource
import statistics
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from tales.application.ports import ModelAnswer, ModelCall, ModelProvider
from tales.domain.arcs.prompt import ARC_PROMPT_VERSION, write_arc_prompt
from tales.domain.failures import CHECKED_KINDS, Failure
from tales.domain.family import Child, Hero
from tales.domain.parsed_story import ParsedStory, count_words, parse_story
from tales.domain.prompt import read_prompt
from tales.domain.story_rules import Asked, StoryCheck
from tales.domain.story_spec import StorySpec, StoryType
from tales.infrastructure.clock import SystemClock
from tales.infrastructure.providers.choice import choose_provider, open_provider
from tales.infrastructure.providers.endpoint import Limits
from tales.infrastructure.stories.languages import LanguageDetector
from tales.infrastructure.stories.words import UnsuitableWords

ATTEMPTS = 3
BEGIN, END = "<!-- stories -->\n", "<!-- end of stories -->"
_ID = UUID(int=1)
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_NAMES = (
    *(
        ("Mia", "girl"),
        ("Tom", "boy"),
        ("Ada", "girl"),
        ("Leo", "boy"),
        ("Noor", None),
        ("Emil", "boy"),
        ("Zoë", "girl"),
    ),
    *(("Finn", "boy"), ("Aisha", "girl"), ("Ben", "boy"), ("Clara", "girl"), ("Kofi", "boy"), ("Lina", "girl")),
    *(("Oskar", "boy"), ("Ruby", None), ("Yusuf", "boy"), ("Ivy", "girl"), ("Mateo", "boy"), ("Hana", "girl")),
    *(("Theodora", None), ("Anna-Lena", "girl"), ("D'Arcy", "boy"), ("Jo", None)),
)
_LIKES = (
    *("dragons", "trains", "the sea", "football", "baking bread", "owls", "drawing", "space", "cats", "puddles"),
    *("music", "building towers", "dinosaurs", "flowers", "swimming"),
)
_HEROES = (
    ("Captain Owl", "a small owl with a red scarf"),
    ("Captain Moon", "a silver cape and a round helmet"),
    ("Sir Button", "a knight no taller than a cup"),
    ("Luna the Fox", None),
    ("Old Bramble", "a bear with a patched green coat"),
)
_RELATIONSHIPS = ("best friends", "neighbours", "they met on a rainy day", "a child and her night guard")
_MORALS = (
    *("kindness", "courage", "it is good to share", "telling the truth", "patience", "it is fine to be afraid"),
    *("friends help each other", "saying sorry", "taking care of small things", "never give up", "listening to others"),
    *(
        "being thankful",
        "it is good to be different",
        "asking questions",
        "families stay together",
        "everybody needs rest",
    ),
    "big things begin small",
)


@dataclass(frozen=True, slots=True)
class Written:
    """What came of one request: the story, or None, after so many seconds and attempts."""

    spec: StorySpec
    story: ParsedStory | None
    seconds: float
    attempts: int
    refusals: tuple[str, ...]


def requests(count: int, seed: int) -> list[tuple[UUID, StorySpec]]:
    """So many different requests, with the ids of their generations."""
    draw = random.Random(seed)
    return [(UUID(int=draw.getrandbits(128)), _spec(draw, number)) for number in range(count)]


def _spec(draw: random.Random, number: int) -> StorySpec:
    story_type = list(StoryType)[number % 3]
    likes = tuple(draw.sample(_LIKES, draw.randint(0, 2)))
    child_name, gender = draw.choice(_NAMES)
    child = Child(_ID, _ID, child_name, draw.randint(3, 9), likes, gender, _NOW, 1)
    name, looks = draw.choice(_HEROES)
    is_both = story_type is StoryType.COMBINED
    return StorySpec(
        story_type,
        draw.choice(_MORALS),
        child if story_type is not StoryType.HERO else None,
        Hero(_ID, _ID, name, looks, _NOW, 1) if story_type is not StoryType.CHILD else None,
        draw.choice(_RELATIONSHIPS) if is_both else None,
        story_length=draw.randint(1, 3),
    )


async def write(provider: ModelProvider, model: str, check: StoryCheck, id_: UUID, spec: StorySpec) -> Written:
    """One request, until it is a story or has no attempt left."""
    prompt = write_arc_prompt(spec, id_)
    parts = read_prompt(prompt)
    asked = Asked(spec.language, spec.story_length, parts.names, "", parts.family_words)
    begun = time.monotonic()
    refusals: list[str] = []
    for attempt in range(1, ATTEMPTS + 1):
        answer = await provider.complete(ModelCall(model, prompt, spec.minutes), lambda _: None, lambda _: None)
        read = _read(answer, spec, check, asked)
        if isinstance(read, ParsedStory):
            return Written(spec, read, time.monotonic() - begun, attempt, tuple(refusals))
        refusals.append(str(read.kind))
    return Written(spec, None, time.monotonic() - begun, ATTEMPTS, tuple(refusals))


def _read(answer: ModelAnswer, spec: StorySpec, check: StoryCheck, asked: Asked) -> ParsedStory | Failure:
    if answer.failure is not None:
        return answer.failure
    read = parse_story(answer.text, answer.finish_reason, spec.minutes)
    return check(read, asked) or read if isinstance(read, ParsedStory) else read


async def measure(count: int, seed: int) -> tuple[list[Written], float]:
    """Write them one after the other, as a family at a laptop does; with the model's seconds of processor for each."""
    choice = choose_provider(openrouter_api_key=None, llm_base_url=None, llm_api_key=None, local_model=None, models=())
    check = StoryCheck(LanguageDetector().speaks, UnsuitableWords().are_in)
    written = []
    async with open_provider(choice, Limits(), SystemClock()) as provider:
        for id_, spec in requests(count, seed):
            written.append(await write(provider, choice.models[0], check, id_, spec))
            print(".", end="", flush=True)
    print()
    # The model's process has ended, so its time is counted among that of the children.
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return written, (used.ru_utime + used.ru_stime) / count


def report(written: list[Written], processor: float) -> str:
    """The figures, in lines."""
    stories = [one for one in written if one.story is not None]
    seconds = sorted(one.seconds for one in written)
    p95 = seconds[min(len(seconds) - 1, int(len(seconds) * 0.95))]
    refused = Counter({str(kind): 0 for kind in CHECKED_KINDS})
    refused.update(kind for one in written for kind in one.refusals)
    firsts = sum(one.attempts == 1 for one in stories)
    words = [count_words(one.story.text) / (130 * one.spec.minutes) for one in stories if one.story]
    return (
        f"{ARC_PROMPT_VERSION}: {len(stories)} of {len(written)} became stories, {firsts} at the first attempt.\n"
        f"Median {statistics.median(seconds):.1f} s, p95 {p95:.1f} s; {processor:.1f} s of processor for each.\n"
        f"Of the words asked for: {min(words):.0%} to {max(words):.0%}, median {statistics.median(words):.0%}.\n"
        f"Refused, by rule: {', '.join(f'{kind} {count}' for kind, count in refused.items())}."
    )


def shown(one: Written, number: int) -> str:
    """One story whole, and what was asked for."""
    spec, story = one.spec, one.story
    assert story is not None
    who = " and ".join(someone.name for someone in (spec.child, spec.hero) if someone)
    age = f", {spec.child.age} years" if spec.child else ""
    text = "\n".join(f"> {line}".rstrip() for line in [f"**{story.title}**", "", *story.text.split("\n")])
    return f"### {number}. {who}{age}; {spec.moral}; {spec.minutes} min\n\n{text}\n"


def main() -> None:
    """Measure, print, and write the page where one is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stories", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--print", type=int, default=20, dest="count")
    parser.add_argument("--page", type=Path)
    options = parser.parse_args()
    written, processor = asyncio.run(measure(options.stories, options.seed))
    figures = report(written, processor)
    told = [one for one in written if one.story]
    drawn = random.Random(options.seed).sample(told, min(options.count, len(told)))
    texts = "\n".join(shown(one, number) for number, one in enumerate(drawn, 1))
    print(f"{figures}\n\n{texts}")
    if options.page:
        before, _, rest = options.page.read_text(encoding="utf-8").partition(BEGIN)
        after = rest.partition(END)[2]
        options.page.write_text(f"{before}{BEGIN}\n{figures}\n\n{texts}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
