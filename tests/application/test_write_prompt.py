"""The prompts of new generations: by the templates in use, and by what always works where one of these fails."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from uuid import UUID

import pytest

from tales.application.request_generation import GenerationRequest
from tales.application.write_prompt import PromptWriter, render_prompt
from tales.domain.experiments import ChoiceReason, PromptChoice, choose_version
from tales.domain.prompt import PROMPT_VERSION, read_prompt, target_words
from tales.domain.prompt_examples import example, tried_examples
from tales.domain.prompt_templates import PromptTemplate, Slot, TemplateState
from tales.domain.story_spec import StoryType
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.infrastructure.prompts.rendering import JinjaRenderer
from tales.infrastructure.stories.languages import LanguageDetector
from tales.simulator.stories import tell_story
from tests.application.conftest import MODELS, Flow
from tests.fixtures.databases import Database, statements_of
from tests.fixtures.recording import RecordingLog

LANGUAGES = ("de", "en", "es", "fr", "ru")
RENDERER = JinjaRenderer()
OURS = "Tell a story about somebody.\n{{ facts }}\nMake it short.\n"
FAILED = ("error", "prompt template failed")
BROKEN = "Tell a story.\n{{ facts }}\n{{ child.nickname }}\n"


@pytest.fixture
async def seeds(transactions: SqlTransactions) -> dict[str, PromptTemplate]:
    async with transactions.as_service() as work:
        return {template.version: template for template in (await work.prompts.in_use()).templates}


@pytest.fixture
def writer(flow: Flow) -> PromptWriter:
    """The writer of `flow`, whose requests it answers."""
    found = PromptWriter(flow.transactions, RENDERER, flow.log)
    flow.request_generation = replace(flow.request_generation, prompts=found)
    return found


def add_template(database: Database, template: str = OURS, **columns: object) -> str:
    """A template in use of a story about a child in English, past all checks; its version."""
    facts = {"number": 2, "model": None, "weight": 100} | columns
    version = f"child-en-{facts['number']}"
    database.execute(
        "insert into tales.prompt_templates"
        " (version, story_type, language, number, model, weight, template, state, activated_at)"
        " values (%s, 'child', 'en', %s, %s, %s, %s, 'active', now())",
        *(version, facts["number"], facts["model"], facts["weight"], template),
    )
    return version


async def choice_of(transactions: SqlTransactions, generation_id: UUID) -> PromptChoice | None:
    async with transactions.as_service() as work:
        return await work.prompts.choice_of(generation_id)


async def test_what_comes_along_writes_for_every_kind_age_and_length(seeds: dict[str, PromptTemplate]) -> None:
    assert set(seeds) == {f"{kind}-{language}-1" for kind in StoryType for language in LANGUAGES}
    for template in seeds.values():
        prompts = set()
        for spec in tried_examples(template.slot):
            prompt = render_prompt(RENDERER, template.template, spec)
            parts = read_prompt(prompt)
            prompts.add(parts.instructions)
            assert str(target_words(spec.minutes)) in parts.instructions
            assert parts.names == tuple(one.name for one in (spec.child, spec.hero) if one is not None)
            assert "\n\n\n" not in prompt
            assert "{" not in prompt
        # Ages in four groups, lengths of six numbers, sequels, and with or without what the child likes.
        per_age = 1 if template.slot.story_type is StoryType.HERO else 4 * 2
        assert len(prompts) == per_age * 6 * 2


async def test_what_comes_along_is_in_its_language_and_simulated_in_it(seeds: dict[str, PromptTemplate]) -> None:
    speaks = LanguageDetector().speaks
    for template in seeds.values():
        spec = example(template.slot, minutes=3)
        prompt = render_prompt(RENDERER, template.template, spec)
        story = tell_story(prompt)
        for paragraph in filter(None, read_prompt(prompt).instructions.split("\n\n")):
            assert speaks(paragraph, template.slot.language), paragraph
        assert speaks(story, template.slot.language)
        assert all(name in story for name in read_prompt(prompt).names)
        assert target_words(3) / 2 <= len(story.split()) <= target_words(3) * 2


async def test_three_is_not_nine_and_a_sequel_remembers(seeds: dict[str, PromptTemplate]) -> None:
    template = seeds["child-en-1"]
    small, big, sequel = (
        render_prompt(RENDERER, template.template, spec)
        for spec in (
            example(template.slot, age=3),
            example(template.slot, age=9),
            example(template.slot, age=9, is_sequel=True),
        )
    )
    assert "The listener is very small." in small
    assert "The listener goes to school." in big
    assert "This is a sequel." in sequel
    assert '"The Dragon and the Last Biscuit"' in sequel
    assert "sequel" not in big


@pytest.mark.usefixtures("writer")
async def test_a_generation_is_written_by_the_template_in_use(flow: Flow) -> None:
    generation = await flow.ask(language="de", story_length=4)

    attempt = (await flow.look(generation.generation_id)).latest
    assert attempt.prompt_version == "child-de-1"
    assert "Schreibe eine Gutenachtgeschichte" in str(attempt.prompt)
    assert '- Kind: "Mia"\n' in str(attempt.prompt)
    assert await choice_of(flow.transactions, generation.generation_id) is None


@pytest.mark.usefixtures("writer")
async def test_a_language_without_a_template_gets_what_always_works(flow: Flow) -> None:
    assert (await flow.ask(language="it")).latest.prompt_version == PROMPT_VERSION


@pytest.mark.usefixtures("writer")
async def test_a_model_with_a_template_of_its_own_gets_that(flow: Flow, database: Database) -> None:
    version = add_template(database, model=MODELS[1])

    assert (await flow.ask(model=MODELS[0])).latest.prompt_version == "child-en-1"
    assert (await flow.ask(model=MODELS[1])).latest.prompt_version == version


@pytest.mark.usefixtures("writer")
async def test_versions_share_generations_by_a_draw_that_can_be_repeated(flow: Flow, database: Database) -> None:
    weights = {"child-en-1": 100, add_template(database, weight=300): 300}

    generations = [await flow.ask() for _ in range(40)]

    for generation in generations:
        assert generation.latest.prompt_version == choose_version(weights, generation.generation_id)
        choice = await choice_of(flow.transactions, generation.generation_id)
        assert choice == PromptChoice(ChoiceReason.EXPERIMENT, weights)
    assert len(Counter(generation.latest.prompt_version for generation in generations)) == 2


@pytest.mark.usefixtures("writer")
async def test_why_is_kept_with_a_key_or_a_sequel_too(flow: Flow, database: Database) -> None:
    add_template(database)
    asked = flow.request_generation
    wish = GenerationRequest(story_type=StoryType.CHILD, moral="kindness", child_id=flow.child_id)

    with statements_of(flow.transactions) as sent:
        generation = await asked(flow.actor, wish, "key-1")

    (kept,) = [statement for statement in sent if "keep_prompt_choice" in statement]
    assert "enqueue_within_budgets" in kept
    assert (await choice_of(flow.transactions, generation.generation_id)) is not None
    assert (await asked(flow.actor, wish, "key-1")).generation_id == generation.generation_id


@pytest.mark.usefixtures("writer")
async def test_a_template_that_fails_loses_no_request(flow: Flow, database: Database) -> None:
    database.execute("update tales.prompt_templates set state = 'retired', retired_at = now() where language = 'en'")
    version = add_template(database, BROKEN)

    generation = await flow.ask()

    assert generation.latest.prompt_version == "child-en-1"
    choice = await choice_of(flow.transactions, generation.generation_id)
    assert choice == PromptChoice(ChoiceReason.FALLBACK, {version: 100}, version)
    (said,) = [facts for level, event, facts in flow.log.events if (level, event) == FAILED]
    assert said["version"] == version
    assert "nickname" in str(said["reason"])
    assert "Mia" not in str(said)


async def test_where_every_template_fails_the_prompt_of_the_program_is_left(
    seeds: dict[str, PromptTemplate], transactions: SqlTransactions
) -> None:
    log = RecordingLog()
    writer = PromptWriter(transactions, RENDERER, log)
    seeded = replace(seeds["child-en-1"], template=BROKEN, state=TemplateState.RETIRED, weight=1)
    broken = replace(seeded, version="child-en-2", is_seeded=False, state=TemplateState.ACTIVE)
    writer._templates = (seeded, broken)

    written = writer.write(example(Slot(StoryType.CHILD, "en")), "any/model", UUID(int=1))

    assert (written.version, written.choice) == (
        PROMPT_VERSION,
        PromptChoice(ChoiceReason.FALLBACK, {"child-en-2": 1}, "child-en-2"),
    )


async def test_templates_are_read_once_for_many_stories_and_again_after_a_while(
    flow: Flow, writer: PromptWriter, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await flow.ask()
    version = add_template(database, weight=1000)
    with statements_of(flow.transactions) as sent:
        asked = {(await flow.ask()).latest.prompt_version for _ in range(10)}
    assert asked == {"child-en-1"}
    assert len(sent) == 10

    monkeypatch.setattr(writer, "_known_until", 0.0)
    with statements_of(flow.transactions) as sent:
        asked = {(await flow.ask()).latest.prompt_version for _ in range(20)}
    assert version in asked
    assert len([statement for statement in sent if "prompt_templates" in statement]) == 1
