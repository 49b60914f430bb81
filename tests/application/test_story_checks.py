"""An answer that is whole and no story fails for its reason; one that can be none any more is given up on its way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tales.application.ports import ModelAnswer, ModelCall, TextRefused
from tales.domain.generation import Status
from tales.domain.story_rules import StoryCheck
from tales.infrastructure.stories.languages import LanguageDetector
from tales.infrastructure.stories.words import UnsuitableWords
from tests.application.conftest import Flow, ScriptedProvider, answer
from tests.infrastructure.stories.examples import BAD

STORY = "The Kind Dragon\n\n" + " ".join(
    f"Mia gave the dragon biscuit number {number}, and it was a different one."
    for number in ("one", "two", "three", "four")
)


def check(speaks: bool = True, word: str = "gun") -> StoryCheck:
    return StoryCheck(lambda text, _: speaks or len(text) < 40, lambda text, _: word in text)


@pytest.fixture
def flow(flow: Flow) -> Flow:
    flow.run_attempt = replace(flow.run_attempt, check=check())
    return flow


async def test_a_story_that_keeps_the_rules_is_a_success(flow: Flow) -> None:
    flow.provider.answers = [answer(STORY)]

    assert (await flow.finish(await flow.ask())).status is Status.SUCCESS


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (STORY.replace("Mia", "Tom"), "name_missing"),
        (f"{STORY} And it had a gun.", "unsuitable"),
        (f"{STORY}\n\nThis is your last sentence.", "meta"),
    ],
)
async def test_one_that_breaks_a_rule_is_a_failed_attempt_and_another_one_follows(
    flow: Flow, text: str, kind: str
) -> None:
    flow.provider.answers = [answer(text), answer(STORY)]

    first, second = (await flow.finish(await flow.ask())).attempts

    assert (first.status, first.error_type) == (Status.FAILED, kind)
    assert first.full_response is not None
    assert second.status is Status.SUCCESS


class Streaming(ScriptedProvider):
    """Hands its text on word by word, as providers do, and ends where nobody wants more."""

    async def complete(
        self, call: ModelCall, on_provider_id: Callable[[str], None], on_text: Callable[[str], None]
    ) -> ModelAnswer:
        given, told = self.answers.pop(0), ""
        try:
            for word in given.text.split(" "):
                told += f"{word} "
                on_text(f"{word} ")
        except TextRefused as refused:
            return replace(given, text=told, finish_reason=None, failure=refused.failure)
        return given


async def test_a_text_that_can_be_no_story_is_given_up_and_its_last_words_are_shown_to_nobody(flow: Flow) -> None:
    provider = Streaming([answer(f"{STORY} And it had a gun. {STORY * 9}")])
    flow.run_attempt = replace(flow.run_attempt, provider=provider)
    generation = await flow.ask()

    await flow.run(generation)

    first = (await flow.look(generation.generation_id)).attempts[0]
    shown = "".join(text for _, text in flow.publisher.pieces)
    assert (first.status, first.error_type) == (Status.FAILED, "unsuitable")
    assert shown in f"{STORY} And it had a gun. {STORY}"
    assert len(shown) < len(STORY) * 3


async def test_a_bad_answer_of_each_kind_ends_its_attempt_with_its_own_error_type(flow: Flow) -> None:
    """One for each kind, with the real rules, as attempts in rows; all of them are parsed and held against the rules in
    `tests/infrastructure/stories/test_story_check.py`."""
    real = StoryCheck(LanguageDetector().speaks, UnsuitableWords().are_in)
    provider = Streaming()
    flow.run_attempt = replace(flow.run_attempt, provider=provider, check=real)
    attempts = flow.run_attempt.policy.max_attempts
    of_each_kind = list(dict(BAD).items())

    for at in range(0, len(of_each_kind), attempts):
        bad = of_each_kind[at : at + attempts]
        provider.answers = [answer(f"A Dragon on the Ceiling\n\n{text}") for _, text in bad]
        finished = await flow.finish(await flow.ask(story_length=1))
        assert [one.error_type for one in finished.attempts[: len(bad)]] == [str(kind) for kind, _ in bad]
