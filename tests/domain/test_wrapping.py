from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tales.domain.answers import clean
from tales.domain.parsed_story import ParsedStory, parse_story
from tales.domain.wrapping import unwrapped
from tests.domain.factories import words

FIRST = f"Once upon a time there was a “moon”. {words(40)}"
TEXT = f"{FIRST}\n\nThen it slept."


def as_json(**fields: object) -> str:
    return json.dumps(fields, ensure_ascii=False)


STORIES = [
    as_json(title="T", story=TEXT),
    f"```json\n{as_json(title='T', story=TEXT)}\n```",
    f" ```json {as_json(title='T', story=TEXT)} ``` ",
    f"```\n{as_json(title='T', story=TEXT)}\n```",
    f"Here is the story:\n\n```json\n{as_json(title='T', story=TEXT)}\n```\n\nI hope you like it!",
    as_json(story=TEXT, title="T"),
    as_json(Title="T", Content=TEXT),
    as_json(titel="T", geschichte=TEXT),
    as_json(título="T", cuento=TEXT),
    as_json(название="T", сказка=TEXT),
    as_json(标题="T", 故事=TEXT),
    as_json(title="T", paragraphs=TEXT.split("\n\n")),
    as_json(title="T", pages=[{"page": 1, "text": part} for part in TEXT.split("\n\n")]),
    as_json(story={"title": "T", "text": TEXT}),
    as_json(result={"title": "T", "story": TEXT}),
    as_json(reasoning="A plan.", title="T", story=TEXT, moral="Be kind.", word_count=44),
    as_json(title="T", beginning=FIRST, end="Then it slept."),
    as_json(story_title="T", story_text=TEXT),
    f"[{as_json(title='T', story=TEXT)}]",
    as_json(title="T", story=TEXT).replace("\\n", "\n"),
    as_json(title="T", story=TEXT)[:-1] + ",}",
    json.dumps({"title": "T", "story": TEXT}, indent=2),
    json.dumps(f"T\n\n{TEXT}"),
    f"<html><head><title>T</title></head><body><h1>T</h1><p>{FIRST}</p><p>Then it slept.</p></body></html>",
    f"<!DOCTYPE html>\n<h1>T</h1>\n<p>{FIRST}</p>\n<p>Then it\nslept.</p>",
    f"```html\n<h1>T</h1>\n<p>{FIRST}</p>\n<p>Then it slept.</p>\n```",
    f"<h2>T</h2>\n\n{TEXT}",
    f"<title>T</title>\n<story>\n{TEXT}\n</story>",
    f"<b>T</b><br><br>{FIRST}<br/><br/>Then it <i>slept</i>.",
    f"<style>p {{ color: red }}</style><h1>T</h1><p>{FIRST}</p><p>Then&nbsp;it slept.</p>",
    f"<strong>T</strong>\n\n{TEXT}",
    f"<h1>T</h1><p>{FIRST.replace('“', '&ldquo;').replace('”', '&#8221;')}</p><p>Then it slept.</p>",
    f"<answer>{as_json(title='T', story=TEXT)}</answer>",
]


@pytest.mark.parametrize("answer", STORIES)
def test_a_story_is_taken_out_of_what_it_is_wrapped_in(answer: str) -> None:
    assert parse_story(answer, "stop", 1) == ParsedStory("T", TEXT)


def test_a_title_that_is_a_sentence_is_one() -> None:
    assert parse_story(as_json(title="Good night, Mia.", story=TEXT), "stop", 1) == ParsedStory(
        "Good night, Mia.", TEXT
    )


@pytest.mark.parametrize(
    "text",
    [
        "He <whispered> it.",
        "Mia & Tom",
        "{",
        "{not json}",
        '{"title": "T"}',
        "[Mia] said nothing.",
        '"Good night," said Mia. "Sleep well."',
        "I <3 you",
        '{"title": 1, "story": 2}',
        "[1, 2, 3]",
        "A & B; C",
        '{"a": ' * 10_000,
    ],
)
def test_what_is_not_wrapped_stays_as_it_is(text: str) -> None:
    assert unwrapped(text) == text


def test_entities_are_characters() -> None:
    assert clean("Mia &amp; Tom &amp;lt;3 it&#39;s") == "Mia & Tom <3 it's"


@pytest.mark.parametrize(
    "text", ["<p>" * 100_000, "<style>" * 50_000, '{"a":' * 100_000, "&amp;" * 100_000, "[" * 100_000]
)
def test_a_long_answer_takes_no_time(text: str) -> None:
    # Of this process alone: what others do on the machine does not count. By the square of its length it takes hours.
    start = time.process_time()
    clean(text)
    assert time.process_time() - start < 10.0


@given(st.lists(st.sampled_from([*'<>{}[]"&;/#:, ', "p", "h1", "<p>", "</p>", '"title":', "&amp;", "\n"]), max_size=30))
def test_nothing_that_a_model_writes_is_an_error(pieces: list[str]) -> None:
    clean("".join(pieces))
