"""What the service writes of children, heroes and stories, at the bounds of what the domain permits."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

from tales.domain.family import (
    MAX_AGE,
    MAX_APPEARANCE,
    MAX_INTEREST,
    MAX_INTERESTS,
    MAX_NAME,
    NewChild,
    NewHero,
)
from tales.domain.generation import AttemptId, AttemptOutcome, AttemptRequest, Status
from tales.domain.repositories.attempt_queue import AttemptResult, StoryText
from tales.domain.story_spec import MAX_MORAL, StoryType
from tales.domain.titles import MAX_TITLE
from tales.infrastructure.queue.attempt_rows import enqueued, request_row, result_row

Values = dict[str, object]

# Four bytes each, and no letter of any alphabet.
_WIDE = "\N{DRAGON FACE}"
_LONG_STORY = 100_000
"""Characters; there is no limit, and no model writes a longer one."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One row: what it is, in words, and what the service writes of it beside ids."""

    what: str
    values: Values


def characters() -> dict[str, tuple[Sample, ...]]:
    """By table: what is added, in order. The first ones stay for stories to be about."""
    shy, proud = NewChild("M", 0), NewChild(_WIDE * MAX_NAME, MAX_AGE, _interests(), _WIDE * MAX_NAME)
    plain, splendid = NewHero("M"), NewHero(_WIDE * MAX_NAME, _WIDE * MAX_APPEARANCE)
    return {
        "children": (
            Sample("a child of whom only the name is said", _columns(shy)),
            Sample("a child with the longest values", _columns(proud)),
            Sample("a second child of the same name in a family", _columns(shy)),
        ),
        "heroes": (
            Sample("a hero of whom only the name is said", _columns(plain)),
            Sample("a hero with the longest values", _columns(splendid)),
            Sample("a second hero of the same name in a family", _columns(plain)),
        ),
    }


def stories() -> tuple[Sample, ...]:
    """Which stories are added, in order; the second is about a child and a hero."""
    short: Values = {"title": "M", "content": "Once upon a time."}
    return (
        Sample("a story with the shortest title and text", short),
        Sample("a story with the longest title and text", {"title": _WIDE * MAX_TITLE, "content": _long_story()}),
        Sample("a second story of the same title in a family", short),
    )


CHANGES: dict[str, Values] = {
    "children": {"name": "Noa", "age": 9, "gender": None},
    "heroes": {"name": "Noa", "appearance": "a silver cape"},
    "stories": {"title": "Noa", "rating": 10},
}
"""What a family changes of the first of each."""

OLD_COLUMNS: Values = {
    "model_used": "openai/gpt-4o-mini",
    "full_response": "{}",
    "generation_info": "{}",
    "story_type": "child",
    "story_length": 5,
    "moral": "kindness",
    "hero_appearance": "a silver cape",
    "relationship_description": "old friends",
}
"""What the old application writes into the columns that 017 drops, so that they refuse nothing before."""


def generation(user: UUID, story: UUID, sample: Sample, child: UUID | None, hero: UUID | None) -> tuple[str, str]:
    """The attempt that writes a story, as `tales.enqueue_attempts` takes it, and its end for `finish_attempts`."""
    worker, now = uuid4(), datetime.now(UTC)
    request = AttemptRequest(
        id=AttemptId(uuid4(), 1),
        user_id=user,
        model_used="openai/gpt-4o-mini",
        prompt="Tell a story.",
        prompt_version="check",
        # No worker takes anything out of it, also if it could be seen.
        queue=f"check-{worker}",
        story_type=StoryType.COMBINED if child and hero else StoryType.HERO if hero else StoryType.CHILD,
        moral=_WIDE * MAX_MORAL,
        child_id=child,
        hero_id=hero,
    )
    claims = json.dumps({"sub": str(user), "role": "authenticated", "app_metadata": {}})
    asked = request_row(request) | {"claims": claims, "session_id": None, "worker_id": str(worker)}
    result = AttemptResult(
        enqueued(request, now, worker),
        AttemptOutcome(status=Status.SUCCESS, full_response={"model": "check"}),
        StoryText(story, str(sample.values["title"]), str(sample.values["content"])),
    )
    return json.dumps([asked]), json.dumps([result_row(result, now)])


def _columns(new: NewChild | NewHero) -> Values:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(new).items()}


def _interests() -> tuple[str, ...]:
    return (_WIDE * MAX_INTEREST,) * MAX_INTERESTS


def _long_story() -> str:
    """Words that do not repeat themselves: what can be compressed would fit into an index that refuses a story."""
    digest, words = b"", list[str]()
    while len(words) * 9 < _LONG_STORY:
        digest = hashlib.sha256(digest).digest()
        text = digest.hex()
        words += [text[at : at + 8] for at in range(0, len(text), 8)]
    return " ".join(words)[:_LONG_STORY].rstrip()
