"""Which passwords anybody would try first."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

_PIECES = 2
_BESIDE = 3
_LONGEST_LOOKED_AT = 64
"""Characters. Nobody tries longer ones first."""


def is_common(password: str, common: AbstractSet[str], own: AbstractSet[str] = frozenset()) -> bool:
    """Whether a password is made of one or two of the `common` ones, or of what everybody knows of its user (`own`).

    Each may be repeated, and three characters may follow. A single letter, repeated, is common. All in lower case.
    """
    text = password.casefold()
    size = len(text)
    if size > _LONGEST_LOOKED_AT:
        return False
    pieces = [0] + [_PIECES + 1] * size
    for start in range(size):
        if pieces[start] >= _PIECES:
            continue
        for end in range(start + 1, size + 1):
            piece = text[start:end]
            if piece in common or piece in own or end == start + 1:
                behind = end
                while text.startswith(piece, behind):
                    behind += len(piece)
                    pieces[behind] = min(pieces[behind], pieces[start] + 1)
                if end > start + 1:
                    pieces[end] = min(pieces[end], pieces[start] + 1)
    return min(pieces[-_BESIDE - 1 :]) <= _PIECES
