"""What counts as a story, rule by rule, over the real detector and the real lists of words."""

from __future__ import annotations

import random
from dataclasses import replace
from uuid import UUID

import pytest
from benchmarks.bench_stories import requests

from tales.domain.arcs.cast import GAP
from tales.domain.arcs.composing import compose_arc
from tales.domain.arcs.kinds import columns_of
from tales.domain.arcs.prompt import write_arc_prompt
from tales.domain.failures import CHECKED_KINDS, RETRYABLE, FailureKind
from tales.domain.parsed_story import ParsedStory, parse_story
from tales.domain.prompt import write_prompt
from tales.domain.story_rules import RULES, Asked, StoryCheck, asked_of
from tales.domain.story_spec import MAX_MINUTES, StorySpec, StoryType
from tales.infrastructure.stories.languages import LanguageDetector
from tales.infrastructure.stories.words import UnsuitableWords
from tales.simulator.stories import tell_story
from tests.domain.factories import make_attempt, make_child, make_hero, make_spec
from tests.infrastructure.stories.examples import BAD, ENGLISH, GOOD, asked_in

TITLE = "A Dragon on the Ceiling"
CHECK = StoryCheck(LanguageDetector().speaks, UnsuitableWords().are_in)


def kind_of(text: str, asked: Asked, check: StoryCheck = CHECK) -> FailureKind | None:
    failure = check(ParsedStory(TITLE, text), asked)
    return failure.kind if failure else None


def test_each_kind_has_a_rule_and_an_example_and_is_worth_another_attempt() -> None:
    assert tuple(rule.kind for rule in RULES) == CHECKED_KINDS
    assert {kind for kind, _ in BAD} == set(CHECKED_KINDS) <= RETRYABLE


@pytest.mark.parametrize(("kind", "text"), BAD)
def test_what_is_no_story_is_refused_for_its_own_reason(kind: FailureKind, text: str) -> None:
    assert kind_of(text, asked_in("en")) is kind


def test_an_answer_that_is_no_story_is_still_none_when_it_has_been_parsed() -> None:
    assert len(BAD) >= 60
    for kind, text in BAD:
        story = parse_story(f"{TITLE}\n\n{text}", "stop", 1)
        found = kind_of(story.text, asked_in("en")) if isinstance(story, ParsedStory) else story.kind
        assert found is kind, text


@pytest.mark.parametrize("language", GOOD)
def test_a_good_story_passes(language: str) -> None:
    assert kind_of(GOOD[language], asked_in(language)) is None


@pytest.mark.parametrize("language", GOOD)
def test_a_good_story_of_another_language_is_none(language: str) -> None:
    for other in set(GOOD) - {language}:
        assert kind_of(GOOD[other], replace(asked_in(language), names=())) in {
            FailureKind.WRONG_LANGUAGE,
            FailureKind.GARBLED,
        }


@pytest.mark.parametrize(("kind", "text"), BAD)
def test_a_rule_can_be_switched_off(kind: FailureKind, text: str) -> None:
    assert kind_of(text, asked_in("en"), replace(CHECK, off=CHECKED_KINDS)) is None
    assert kind_of(text, asked_in("en"), replace(CHECK, off={kind})) is not kind


@pytest.mark.parametrize(
    ("name", "language", "text"),
    [
        ("Mia", "en", "Mia's bed"),
        ("Mia", "de", "Mias Bett"),
        ("Chris", "en", "Chris’ bed"),
        ("Anna", "pl", "dla Anny"),
        ("Тёма", "ru", "с Темой"),
        ("Саша", "ru", "Саше"),
        ("Zoë", "en", "Zoe slept"),
        ("Captain Owl", "de", "Kapitän Owl"),
        ("Mia", "ru", "Мия спит"),
        ("美咲", "ja", "美咲は"),
        ("Ayşe", "tr", "Ayşe'nin"),
    ],
)
def test_a_name_is_found_with_its_endings(name: str, language: str, text: str) -> None:
    assert CHECK(ParsedStory("", text), Asked(language, None, (name,))) is None


@pytest.mark.parametrize(
    ("name", "language", "text"), [("Mia", "en", "Mirabel"), ("Саша", "ru", "Сон"), ("Ann", "de", "Wanne")]
)
def test_what_only_sounds_like_a_name_is_none(name: str, language: str, text: str) -> None:
    failure = CHECK(ParsedStory("", text), Asked(language, None, (name,)))
    assert failure is not None
    assert failure.kind is FailureKind.NAME_MISSING


@pytest.mark.parametrize("words", ["a drunken gnome", "making love", "shit"])
def test_the_operator_can_let_a_word_pass(words: str) -> None:
    assert UnsuitableWords().are_in(f"It was {words}.", "en")
    taken = UnsuitableWords(suitable=("drunken", "making love", "shit"))
    assert not taken.are_in(f"It was {words}.", "en")


def test_the_operator_can_add_words_in_any_language() -> None:
    assert UnsuitableWords(added=("Bogeyman*",)).are_in("Two BOGEYMANS came.", "de")
    assert UnsuitableWords(added=("kill time",)).are_in("They wanted to kill time.", "en")
    assert not UnsuitableWords(added=("rum",)).are_in("The drum is loud.", "en")


@pytest.mark.parametrize(
    ("word", "language", "text"),
    [("ビール", "ja", "ビールを飲む"), ("啤酒", "zh", "他喝啤酒了"), ("ビール*", "ja", "生ビールだ")],
)
def test_a_word_of_the_operator_is_found_where_words_have_no_spaces(word: str, language: str, text: str) -> None:
    assert UnsuitableWords(added=(word,)).are_in(text, language)
    assert not UnsuitableWords(added=("rum",)).are_in(f"drum {text}", language)


