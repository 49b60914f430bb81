"""What a legacy database shall hold, and what it then holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum

from benchmarks.legacy.languages import LANGUAGES

RARE = frozenset({"huge_text"})
"""Kinds that come a hundred times less often than the others when all are asked for: 1 MB a row."""


class Profile(StrEnum):
    """How long texts and responses are."""

    SHORT = "short"
    REALISTIC = "realistic"


class Extras(StrEnum):
    """What a real legacy database has beside the specification's columns: the files in `extras_sql/`."""

    COLUMNS = "columns"
    DEPENDENTS = "dependents"
    STRICT = "strict"
    OPEN = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Nastiness:
    """For each kind of nasty row, the share of stories (0 to 1) that are of it; a story can be of several kinds.

    `KINDS` (in `census`) says in SQL what each kind is.
    """

    null_model_used: float = 0
    null_moral: float = 0
    null_full_response: float = 0
    null_generation_info: float = 0
    null_story_length: float = 0
    null_hero_appearance: float = 0
    null_relationship_description: float = 0
    null_child_id: float = 0
    null_hero_id: float = 0
    null_created_at: float = 0
    null_updated_at: float = 0
    null_rating: float = 0
    orphan: float = 0
    empty_text: float = 0
    odd_text: float = 0
    huge_text: float = 0
    bad_length: float = 0
    unknown_type: float = 0
    far_time: float = 0
    json_escapes: float = 0
    json_deep: float = 0
    json_numbers: float = 0
    json_usage: float = 0
    json_no_object: float = 0
    json_null: float = 0
    duplicate_time: float = 0
    """In blocks of rows that follow each other and share one created_at."""
    null_story_type: float = 0
    """The column forbids it: above 0, its NOT NULL is dropped first."""

    @classmethod
    def each(cls, share: float) -> Nastiness:
        """Every kind that the schema of 014 allows, each with this share (the rare ones with a hundredth)."""
        return cls(**{kind: share / 100 if kind in RARE else share for kind in _allowed()})

    @classmethod
    def spread(cls, share: float) -> Nastiness:
        """About this share of all stories is nasty, of one kind or the other."""
        if not 0 <= share <= 1:
            raise ValueError(f"The share of nasty rows is from 0 to 1, not {share}.")
        return cls.each(share / len(_allowed()))

    def shares(self) -> dict[str, float]:
        """The share of each kind, by name."""
        return {kind: getattr(self, kind) for kind in kinds()}

    def __post_init__(self) -> None:
        for kind, share in self.shares().items():
            if not 0 <= share <= 1:
                raise ValueError(f"{kind} is a share from 0 to 1, not {share}.")


def kinds() -> tuple[str, ...]:
    """The names of all kinds of nasty rows."""
    return tuple(f.name for f in fields(Nastiness))


def _allowed() -> list[str]:
    return [kind for kind in kinds() if kind != "null_story_type"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyPlan:
    """A legacy database, wholly settled by these values: the same plan gives the same rows, byte for byte."""

    rows: int
    seed: int = 0
    users: int | None = None
    """Families; by default one for 40 stories."""
    skew: float = 0.6
    """How uneven stories are spread over families: 0 is even, and the more, the more the first ones have. Below 1."""
    profile: Profile = Profile.REALISTIC
    nastiness: Nastiness = field(default_factory=lambda: Nastiness.spread(0.02))
    languages: tuple[str, ...] = tuple(LANGUAGES)
    extras: frozenset[Extras] = frozenset()
    block: int = 200
    """The most rows that share one created_at."""
    huge_bytes: int = 1_000_000
    """The length of a very long text, in bytes, at least."""

    def __post_init__(self) -> None:
        if self.rows < 0 or self.families < 1:
            raise ValueError("A plan has no negative number of rows, and at least one family.")
        if not 0 <= self.skew < 1:
            raise ValueError(f"The skew is at least 0 and below 1, not {self.skew}.")
        if unknown := set(self.languages) - set(LANGUAGES):
            raise ValueError(f"There is no text in {', '.join(sorted(unknown))}. There is in {', '.join(LANGUAGES)}.")
        if not self.languages:
            raise ValueError(f"Name a language at least: {', '.join(LANGUAGES)}.")

    @property
    def families(self) -> int:
        """How many users there are."""
        return max(1, self.rows // 40) if self.users is None else self.users


@dataclass(frozen=True, slots=True)
class LegacyCounts:
    """What was written. `kinds` counts, for each kind of nasty row, what its condition in SQL counts."""

    stories: int
    users: int
    children: int
    heroes: int
    kinds: Mapping[str, int]
    sent: int
    """Bytes of stories that went to the server through COPY."""
