"""The prompt of a new generation: by the template that is active for it, or by what always works."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from tales.application.ports import Log, TemplateRenderer
from tales.domain.experiments import ChoiceReason, PromptChoice, choose_version
from tales.domain.goals import Arm, Goal, PassedOver, draw_arm, reason_to_pass_over
from tales.domain.prompt import PROMPT_VERSION, write_prompt
from tales.domain.prompt_templates import BrokenTemplate, PromptTemplate, Slot, active_for, fill, template_values
from tales.domain.repositories.unit_of_work import Transactions
from tales.domain.story_spec import StorySpec, StoryType

KNOWN_FOR = 5.0
"""Seconds for which templates are known once they are read: an activation has reached every process by then."""


@dataclass(frozen=True, slots=True)
class WrittenPrompt:
    """A prompt as it is sent, the version that wrote it, and why that one did where there was a choice.

    `model` is the one that was drawn with it, where a goal says among which.
    """

    text: str
    version: str
    choice: PromptChoice | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What a generation got of what it could have got."""

    template: PromptTemplate
    choice: PromptChoice
    model: str | None = None


def render_prompt(renderer: TemplateRenderer, template: str, spec: StorySpec) -> str:
    """What `template` writes for `spec`. Raises: BrokenTemplate."""
    values = template_values(spec)
    return fill(renderer.render(template, values.names), values)


class PromptWriter:
    """Writes prompts by the templates of the database, which are read once for all stories of a few seconds."""

    def __init__(self, transactions: Transactions, renderer: TemplateRenderer, log: Log) -> None:
        self._transactions = transactions
        self._renderer = renderer
        self._log = log
        self._templates: tuple[PromptTemplate, ...] = ()
        self._goals: Mapping[tuple[StoryType, str], Goal] = {}
        self._passed_over: dict[UUID, PassedOver | None] = {}
        self._read_at = self._known_until = float("-inf")
        self._reading = asyncio.Lock()

    async def refresh(self) -> None:
        """Read the templates, if they were read too long ago. Call it before `write`, outside of a transaction."""
        now = asyncio.get_running_loop().time
        if now() < self._known_until:
            return
        async with self._reading:
            if now() < self._known_until:
                return
            async with self._transactions.as_service() as work:
                found = await work.prompts.in_use()
            self._templates = found.templates
            self._goals = {(goal.settings.story_type, goal.settings.language): goal for goal in found.goals}
            self._read_at = now()
            self._known_until = self._read_at + KNOWN_FOR

    def write(
        self,
        spec: StorySpec,
        model: str,
        generation_id: UUID,
        chain: Collection[str] = (),
        *,
        is_asked_for: bool = False,
    ) -> WrittenPrompt:
        """The prompt for a generation's first call. A template that fails costs a line in the log, and no story.

        `model` is the first of the `chain`, or another one that was asked for; a goal may have another one drawn.
        """
        drawn = self._draw_by_goal(spec, model, generation_id, chain, is_asked_for=is_asked_for)
        if isinstance(drawn, PassedOver) or drawn is None:
            drawn = self._draw_by_weights(spec, model, generation_id, drawn)
        if drawn is None:
            return WrittenPrompt(write_prompt(spec), PROMPT_VERSION)
        try:
            text = render_prompt(self._renderer, drawn.template.template, spec)
        except BrokenTemplate as error:
            self._log.error("prompt template failed", version=drawn.template.version, reason=error.message)
            return self._instead(spec, drawn)
        choice = drawn.choice
        was_choice = len(choice.weights) > 1 or choice.snapshot_id is not None or choice.passed_over is not None
        return WrittenPrompt(text, drawn.template.version, choice if was_choice else None, drawn.model)

    def _draw_by_weights(
        self, spec: StorySpec, model: str, generation_id: UUID, passed_over: PassedOver | None
    ) -> _Drawn | None:
        """None where nothing is active."""
        active = self._active(spec, model)
        if not active:
            return None
        weights = {version: template.weight for version, template in active.items()}
        choice = PromptChoice(ChoiceReason.EXPERIMENT, weights, passed_over=passed_over)
        return _Drawn(active[choose_version(weights, generation_id)], choice)

    def _draw_by_goal(
        self, spec: StorySpec, model: str, generation_id: UUID, chain: Collection[str], *, is_asked_for: bool
    ) -> _Drawn | PassedOver | None:
        """None where there is no goal, or nothing to draw."""
        goal = self._goals.get((spec.story_type, spec.language))
        if goal is None:
            return None
        models = goal.settings.models
        arms = {Arm(version, name): found for name in models for version, found in self._active(spec, name).items()}
        if not arms:
            return None
        age = goal.snapshot_age + asyncio.get_running_loop().time() - self._read_at
        if is_asked_for and len(models) > 1:
            return PassedOver.MODEL_ASKED_FOR
        if model not in models:
            return PassedOver.OTHER_MODEL
        reason = reason_to_pass_over(goal, arms, age) if set(models) <= set(chain) else PassedOver.MODEL_NOT_OFFERED
        self._warn_once(goal, reason)
        if reason is not None or goal.snapshot is None:
            return reason
        arm = draw_arm(goal.settings, goal.snapshot.records, generation_id).arm
        weights = {drawn.version: template.weight for drawn, template in arms.items()}
        return _Drawn(arms[arm], PromptChoice(ChoiceReason.GOAL, weights, snapshot_id=goal.snapshot.id), arm.model)

    def _warn_once(self, goal: Goal, reason: PassedOver | None) -> None:
        """Log that a goal is passed over, once, however many stories that concerns."""
        if self._passed_over.get(goal.id) is not reason:
            self._passed_over[goal.id] = reason
            if reason is not None:
                settings = goal.settings
                facts = {"story_type": settings.story_type, "language": settings.language, "reason": reason}
                self._log.warning("goal passed over, fixed weights are used", **facts)

    def _active(self, spec: StorySpec, model: str) -> dict[str, PromptTemplate]:
        found = active_for(self._templates, spec.story_type, spec.language, model)
        return {template.version: template for template in found}

    def _instead(self, spec: StorySpec, drawn: _Drawn) -> WrittenPrompt:
        failed = drawn.template
        choice = replace(drawn.choice, reason=ChoiceReason.FALLBACK, failed_version=failed.version)
        slot = Slot(spec.story_type, spec.language)
        for template in self._templates:
            if template.is_seeded and template.slot == slot and template != failed:
                try:
                    text = render_prompt(self._renderer, template.template, spec)
                    return WrittenPrompt(text, template.version, choice, drawn.model)
                except BrokenTemplate as error:
                    self._log.error("prompt template failed", version=template.version, reason=error.message)
        return WrittenPrompt(write_prompt(spec), PROMPT_VERSION, choice, drawn.model)
