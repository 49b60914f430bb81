"""Operators write prompts, try them on made-up families, and say which are in use."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from tales.application.admins import as_admin
from tales.application.ports import TemplateRenderer
from tales.application.write_prompt import render_prompt
from tales.domain.actor import Actor
from tales.domain.checks import checked_text, checked_whole_number
from tales.domain.errors import Conflict, InvalidInput, NotFound
from tales.domain.family import MAX_AGE
from tales.domain.prompt_examples import example, tried_examples
from tales.domain.prompt_templates import (
    DEFAULT_WEIGHT,
    MAX_NOTE,
    BrokenTemplate,
    PromptTemplate,
    Slot,
    TemplateState,
    checked_template,
    checked_weight,
)
from tales.domain.repositories.unit_of_work import Transactions, UnitOfWork
from tales.domain.story_spec import DEFAULT_MINUTES, MAX_MINUTES, StorySpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """Which made-up wish a preview is of. `minutes` of reading aloud.

    Raises: InvalidInput.
    """

    age: int = 6
    minutes: int = DEFAULT_MINUTES
    is_sequel: bool = False
    is_minimal: bool = False

    def __post_init__(self) -> None:
        checked_whole_number("age", self.age, 0, MAX_AGE, "years")
        checked_whole_number("minutes", self.minutes, 1, MAX_MINUTES, "minutes")

    def spec(self, slot: Slot) -> StorySpec:
        """The wish."""
        return example(slot, age=self.age, minutes=self.minutes, is_sequel=self.is_sequel, is_minimal=self.is_minimal)


def prompts_for(transactions: Transactions, actor: Actor) -> AbstractAsyncContextManager[UnitOfWork]:
    """A unit of work as this admin. Raises: Forbidden for anybody else."""
    return as_admin(transactions, actor, "Prompts are")


async def get_prompt(work: UnitOfWork, version: str) -> PromptTemplate:
    """Raises: NotFound."""
    # A database takes no text with a NUL in it, and no version has what cannot be printed.
    found = await work.prompts.get(version) if version.isprintable() else None
    if found is None:
        raise NotFound("prompt", version)
    return found


async def add_prompt(
    work: UnitOfWork, renderer: TemplateRenderer, slot: Slot, template: str, note: str = ""
) -> PromptTemplate:
    """A draft, which writes nothing yet. Raises: BrokenTemplate, InvalidInput."""
    text = _tried(renderer, slot, template)
    added = await work.prompts.add(slot, text, _checked_note(note))
    await work.commit()
    return added


async def edit_prompt(
    work: UnitOfWork, renderer: TemplateRenderer, version: str, template: str | None = None, note: str | None = None
) -> PromptTemplate:
    """The draft with another text or note; of what was in use a new draft, as that never changes.

    Raises: NotFound, BrokenTemplate, InvalidInput.
    """
    edited = await get_prompt(work, version)
    text = _tried(renderer, edited.slot, edited.template if template is None else template)
    new_note = _checked_note(edited.note if note is None else note)
    if edited.activated_at is not None:
        edited = await work.prompts.add(edited.slot, text, new_note if note is not None else f"from {version}")
    else:
        await work.prompts.change(version, text, new_note)
        edited = await get_prompt(work, version)
    await work.commit()
    return edited


async def activate_prompt(
    work: UnitOfWork, renderer: TemplateRenderer, version: str, weight: int | None = None
) -> PromptTemplate:
    """From now on it writes, beside the other active ones of its slot, as often as its weight says.

    Raises: NotFound, BrokenTemplate, InvalidInput.
    """
    found = await get_prompt(work, version)
    _tried(renderer, found.slot, found.template)
    await work.prompts.set_state(
        version, TemplateState.ACTIVE, checked_weight(found.weight if weight is None else weight)
    )
    return await _kept(work, version)


async def retire_prompt(work: UnitOfWork, version: str) -> PromptTemplate:
    """From now on it writes nothing. Raises: NotFound, Conflict where it is retired already."""
    found = await get_prompt(work, version)
    if found.state is TemplateState.RETIRED:
        raise Conflict(f"Prompt {version} is retired already.")
    await work.prompts.set_state(version, TemplateState.RETIRED, found.weight)
    return await _kept(work, version)


async def promote_prompt(
    work: UnitOfWork, renderer: TemplateRenderer, version: str
) -> tuple[PromptTemplate, tuple[str, ...]]:
    """It alone writes from now on: the other active versions of its slot are retired, and named.

    Raises: NotFound, BrokenTemplate.
    """
    found = await get_prompt(work, version)
    _tried(renderer, found.slot, found.template)
    await work.prompts.lock(found.slot)
    active = await work.prompts.list(found.slot.story_type, found.slot.language, state=TemplateState.ACTIVE)
    others = [prompt for prompt in active if prompt.slot == found.slot and prompt.version != version]
    for other in others:
        await work.prompts.set_state(other.version, TemplateState.RETIRED, other.weight)
    await work.prompts.set_state(version, TemplateState.ACTIVE, DEFAULT_WEIGHT)
    return await _kept(work, version), tuple(prompt.version for prompt in others)


async def preview_prompt(work: UnitOfWork, renderer: TemplateRenderer, version: str, wish: Example) -> str:
    """What a version writes for a made-up family. Raises: NotFound, BrokenTemplate."""
    found = await get_prompt(work, version)
    return render_prompt(renderer, found.template, wish.spec(found.slot))


async def compare_prompts(work: UnitOfWork, renderer: TemplateRenderer, version: str, other: str, wish: Example) -> str:
    """How what two versions write for the same family differs, as `diff -u` has it; empty where it does not.

    Raises: NotFound, BrokenTemplate, InvalidInput where they are of different kinds.
    """
    before, after = await get_prompt(work, version), await get_prompt(work, other)
    if (before.slot.story_type, before.slot.language) != (after.slot.story_type, after.slot.language):
        raise InvalidInput(
            "other", f"{version} and {other} are of different kinds. Compare two of one type and language."
        )
    spec = wish.spec(before.slot)
    first, second = (render_prompt(renderer, prompt.template, spec).splitlines() for prompt in (before, after))
    return "".join(f"{line}\n" for line in difflib.unified_diff(first, second, version, other, lineterm=""))


def _tried(renderer: TemplateRenderer, slot: Slot, template: str) -> str:
    """The template as it is kept, once it has written every made-up wish. Raises: BrokenTemplate, naming the wish."""
    text = checked_template(template)
    for spec in tried_examples(slot):
        try:
            render_prompt(renderer, text, spec)
        except BrokenTemplate as error:
            raise BrokenTemplate(f"{error.message} (It was tried with {_described(spec)}.)") from None
    return text


def _described(spec: StorySpec) -> str:
    facts: Sequence[str] = (
        f"{spec.minutes} minutes",
        f"a child of {spec.child.age}" if spec.child else "",
        "an earlier story" if spec.earlier else "no earlier story",
    )
    return ", ".join(filter(None, facts))


def _checked_note(note: str) -> str:
    return checked_text("note", note, MAX_NOTE) if note else ""


async def _kept(work: UnitOfWork, version: str) -> PromptTemplate:
    found = await get_prompt(work, version)
    await work.commit()
    return found
