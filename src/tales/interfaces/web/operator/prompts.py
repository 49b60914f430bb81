"""What models are asked with, in versions: written, tried on made-up families, compared, and put into use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from tales.application import prompts as use_cases
from tales.application.goals import goal_states
from tales.application.prompts import Example, prompts_for
from tales.application.reports import PromptReport, report_prompts, reports_for
from tales.application.services import Services
from tales.domain.errors import InvalidInput, TalesError
from tales.domain.goals import GoalSettings
from tales.domain.prompt_templates import PromptTemplate, Slot
from tales.domain.report_filters import ReportFilter
from tales.domain.repositories.unit_of_work import UnitOfWork
from tales.domain.story_spec import StoryType
from tales.interfaces.api.dependencies import UseCases
from tales.interfaces.api.fields import Text
from tales.interfaces.web.browser_sessions import CheckedForm, Visitor, see_other, text
from tales.interfaces.web.family import number
from tales.interfaces.web.languages import Language, language_of, translatable
from tales.interfaces.web.operator import plotly, report_tables
from tales.interfaces.web.operator.anatomy import Line
from tales.interfaces.web.operator.chosen import Chosen, CurrentAdmin, WhatIsChosen, filter_or_usual
from tales.interfaces.web.operator.fields import chosen_whole, one_of
from tales.interfaces.web.operator.files import file_of
from tales.interfaces.web.operator.frame import HOME, show
from tales.interfaces.web.operator.goals import ADVICE, MEASURES, arms_of
from tales.interfaces.web.operator.reports import PROMPTS, WhatIsAsked, show_subject
from tales.interfaces.web.operator.tables import Column, Kind, Table
from tales.interfaces.web.refusals import EXPECTED

_HERE = f"{HOME}/prompts"
_SEEDED_NOTE = translatable("comes along")

router = APIRouter(prefix=_HERE, include_in_schema=False)


class Tried(Chosen):
    """What is chosen, the made-up family that a version is tried on, and the version that it is put beside.

    `age` in years, `minutes` of the story. `table`: of a file, which.
    """

    age: str = ""
    minutes: str = ""
    sequel: str = ""
    minimal: str = ""
    other: str = ""
    table: str = ""

    def example(self) -> Example:
        """The made-up wish. Raises: InvalidInput."""
        usual = Example()
        return Example(
            age=chosen_whole("age", self.age, usual.age),
            minutes=chosen_whole("minutes", self.minutes, usual.minutes),
            is_sequel=bool(self.sequel),
            is_minimal=bool(self.minimal),
        )


WhatIsTried = Annotated[Tried, Query()]


@router.get("")
async def show_prompts(request: Request, asked: WhatIsAsked, visitor: CurrentAdmin, services: UseCases) -> Response:
    """The versions slot by slot and the goals, then the reports on them."""
    wanted, _ = filter_or_usual(asked, services)
    async with prompts_for(services.transactions, visitor.actor) as work:
        found = await work.prompts.list(wanted.story_type, wanted.language)
        states = await goal_states(work, services.request_generation.offer, services.clock.now())
    versions = [prompt for prompt in found if wanted.model is None or prompt.slot.model in {None, wanted.model}]
    weights: dict[Slot, int] = {}
    for prompt in found:
        weights[prompt.slot] = weights.get(prompt.slot, 0) + (prompt.weight if prompt.is_active else 0)
    goals = [state for state in states if _is_wanted(state.goal.settings, wanted)]
    facts = {"versions": _versions(versions, weights, language_of(request)), "arms_of": arms_of}
    facts |= {"goals": goals, "measures": MEASURES, "advice": ADVICE}
    return await show_subject(request, PROMPTS, asked, visitor, services, **facts)


@router.get("/new")
async def show_new(request: Request, chosen: WhatIsChosen, visitor: CurrentAdmin) -> Response:  # noqa: ARG001 -- admins
    """The form for a draft."""
    return _form(request, chosen)


@router.post("/new")
async def add(
    request: Request, chosen: WhatIsChosen, form: CheckedForm, visitor: CurrentAdmin, services: UseCases
) -> Response:
    """Add a draft, once it has written every made-up wish that it is tried with."""
    try:
        slot = _slot(form)
        async with prompts_for(services.transactions, visitor.actor) as work:
            renderer = services.prompt_renderer
            added = await use_cases.add_prompt(work, renderer, slot, text(form, "template"), text(form, "note"))
    except EXPECTED as error:
        return _form(request, chosen, form=form, refused=error)
    return see_other(chosen.address(f"{_HERE}/{added.version}"))


@router.get("/{version}")
async def show_prompt(
    request: Request, version: Text, tried: WhatIsTried, visitor: CurrentAdmin, services: UseCases
) -> Response:
    """One version: its text, what it writes, how that differs from another one, and how it does."""
    return await _page(request, version, tried, visitor, services)


@router.post("/{version}")
async def change_state(  # noqa: PLR0913, PLR0917 -- what FastAPI gives
    request: Request, version: Text, tried: WhatIsTried, form: CheckedForm, visitor: CurrentAdmin, services: UseCases
) -> Response:
    """Activate it, or give it another weight; let it alone write; or retire it. Which one, the button says."""
    try:
        async with prompts_for(services.transactions, visitor.actor) as work:
            match text(form, "do"):
                case "activate":
                    await use_cases.activate_prompt(work, services.prompt_renderer, version, number(form, "weight"))
                case "promote":
                    await use_cases.promote_prompt(work, services.prompt_renderer, version)
                case "retire":
                    await use_cases.retire_prompt(work, version)
                case _:
                    raise InvalidInput("do", "do is none of: activate, promote, retire.")
    except EXPECTED as error:
        return await _page(request, version, tried, visitor, services, error)
    return see_other(tried.address(f"{_HERE}/{version}"))


@router.get("/{version}/figures.csv")
async def take_figures(version: Text, tried: WhatIsTried, visitor: CurrentAdmin, services: UseCases) -> Response:
    """One of the tables of a version for a spreadsheet."""
    report = await _figures(services, visitor, tried.filter(services.clock.now()), version)
    return file_of("prompt", report_tables.prompts(report), tried.table)


@router.get("/{version}/edit")
async def show_edit(
    request: Request, version: Text, chosen: WhatIsChosen, visitor: CurrentAdmin, services: UseCases
) -> Response:
    """The form of a version that is there."""
    async with prompts_for(services.transactions, visitor.actor) as work:
        return _form(request, chosen, await use_cases.get_prompt(work, version))


@router.post("/{version}/edit")
async def edit(  # noqa: PLR0913, PLR0917 -- what FastAPI gives
    request: Request, version: Text, chosen: WhatIsChosen, form: CheckedForm, visitor: CurrentAdmin, services: UseCases
) -> Response:
    """Change a draft; of a version that was in use a new draft is made, as that never changes."""
    async with prompts_for(services.transactions, visitor.actor) as work:
        prompt = await use_cases.get_prompt(work, version)
        note = text(form, "note")
        new_note = note if note or prompt.activated_at is None else None
        try:
            edited = await use_cases.edit_prompt(
                work, services.prompt_renderer, version, text(form, "template"), new_note
            )
        except EXPECTED as error:
            return _form(request, chosen, prompt, form, error)
    return see_other(chosen.address(f"{_HERE}/{edited.version}"))


def _versions(found: Sequence[PromptTemplate], weights: Mapping[Slot, int], language: Language) -> Table:
    def note(one: PromptTemplate) -> str | None:
        return language.translations.gettext(_SEEDED_NOTE) if one.note == _SEEDED_NOTE else one.note or None

    columns = (
        Column(translatable("Prompt"), "version", Kind.NAME, leads=lambda one: f"{_HERE}/{one.version}"),
        Column(translatable("State"), "state", Kind.STATE),
        Column(translatable("For"), "slot", Kind.SLOT),
        Column(translatable("Weight"), lambda one: one.weight if one.is_active else None),
        Column(
            translatable("Of these stories"),
            lambda one: one.weight / weights[one.slot] if one.is_active else None,
            Kind.SHARE,
        ),
        Column(translatable("So since"), lambda one: one.retired_at or one.activated_at or one.created_at, Kind.DAY),
        Column(translatable("Note"), note, Kind.NAME),
    )
    return Table("versions", "", found, columns)


def _is_wanted(settings: GoalSettings, wanted: ReportFilter) -> bool:
    return wanted.story_type in {None, settings.story_type} and wanted.language in {None, settings.language}


def _slot(form: FormData) -> Slot:
    """What a draft is for. Raises: InvalidInput."""
    story_type, model = one_of(StoryType, "story_type", text(form, "story_type")), text(form, "model")
    if story_type is None:
        raise InvalidInput("story_type", f"story_type is missing. Use one of: {', '.join(StoryType)}.")
    return Slot(story_type, text(form, "language"), model or None)


def _form(
    request: Request,
    chosen: Chosen,
    prompt: PromptTemplate | None = None,
    form: FormData | None = None,
    refused: TalesError | None = None,
) -> Response:
    """What was typed stays, beside why it was refused."""
    return show(request, "prompt_form.html", chosen, refused=refused, prompt=prompt, typed=form or {})


async def _page(  # noqa: PLR0913, PLR0917 -- what FastAPI gives, and why it was refused
    request: Request,
    version: str,
    tried: Tried,
    visitor: Visitor,
    services: Services,
    refused: TalesError | None = None,
) -> Response:
    wanted, wrong = filter_or_usual(tried, services)
    refused, preview, difference = refused or wrong, "", None
    async with prompts_for(services.transactions, visitor.actor) as work:
        prompt = await use_cases.get_prompt(work, version)
        siblings = await work.prompts.list(prompt.slot.story_type, prompt.slot.language)
        others = [sibling for sibling in siblings if sibling.version != version]
        try:
            preview, difference = await _tried(work, services, version, tried)
        except InvalidInput as error:
            refused = refused or error
    report = await _figures(services, visitor, wanted, version)
    return show(
        request,
        "prompt.html",
        tried,
        wanted=wanted,
        refused=refused,
        tried=tried,
        usual=Example(),
        prompt=prompt,
        others={other.version: other.version for other in others},
        rivals=[other for other in others if other.slot == prompt.slot and other.is_active],
        preview=preview,
        difference=difference,
        plotly=plotly.ADDRESS,
        tables=[table for table in report_tables.prompts(report) if table.rows],
    )


async def _tried(work: UnitOfWork, services: Services, version: str, tried: Tried) -> tuple[str, list[Line] | None]:
    """What the version writes for the example, and how that differs from another one's. Raises: InvalidInput."""
    example = tried.example()
    preview = await use_cases.preview_prompt(work, services.prompt_renderer, version, example)
    if not tried.other:
        return preview, None
    renderer = services.prompt_renderer
    lines = (await use_cases.compare_prompts(work, renderer, tried.other, version, example)).splitlines()
    # The first two name the versions, which the page does already.
    return preview, [Line(line[0], line[1:]) for line in lines[2:]]


async def _figures(services: Services, visitor: Visitor, wanted: ReportFilter, version: str) -> PromptReport:
    """How this version does, and the comparisons that it is part of."""
    async with reports_for(services.transactions, visitor.actor) as reports:
        report = await report_prompts(reports, wanted)
    return replace(
        report,
        items=tuple(row for row in report.items if row.prompt_version == version),
        comparisons=tuple(row for row in report.comparisons if version in {row.prompt_version, row.baseline}),
    )
