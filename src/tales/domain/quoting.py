"""What a family typed, in a form that stands in a prompt as data and cannot end where it stands.

A prompt is one text: nothing in it is out of reach of what follows. So data stand in quotation marks on one line, and
hold no character that could end those, begin another line, or be read as one of the marks that chat templates are made
of (<|im_start|>, [INST], </s>). Some servers read these even in the middle of a name.

Rows may hold what no check of today has seen: legacy ones, and those that came in beside the service.
"""

from __future__ import annotations

import unicodedata

from tales.domain.invisible import without_invisible

# Each of them, and whatever Unicode counts as the same (NFKC: full-width, small, mathematical forms).
_HARMLESS = {
    '"': "'",
    "`": "'",
    "\\": "/",
    "|": "/",
    "<": "(",
    ">": ")",
    "[": "(",
    "]": ")",
    "{": "(",
    "}": ")",
}
# Marks that a reader takes for one of those, although Unicode does not.
_LOOKALIKES = {
    **dict.fromkeys("“”„‟«»″‶〝〞〟❝❞״", "'"),
    **dict.fromkeys("‹〈⟨❮❬❰≺《〔【〖⟦", "("),
    **dict.fromkeys("›〉⟩❯❭❱≻》〕】〗⟧", ")"),
    **dict.fromkeys("∣│┃❘❙❚￨¦", "/"),
    **dict.fromkeys("∖⧵⧹", "/"),
}


def quoted(value: str, maximum: int) -> str:
    """`value` in quotation marks, on one line, `maximum` characters at most.

    Control characters, marks of direction and other invisible ones are gone; quotation marks, brackets, bars and
    backslashes have become harmless ones that read the same.
    """
    # Cut before and after: what came in beside the service may be megabytes.
    words = without_invisible("".join(map(_harmless, value[: maximum * 4])))
    words = " ".join(words.split())[:maximum]
    # What the cut has parted from what needed it.
    return f'"{without_invisible(words).strip()}"'


def _harmless(char: str) -> str:
    if char.isascii():
        return _HARMLESS.get(char) or (char if char.isprintable() else " ")
    if char in _LOOKALIKES:
        return _LOOKALIKES[char]
    category = unicodedata.category(char)
    if category in {"Cc", "Zl", "Zp"} or char == "\u2800":
        return " "
    # Not those without a name yet: emoji are newer than this Python.
    if category in {"Cs", "Co"}:
        return ""
    same = unicodedata.normalize("NFKC", char)
    return _HARMLESS.get(same, char)
