"""Valid things of the domain; a test names only what it is about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from tales.domain.family import Child, Hero
from tales.domain.generation import Attempt, AttemptId, Generation, Origin, Status
from tales.domain.story_spec import StorySpec, StoryType

GENERATION_ID = UUID("01890000-0000-7000-8000-000000000001")
USER_ID = UUID("01890000-0000-7000-8000-000000000002")
CHILD_ID = UUID("01890000-0000-7000-8000-000000000003")
HERO_ID = UUID("01890000-0000-7000-8000-000000000004")
STRANGER_ID = UUID("01890000-0000-7000-8000-000000000005")
NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def make_child(**changes: Any) -> Child:
    mia = Child(CHILD_ID, USER_ID, "Mia", 6, ("dragons", "the moon"), None, NOW, 1)
    return replace(mia, **changes)


def make_hero(**changes: Any) -> Hero:
    fox = Hero(HERO_ID, USER_ID, "Captain Fox", "a fox in a red coat", NOW, 1)
    return replace(fox, **changes)


def make_spec(**changes: Any) -> StorySpec:
    """A spec with everything in it; nobody but the caller keeps its type and its cast together."""
    fields: dict[str, Any] = {
        "story_type": StoryType.COMBINED,
        "moral": "kindness",
        "child": make_child(),
        "hero": make_hero(),
        "relationship_description": "best friends",
        "story_length": 3,
    }
    return StorySpec(**fields | changes)


def make_attempt(number: int = 1, status: Status = Status.PENDING, **changes: Any) -> Attempt:
    attempt = Attempt(
        id=AttemptId(GENERATION_ID, number),
        user_id=USER_ID,
        model_used="a/one",
        status=status,
        origin=Origin.LIVE,
        story_type=StoryType.COMBINED,
        moral="kindness",
        created_at=NOW,
        prompt="Write a story.",
        prompt_version="test-1",
        language="en",
        story_length=3,
        hero_appearance="a fox in a red coat",
        relationship_description="best friends",
        child_id=CHILD_ID,
        hero_id=HERO_ID,
    )
    return replace(attempt, **changes)


def make_generation(*statuses: Status) -> Generation:
    """A generation whose attempts stand so, in this order."""
    attempts = (make_attempt(number, status) for number, status in enumerate(statuses, start=1))
    return Generation(GENERATION_ID, USER_ID, tuple(attempts))


def words(count: int, word: str = "moon") -> str:
    return " ".join([word] * count)
