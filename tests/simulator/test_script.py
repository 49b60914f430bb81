"""The grammar of scripts, and whose turn it is."""

from __future__ import annotations

import pytest

from tales.simulator.script import ScriptStep, Turns, UnknownStep, parse_script
from tales.simulator.steps import STEPS


def test_a_script_is_read_step_by_step_and_the_longest_form_wins() -> None:
    script = parse_script("sim/500-429-retry-after-7-slow-20-error-mid-stream-huge-json-ok", STEPS)
    assert script == (
        ScriptStep("500"),
        ScriptStep("429-retry-after-N", 7),
        ScriptStep("slow-MS", 20),
        ScriptStep("error-mid-stream"),
        ScriptStep("huge-json"),
        ScriptStep("ok"),
    )


@pytest.mark.parametrize(
    "model", ["sim/", "sim/ok-", "sim/slow", "sim/slow-fast", "sim/418", "gpt-4o", "", "sim/429-retry-after-9999999"]
)
def test_what_is_no_script_is_refused(model: str) -> None:
    with pytest.raises(UnknownStep):
        parse_script(model, STEPS)


def test_every_form_can_be_parsed_back_from_its_example() -> None:
    for step in STEPS.values():
        assert [parsed.form for parsed in parse_script(step.example, STEPS)] == [step.form]


def test_the_last_step_repeats_or_the_script_starts_over() -> None:
    turns = Turns()
    assert [turns.take("a", 3, starts_over=False) for _ in range(5)] == [0, 1, 2, 2, 2]
    assert [turns.take("b", 3, starts_over=True) for _ in range(5)] == [0, 1, 2, 0, 1]


def test_the_oldest_conversations_are_forgotten() -> None:
    turns = Turns(capacity=2)
    for conversation in "abc":
        turns.take(conversation, 2, starts_over=False)
    assert turns.take("a", 2, starts_over=False) == 0
    assert turns.take("c", 2, starts_over=False) == 1
