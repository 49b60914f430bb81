"""A model's answer without what no reader should see. The answer itself stays as it came, in `full_response`."""

from __future__ import annotations

import re

from tales.domain.visible_text import visible, without_opening_thought
from tales.domain.wrapping import unwrapped

# A story wrapped as if it were code. No bedtime story needs such a line.
_FENCE = re.compile(r"^[ \t]*```[\w-]*[ \t]*$", re.MULTILINE)
_UNSHOWABLE = re.compile("[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\ufeff]")
_EMPTY_LINES = re.compile(r"\n{3,}")


def clean(answer: str) -> str:
    r"""`answer` as readable text: lines end in `\n`, at most one empty line between two paragraphs.

    Left out: reasoning, what it is wrapped in (code fences, JSON, HTML), control characters, and lone surrogates,
    which no UTF-8 page could show.
    """
    # Some templates open a thought in the prompt, so that only its end arrives.
    story = _without_surrogates(unwrapped(without_opening_thought(visible(answer))))
    if "```" in story:
        story = _FENCE.sub("", story)
    text = "\n".join(line.rstrip() for line in _UNSHOWABLE.sub("", story).splitlines())
    return (_EMPTY_LINES.sub("\n\n", text) if "\n\n\n" in text else text).strip()


def _without_surrogates(text: str) -> str:
    """`text` with a pair of surrogates, which two pieces of a stream may bring, as one character, and no lone one."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
    return text
