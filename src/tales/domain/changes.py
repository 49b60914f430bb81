"""What admins and operators have changed: rows of the change log, and what one is looked for by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from tales.domain.generation import Json

Row = Mapping[str, Json]

# What a row is known by, and what follows from something else in it.
_NO_CHANGE = frozenset({"id", "updated_at", "created_at", "activated_at", "retired_at", "set_at"})


class Relation(StrEnum):
    """What is changed, by the name of its table."""

    BUDGETS = "budgets"
    PRICES = "prices"
    GOALS = "prompt_goals"
    PROMPTS = "prompt_templates"


class Action(StrEnum):
    """What was done with a row."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A row as it was `before` and `after`; None where there was none.

    `changed_by` is the admin; None is the operator, at the server, or the service itself.
    """

    id: UUID
    changed_at: datetime
    changed_by: UUID | None
    relation: Relation
    before: Row | None
    after: Row | None

    @property
    def action(self) -> Action:
        """Whether the row came, changed or went."""
        if self.before is None:
            return Action.ADDED
        return Action.REMOVED if self.after is None else Action.CHANGED

    @property
    def row(self) -> Row:
        """The row as it is since, or as it was last."""
        return self.after or self.before or {}

    @property
    def differences(self) -> dict[str, tuple[Json, Json]]:
        """What differs of it, before and after. Of a row that came or went all that it says."""
        before, after = self.before or {}, self.after or {}
        names = [name for name in self.row if name not in _NO_CHANGE]
        return {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}

    @property
    def subject(self) -> str:
        """What the row is about, in the words of its own columns."""
        row = self.row
        match self.relation:
            case Relation.BUDGETS:
                of = row.get("model") or row.get("user_id")
                return f"{row.get('scope')}{f' {of}' if of else ''}, {row.get('period')}"
            case Relation.PRICES:
                return str(row.get("model"))
            case Relation.GOALS:
                return f"{row.get('story_type')}-{row.get('language')}"
            case Relation.PROMPTS:
                return str(row.get("version"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeFilter:
    """What changes have in common; None does not matter. `by_operator`: those that no admin made."""

    relation: Relation | None = None
    changed_by: UUID | None = None
    by_operator: bool = False
    changed_after: datetime | None = None
    changed_before: datetime | None = None


ANY_CHANGE = ChangeFilter()
