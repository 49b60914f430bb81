"""What a page shows of attempts: prompts line by line."""

from __future__ import annotations

import time

from tales.interfaces.web.operator.anatomy import Line, prompt_difference


def test_every_line_of_both_prompts_is_shown_in_order() -> None:
    found = prompt_difference("Once\nupon a time\nthere was", "Once\nupon a night\nthere was\na bear")

    assert found == [
        Line(" ", "Once"),
        Line("-", "upon a time"),
        Line("+", "upon a night"),
        Line(" ", "there was"),
        Line("+", "a bear"),
    ]
    assert prompt_difference("", "a\n") == [Line("+", "a")]
    assert prompt_difference("", "") == []


def test_long_lines_are_compared_whole() -> None:
    before, behind = (f"{begin}{'a tale of bears ' * 900}\n" * 2 for begin in ("Once ", "Then "))
    begun = time.process_time()

    assert [line.sign for line in prompt_difference(before, behind)] == ["-", "-", "+", "+"]
    assert time.process_time() - begun < 1, "letter by letter it takes many seconds"
