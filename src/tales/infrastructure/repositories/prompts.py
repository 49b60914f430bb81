"""Prompt templates in `tales.prompt_templates`, and why generations got theirs."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from tales.domain.errors import InvalidInput
from tales.domain.experiments import ChoiceReason, PromptChoice
from tales.domain.generation import Json
from tales.domain.goals import PassedOver
from tales.domain.natural_order import natural_order
from tales.domain.prompt_templates import PromptTemplate, Slot, TemplateState
from tales.domain.repositories.prompts import PromptRepository, PromptsInUse
from tales.domain.story_spec import StoryType
from tales.infrastructure.repositories.goals import current_goals, lock_kind

_log = logging.getLogger(__name__)

# Goals have a statement of their own, where there is one: most operators set none.
_IN_USE = text("""
    select *, exists (select from tales.prompt_goals where ended_at is null) as has_goal
    from tales.prompt_templates where state = 'active' or is_seeded order by version
""")
_GET = text("select * from tales.prompt_templates where version = :version")
_LIST = text("""
    select * from tales.prompt_templates
    where (cast(:story_type as text) is null or story_type = :story_type)
        and (cast(:language as text) is null or language = :language)
        and (cast(:model as text) is null or model = :model)
        and (cast(:state as text) is null or state = :state)
    order by language, story_type, number
""")
_ADD = text("""
    insert into tales.prompt_templates (version, story_type, language, model, number, template, note)
    select format('%s-%s-%s', cast(:story_type as text), cast(:language as text), n.number),
        :story_type, :language, :model, n.number, :template, :note
    from (
        select coalesce(max(number), 0) + 1 as number from tales.prompt_templates
        where story_type = :story_type and language = :language
    ) as n
    returning *
""")
_CHANGE = text("update tales.prompt_templates set template = :template, note = :note where version = :version")
_SET_STATE = text("update tales.prompt_templates set state = :state, weight = :weight where version = :version")
_CHOICE = text("""
    select reason, weights, failed_version, snapshot_id, passed_over
    from tales.prompt_choices where generation_id = :generation_id
""")


class SqlPromptRepository(PromptRepository):
    """Templates over one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def in_use(self) -> PromptsInUse:
        rows = (await self._session.execute(_IN_USE)).mappings().all()
        has_goal = bool(rows) and bool(rows[0]["has_goal"])
        return PromptsInUse(tuple(_readable(rows)), await current_goals(self._session) if has_goal else ())

    async def get(self, version: str) -> PromptTemplate | None:
        row = (await self._session.execute(_GET, {"version": version})).mappings().one_or_none()
        return _template(row) if row else None

    async def list(
        self,
        story_type: StoryType | None = None,
        language: str | None = None,
        model: str | None = None,
        state: TemplateState | None = None,
    ) -> tuple[PromptTemplate, ...]:
        wanted = {"story_type": story_type, "language": language, "model": model, "state": state}
        found = _readable((await self._session.execute(_LIST, wanted)).mappings())
        return tuple(sorted(found, key=_place))

    async def lock(self, slot: Slot) -> None:
        await lock_kind(self._session, slot.story_type, slot.language)

    async def add(self, slot: Slot, template: str, note: str) -> PromptTemplate:
        values = {"story_type": slot.story_type, "language": slot.language, "model": slot.model}
        # Of two that add at once, one waits: the number is the name.
        await self.lock(slot)
        added = await self._session.execute(_ADD, values | {"template": template, "note": note})
        return _template(added.mappings().one())

    async def change(self, version: str, template: str, note: str) -> None:
        await self._session.execute(_CHANGE, {"version": version, "template": template, "note": note})

    async def set_state(self, version: str, state: TemplateState, weight: int) -> None:
        await self._session.execute(_SET_STATE, {"version": version, "state": state, "weight": weight})

    async def choice_of(self, generation_id: UUID) -> PromptChoice | None:
        row = (await self._session.execute(_CHOICE, {"generation_id": generation_id})).one_or_none()
        if row is None:
            return None
        passed_over = PassedOver(row.passed_over) if row.passed_over else None
        return PromptChoice(ChoiceReason(row.reason), row.weights, row.failed_version, row.snapshot_id, passed_over)


def choice_json(choice: PromptChoice) -> dict[str, Json]:
    """What `tales.keep_prompt_choice` takes."""
    kept: dict[str, Json] = {"reason": choice.reason, "weights": dict(choice.weights)}
    kept["failed_version"] = choice.failed_version
    if choice.snapshot_id is not None:
        kept["snapshot_id"] = str(choice.snapshot_id)
    if choice.passed_over is not None:
        kept["passed_over"] = choice.passed_over
    return kept


def _place(prompt: PromptTemplate) -> tuple[object, ...]:
    slot = prompt.slot
    return slot.language, slot.story_type, natural_order(slot.model or "")


def _readable(rows: Iterable[RowMapping]) -> Iterator[PromptTemplate]:
    """Those of `rows` that are templates to this program: one by hand, or of a later release, stops no story."""
    for row in rows:
        try:
            yield _template(row)
        except (InvalidInput, ValueError) as error:
            _log.warning("The prompt %s cannot be read, and is passed over: %s", row["version"], error)


def _template(row: RowMapping) -> PromptTemplate:
    plain = ("version", "weight", "template", "note", "is_seeded", "created_at", "activated_at", "retired_at")
    slot = Slot(StoryType(row["story_type"]), row["language"], row["model"])
    return PromptTemplate(slot=slot, state=TemplateState(row["state"]), **{name: row[name] for name in plain})
