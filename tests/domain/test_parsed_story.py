from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tales.domain.failures import Failure, FailureKind
from tales.domain.parsed_story import ParsedStory, count_words, parse_story
from tales.domain.titles import opening_words
from tests.domain.factories import words

STORY = f"Once upon a time there was a {words(40)}.\n\nAnd then they slept."


def kind_of(answer: str, finish_reason: str | None = "stop", minutes: int = 1) -> FailureKind | None:
    result = parse_story(answer, finish_reason, minutes)
    return result.kind if isinstance(result, Failure) else None


@pytest.mark.parametrize("finish_reason", ["stop", None, "eos"])
def test_a_good_answer_is_a_title_and_a_text(finish_reason: str | None) -> None:
    assert parse_story(f"Mia and the Moon\n\n{STORY}", finish_reason, 1) == ParsedStory("Mia and the Moon", STORY)


def test_a_story_without_a_title_keeps_all_its_text_under_its_first_words() -> None:
    story = "As the sun went down over the sleepy village, Mia heard a song. " * 5

    assert parse_story(story, "stop", 1) == ParsedStory("As the sun went down over the sleepy…", story.strip())


@pytest.mark.parametrize(
    ("story", "title"),
    [
        ("Mia slept.\n\nThen she woke.", "Mia slept."),
        ("むかしむかし、あるところに" * 5, "むかしむかし、あるところに" * 3 + "む…"),
        ("Mia, Ben, Tom, Eva, Ida, Max, Leo, Ada, and all the others", "Mia, Ben, Tom, Eva, Ida, Max, Leo, Ada…"),
    ],
)
def test_the_first_words_are_whole_ones(story: str, title: str) -> None:
    assert opening_words(story) == title


@pytest.mark.parametrize(
    "answer", ["", " ", "\n\r\n\t", "\u2028", "\ufeff", "\x00\x00", "\ud83d", "```\n```", "<think>hm"]
)
def test_an_answer_with_nothing_in_it_is_empty(answer: str) -> None:
    assert kind_of(answer) is FailureKind.EMPTY


@pytest.mark.parametrize("finish_reason", ["length", "max_tokens", "model_length"])
@pytest.mark.parametrize("answer", [f"Mia\n\n{STORY}", "Mia", "", "<think>I should write"])
def test_an_answer_that_reached_its_longest_length_is_cut_off(answer: str, finish_reason: str) -> None:
    assert kind_of(answer, finish_reason) is FailureKind.TRUNCATED


@pytest.mark.parametrize("answer", ["", STORY])
def test_an_answer_that_a_filter_withheld_is_against_a_policy(answer: str) -> None:
    assert kind_of(answer, "content_filter") is FailureKind.CONTENT_POLICY


@pytest.mark.parametrize(
    "answer", ["Mia and the Moon", "# Mia\n\nThe end.", "***", "🐉" * 200, "Sure! Here is a story:"]
)
def test_a_title_alone_or_a_few_words_are_too_short(answer: str) -> None:
    assert kind_of(answer) is FailureKind.TOO_SHORT


@pytest.mark.parametrize(("minutes", "least"), [(1, 20), (3, 20), (5, 32), (30, 195)])
def test_the_least_length_grows_with_what_was_asked_for(minutes: int, least: int) -> None:
    assert kind_of(words(least), minutes=minutes) is None
    failed = parse_story(words(least - 1), "stop", minutes)
    assert isinstance(failed, Failure)
    assert failed.kind is FailureKind.TOO_SHORT
    assert f"{least - 1} words; at least {least}" in failed.message


def test_a_refusal_is_told_from_a_short_answer() -> None:
    assert kind_of("I'm sorry, but I can't help with that.") is FailureKind.REFUSAL
    assert kind_of(f"I'm sorry, but I can't help with that. {words(60)}") is FailureKind.REFUSAL


def test_what_is_as_long_as_a_story_is_one_however_it_opens() -> None:
    opening = "I'm sorry, but I can't sleep."
    assert kind_of(f"{opening} {words(123)}") is FailureKind.REFUSAL
    assert kind_of(f"{opening} {words(124)}") is None


@pytest.mark.parametrize("answer", ["", "Mia", "I cannot write a story.", STORY])
@pytest.mark.parametrize("finish_reason", ["stop", "length", "content_filter"])
def test_a_reason_never_repeats_what_the_model_wrote(answer: str, finish_reason: str) -> None:
    result = parse_story(answer, finish_reason, 1)
    if isinstance(result, Failure):
        assert answer not in result.message or not answer


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("— … !", 0),
        ("Once upon a time,\nthere was a moon.", 8),
        ("don't self-made «mots» 3", 4),
        ("Příliš žluťoučký kůň", 3),
        ("Pr\u030ci\u0301lis\u030c z\u030clut\u030couc\u030cky\u0301 ku\u030an\u030c", 3),
        ("жила-була дівчинка", 2),
        ("كانَ يا ما كانَ", 4),
        ("एक समय की बात है", 5),
        ("कहानी सुनाती लड़की", 3),
        ("옛날 옛적에 작은 용이 살았어요", 5),
        ("むかしむかし、あるところに", 6),
        ("从前有一只小龙。", 3),
        ("𠮷野家", 1),
        ("กาลครั้งหนึ่ง", 6),
        ("Mia和月亮 sleep", 3),
    ],
)
def test_words_are_counted_in_each_script(text: str, count: int) -> None:
    assert count_words(text) == count


@given(st.text(st.characters(exclude_categories=()), max_size=200), st.sampled_from(["stop", "length", None]))
def test_whatever_a_model_writes_is_a_story_that_can_be_shown_or_a_failure(answer: str, finish_reason: str) -> None:
    result = parse_story(answer, finish_reason, 1)
    if isinstance(result, ParsedStory):
        assert result.title == result.title.strip() != ""
        assert result.text == result.text.strip() != ""
        assert "\n" not in result.title
        assert (result.title + result.text).encode()
        assert "\x00" not in result.title + result.text


PARAGRAPHS = st.lists(st.text(st.sampled_from("abcdef é龍 .,!?"), min_size=1, max_size=60), min_size=1, max_size=8)


@given(PARAGRAPHS)
def test_no_word_of_a_plain_story_is_lost(paragraphs: list[str]) -> None:
    answer = "\n\n".join(paragraphs)
    result = parse_story(f"{answer}\n\n{STORY}", "stop", 1)
    assert isinstance(result, ParsedStory)
    whole = f"{answer} {STORY}".split()
    assert whole in (result.text.split(), f"{result.title} {result.text}".split())
