"""What a table shows of a row cannot move an operator's cursor, set their title or turn a line round."""

from __future__ import annotations

import io
import unicodedata
from dataclasses import replace
from uuid import UUID

import pytest
from rich.console import Console, RenderableType

from tales import client
from tales.domain.generation import Generation, Status
from tales.interfaces.cli.tables import (
    attempt_details,
    attempts_table,
    generations_table,
    stories_table,
    story_details,
)
from tests.domain.factories import make_generation

HOSTILE = "a\x1b]0;b\x07c\x1b[2Jd\u202ee\x9b1mf\u2066g\ud800h"


def shown(part: RenderableType) -> str:
    """What would go to a terminal that knows no colours."""
    console = Console(file=io.StringIO(), width=200, color_system=None, force_terminal=True)
    with console.capture() as capture:
        console.print(part)
    return capture.get()


@pytest.fixture
def hostile() -> Generation:
    """A row that came in beside the service, or that a provider has filled."""
    generation = make_generation(Status.SUCCESS)
    names = ("model_used", "prompt", "error_message", "provider", "served_model", "provider_generation_id")
    attempt = replace(
        generation.latest,
        full_response={HOSTILE: [HOSTILE]},
        error_type=HOSTILE,
        **dict.fromkeys((*names, "prompt_version"), HOSTILE),  # type: ignore[arg-type]
    )
    return replace(generation, attempts=(attempt,))


def test_no_control_character_of_a_row_reaches_a_terminal(hostile: Generation) -> None:
    parts = (attempts_table(hostile), generations_table([hostile]), attempt_details(hostile.latest))
    for text in map(shown, parts):
        kinds = {unicodedata.category(char) for char in text if char != "\n"}
        assert not kinds & {"Cc", "Cf", "Cs"}
        assert "\\x1b]0;b" in text, "it is spelled out"


def test_what_is_harmless_is_shown_as_it_is() -> None:
    generation = make_generation(Status.SUCCESS)
    attempt = replace(generation.latest, prompt="Zoë\tund 👩\u200d🚀\nعلي")
    assert "Zoë" in shown(attempt_details(attempt))
    assert "👩\u200d🚀" in shown(attempt_details(attempt))
    assert "علي" in shown(attempt_details(attempt))


def test_what_a_server_answers_is_spelled_out_as_well() -> None:
    attempt = client.Attempt(attempt_number=1, status=f"[red]{HOSTILE}", model_used=HOSTILE, error_type=HOSTILE)
    answered = client.Generation(
        generation_id=UUID(int=1), status=f"[red]{HOSTILE}", story_type=HOSTILE, attempts=(attempt,)
    )
    parts = (attempts_table(answered), generations_table([answered]), attempt_details(attempt))
    for text in map(shown, parts):
        assert not {unicodedata.category(char) for char in text if char != "\n"} & {"Cc", "Cf", "Cs"}
        assert "[red]a\\x1b]0;b" in text


def test_a_generation_without_attempts_is_no_reason_to_fail() -> None:
    answered = client.Generation(generation_id=UUID(int=1), status="pending")

    assert "pending" in shown(generations_table([answered]))
    assert str(UUID(int=1)) in shown(attempts_table(answered))


def test_a_story_cannot_move_a_cursor_either() -> None:
    story = client.Story(id=UUID(int=1), title=f"[red]{HOSTILE}", content=f"[red]{HOSTILE}")
    for text in map(shown, (stories_table([story]), story_details(story))):
        assert not {unicodedata.category(char) for char in text if char != "\n"} & {"Cc", "Cf", "Cs"}
        assert "[red]a\\x1b]0;b" in text


@pytest.mark.parametrize("width", [40, 60, 80])
def test_nothing_is_wider_than_the_terminal(width: int) -> None:
    generation = make_generation(Status.SUCCESS)
    story = client.Story(id=UUID(int=1), title="The Lantern " * 9, content="A hedgehog found a lantern. " * 9)
    console = Console(file=io.StringIO(), width=width)
    for part in (generations_table([generation]), stories_table([story]), story_details(story)):
        with console.capture() as capture:
            console.print(part)
        assert max(map(len, capture.get().splitlines())) <= width
