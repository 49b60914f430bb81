from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tales.domain.answers import clean
from tales.domain.visible_text import VisibleText, visible

STORY = "Title\n\nText of <3 hearts, [a song] & more."

THOUGHTS = [
    "<think>plan</think>",
    "<thinking>plan</thinking>",
    "<Thinking>\nplan\n</Thinking>\n\n",
    "<reasoning>plan</reasoning>",
    "<thought>plan</thought>",
    "<reflection>plan</reflection>",
    "<scratchpad>plan <b>bold</b> plan</scratchpad>",
    "<seed:think>plan</seed:think>",
    "<antThinking>plan</antThinking>",
    '<thinking type="deep">plan</thinking>',
    "<plan>plan</plan>",
    "[THINK]plan[/THINK]",
    "[REASONING]plan[/REASONING]",
    "◁think▷plan◁/think▷",
    "<|START_THINKING|>plan<|END_THINKING|><|START_RESPONSE|>",
    "<|begin_of_thought|>plan<|end_of_thought|>\n\n<|begin_of_solution|>",
    "<|channel>thought\nplan<channel|>",
    "<think>a</think><think>b</think>",
    "<think>a <|im_end|> b</think>",
    "<|think|>plan<|/think|>",
    "&lt;think&gt;plan&lt;/think&gt;",
    "<|channel|>analysis<|message|>The user wants..<|end|><|start|>assistant<|channel|>final<|message|>",
    "<|start|>assistant<|channel|>analysis<|message|>plan<|end|><|start|>assistant<|channel|>final<|message|>",
    "<|channel|>analysis<|message|>plan<|channel|>final <|constrain|>json<|message|>",
    "<|channel|>commentary to=functions.x<|message|>{}<|call|><|start|>assistant<|message|>",
    "analysisThe user wants a story.assistantfinal",
    "<|im_start|>assistant\n",
    "<|start_header_id|>assistant<|end_header_id|>\n\n",
    "<start_of_turn>model\n",
    "<|assistant|>",
    "<s>",
    "[INST]Write.[/INST] ",
    "<answer>",
]
ENDS = [
    *("<|im_end|>", "<|eot_id|>", "</s>", "<end_of_turn>", "<|end|>", "<|endoftext|>", "<|end_of_text|>", "<eos>"),
    *("<|return|>", "<|eom_id|>", "<|END_OF_TURN_TOKEN|>", "<｜end▁of▁sentence｜>", "<|eot|>", "<turn|>", "</answer>"),
    *("<|END_RESPONSE|>", "<|end_of_solution|>", "<end_of_utterance>", "[EOS]", "<|a_mark_of_next_year|>", "<pad>"),
    "<|im_end|>\n<|im_start|>user\nThanks!<|im_end|>\n<|im_start|>assistant\nYou are welcome.",
]


@pytest.mark.parametrize("thought", THOUGHTS)
def test_thoughts_and_marks_before_a_story_are_not_seen(thought: str) -> None:
    if thought.startswith("[INST]"):
        assert visible(thought + STORY).endswith(STORY)
    else:
        assert visible(thought + STORY).strip() == STORY
        assert clean(thought + STORY) == STORY


@pytest.mark.parametrize("end", ENDS)
def test_nor_are_the_marks_after_it_and_what_comes_then(end: str) -> None:
    assert visible(STORY + end) == STORY


@pytest.mark.parametrize("end", ["</think>", "</thinking>", "</reasoning>", "[/THINK]", "◁/think▷"])
def test_a_thought_that_the_template_opened_is_cut_out_once_its_end_shows(end: str) -> None:
    assert clean(f"plan\nplan{end}\n\n{STORY}") == STORY


@pytest.mark.parametrize("begun", ["<think>plan", "<thinking>", "[THINK]plan", "<|channel|>analysis<|message|>plan"])
def test_a_model_that_only_thought_shows_nothing(begun: str) -> None:
    assert visible(begun) == ""


@pytest.mark.parametrize(
    "text",
    [
        *(STORY, "I <3 you", "a < b", "<Mia>", "[think", "5 <", "[", "<", "Analysis of a dragon", "analysis", "anal"),
        *(
            "analysis of dreams",
            "He <whispered> it",
            "[Thinker] said",
            "R&D &lt;3",
            "<<",
            "<|",
            "  \n",
            "a thinking cap",
        ),
        "Once <em>upon</em> a time",
    ],
)
def test_a_storys_own_words_stay(text: str) -> None:
    assert visible(text) == text


MARKS = st.sampled_from([*THOUGHTS, *ENDS, *"<[|>&]/", "think", "</", "<|", "&lt;", "analysis", "assistantfinal", "\n"])


@given(st.lists(MARKS | st.text(max_size=4), max_size=8).map("".join), st.lists(st.integers(0, 200), max_size=12))
def test_in_whatever_pieces_a_text_comes_the_same_is_seen(text: str, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    reading = VisibleText()
    seen = "".join(reading.feed(text[start:end]) for start, end in pairwise(places)) + reading.end()
    assert seen == visible(text)


@given(st.lists(MARKS, max_size=6).map("".join))
def test_nor_does_it_matter_when_every_piece_is_one_character(text: str) -> None:
    reading = VisibleText()
    assert "".join(map(reading.feed, text)) + reading.end() == visible(text)


def test_what_is_seen_of_a_long_text_is_seen_at_once() -> None:
    reading = VisibleText()
    assert reading.feed("Once") == "Once"
    assert reading.feed(" upon <") == " upon "
    assert reading.feed("3 a time") == "<3 a time"