def test_a_word_that_is_harmless_in_one_phrase_is_none_in_another() -> None:
    assert UnsuitableWords().are_in("Avec le temps il voulait tuer le roi.", "fr")
    assert UnsuitableWords().are_in("Он хотел убить короля.", "ru")


@pytest.mark.parametrize("words", ["great titties", "coal titty", "pussy catfight"])
def test_a_harmless_phrase_hides_no_other_word(words: str) -> None:
    assert UnsuitableWords().are_in(f"She saw {words} there.", "en")


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "A great tit's song woke Great Tits, and pussycats, a pussy cat and a pussy willow's catkins."),
        ("en", "The donkey, an ass, was snatched by a cock with a busty butt."),
        ("en", "The cat lover had drunk her milk and rifled the drawers for a naked doll and a killer whale."),
        ("en", "She class, grass and the Scunthorpe bassoon assumed a passage."),
        ("de", "Der Mops und zwei Möpse mit einer Rosette sahen in eine Fratze."),
        ("fr", "La chatte de la veuve avait la gueule ouverte."),
        ("es", "El asno llevaba un martillo y una concha."),
        ("en", "To kill time they counted Blue Tits in the pussy willows."),
        ("fr", "Pour tuer le temps, il dessinait dans le cul-de-sac."),
        ("ru", "Надо чем-то убить время."),
    ],
)
def test_harmless_words_that_stand_on_a_list_pass(language: str, text: str) -> None:
    assert not UnsuitableWords().are_in(text, language)


def test_without_an_asked_length_any_length_will_do() -> None:
    assert kind_of(ENGLISH, asked_in("en", None)) is None
    assert kind_of(ENGLISH, asked_in("en", 10)) is FailureKind.TOO_SHORT


def test_with_little_to_go_by_nothing_is_said_of_a_language() -> None:
    assert LanguageDetector().speaks("Mia schlief ein.", "en")


@pytest.mark.parametrize("text", [ENGLISH[:300], ENGLISH[:40], ""])
def test_the_beginning_of_a_good_story_is_not_given_up(text: str) -> None:
    assert CHECK.early(text, asked_in("en")) is None


@pytest.mark.parametrize(
    "text", [GOOD["de"][:400], ENGLISH[:200] + " They were making love.", ENGLISH[:200] + " dra\ufffdon"]
)
def test_what_can_no_longer_be_a_story_is_given_up_early(text: str) -> None:
    assert CHECK.early(text, asked_in("en")) is not None


def spec_of(story_type: StoryType, **changes: object) -> StorySpec:
    facts: dict[str, object] = {"story_type": story_type, "relationship_description": None} | changes
    if story_type is StoryType.COMBINED:
        facts["relationship_description"] = "best friends"
    child = None if story_type is StoryType.HERO else make_child()
    hero = None if story_type is StoryType.CHILD else make_hero()
    return make_spec(**facts | {"child": child, "hero": hero})


@pytest.mark.parametrize("story_type", StoryType)
@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "ru"])
@pytest.mark.parametrize("minutes", [None, 1, 2, 3, 5, 10, MAX_MINUTES])
def test_what_the_simulator_tells_is_a_story(story_type: StoryType, language: str, minutes: int | None) -> None:
    spec = spec_of(story_type, language=language, story_length=minutes)
    prompt = write_prompt(spec)
    attempt = make_attempt(prompt=prompt, language=language, story_length=minutes)

    story = parse_story(tell_story(prompt), "stop", spec.minutes)

    assert isinstance(story, ParsedStory)
    assert CHECK(story, asked_of(attempt)) is None


def test_what_the_simulator_tells_for_the_hundred_requests_of_the_benchmark_is_a_story() -> None:
    for _, spec in requests(100, seed=1):
        prompt = write_prompt(spec)
        told = tell_story(prompt)
        asked = asked_of(make_attempt(prompt=prompt, language=spec.language, story_length=spec.story_length))
        story = parse_story(told, "stop", spec.minutes)
        assert isinstance(story, ParsedStory)
        assert CHECK(story, asked) is None


def test_whatever_the_small_model_chooses_for_the_hundred_requests_is_a_story() -> None:
    """Its words stand in the columns of a gap's kind: here a die takes them."""
    die = random.Random(1)
    for id_, spec in requests(100, seed=1):
        arc = compose_arc(spec, id_)
        told = GAP.sub(
            lambda gap: " ".join(filter(None, (die.choice(words) for words in columns_of(gap["kind"], 0, 1)))), arc
        )
        attempt = make_attempt(prompt=write_arc_prompt(spec, id_), language="en", story_length=spec.story_length)
        story = parse_story(told, "stop", spec.minutes)
        assert isinstance(story, ParsedStory)
        assert CHECK(story, asked_of(attempt)) is None, told


def test_what_was_asked_for_is_read_out_of_the_prompt() -> None:
    for prompt in (write_prompt(make_spec()), write_arc_prompt(make_spec(), UUID(int=1))):
        asked = asked_of(make_attempt(prompt=prompt))
        assert asked.names == ("Mia", "Captain Fox")
        assert "kindness" in asked.family_words
        assert "Mia" not in asked.instructions
        assert "bedtime story" in asked.instructions


def test_of_a_prompt_that_came_in_beside_the_service_nothing_is_taken_for_a_name() -> None:
    asked = asked_of(make_attempt(prompt="Tell me about Mia", language=None, story_length=None))

    assert (asked.language, asked.minutes, asked.names) == ("en", None, ())
