"""The prompt of a new generation: by the template that is active for it, or by what always works."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from uuid import UUID

from tales.application.ports import Log, TemplateRenderer
from tales.domain.experiments import ChoiceReason, PromptChoice, choose_version
from tales.domain.prompt import PROMPT_VERSION, write_prompt
from tales.domain.prompt_templates import BrokenTemplate, PromptTemplate, Slot, fill, template_values
from tales.domain.repositories.unit_of_work import Transactions
from tales.domain.story_spec import StorySpec

KNOWN_FOR = 5.0
"""Seconds for which templates are known once they are read: an activation has reached every process by then."""


@dataclass(frozen=True, slots=True)
class WrittenPrompt:
    """A prompt as it is sent, the version that wrote it, and why that one did where there was a choice."""

    text: str
    version: str
    choice: PromptChoice | None = None


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
        self._known_until = float("-inf")
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
                self._templates = await work.prompts.in_use()
            self._known_until = now() + KNOWN_FOR

    def write(self, spec: StorySpec, model: str, generation_id: UUID) -> WrittenPrompt:
        """The prompt for a generation's first call. A template that fails costs a line in the log, and no story."""
        active = self._active(spec, model)
        if not active:
            return WrittenPrompt(write_prompt(spec), PROMPT_VERSION)
        weights = {version: template.weight for version, template in active.items()}
        chosen = active[choose_version(weights, generation_id)]
        try:
            text = render_prompt(self._renderer, chosen.template, spec)
        except BrokenTemplate as error:
            self._log.error("prompt template failed", version=chosen.version, reason=error.message)
            return self._instead(spec, chosen, weights)
        is_drawn = len(weights) > 1
        return WrittenPrompt(text, chosen.version, PromptChoice(ChoiceReason.EXPERIMENT, weights) if is_drawn else None)

    def _active(self, spec: StorySpec, model: str) -> dict[str, PromptTemplate]:
        """Those of this very model, or else those of every model."""
        own, any_model = Slot(spec.story_type, spec.language, model), Slot(spec.story_type, spec.language)
        active = [template for template in self._templates if template.is_active]
        found = [one for one in active if one.slot == own] or [one for one in active if one.slot == any_model]
        return {template.version: template for template in found}

    def _instead(self, spec: StorySpec, failed: PromptTemplate, weights: dict[str, int]) -> WrittenPrompt:
        choice = PromptChoice(ChoiceReason.FALLBACK, weights, failed.version)
        slot = Slot(spec.story_type, spec.language)
        for template in self._templates:
            if template.is_seeded and template.slot == slot and template != failed:
                try:
                    return WrittenPrompt(
                        render_prompt(self._renderer, template.template, spec), template.version, choice
                    )
                except BrokenTemplate as error:
                    self._log.error("prompt template failed", version=template.version, reason=error.message)
        return WrittenPrompt(write_prompt(spec), PROMPT_VERSION, choice)
