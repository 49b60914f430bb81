"""An arc -> the grammar (llama.cpp's GBNF) of all the stories that it can become.

A model that is held to it writes the arc word for word, and in each gap words of the gap's kind, which it chooses by
what it has read so far. So no name, no brand and no broken sentence can come in.
"""

from __future__ import annotations

import zlib
from collections import Counter

from tales.domain.arcs.cast import GAP
from tales.domain.arcs.kinds import columns_of


def grammar_of(arc: str) -> str:
    """The grammar of `arc`. Raises: KeyError for a gap of no kind."""
    how_many, seen = Counter(GAP.findall(arc)), Counter[str]()
    lot = zlib.crc32(arc.encode())
    parts, rules, at = [], [], 0
    for gap in GAP.finditer(arc):
        kind = gap["kind"]
        number = seen[kind]
        seen[kind] += 1
        name = f"{kind}-{number}"
        parts += [_literal(arc[at : gap.start()]), name]
        rules.append(f"{name} ::= {_choice(columns_of(kind, number, how_many[kind], lot))}")
        at = gap.end()
    return "\n".join([f"root ::= {' '.join([*parts, _literal(arc[at:])])}", *rules, ""])


def _choice(columns: list[list[str]]) -> str:
    """One word or more of each column, with a space between them."""
    first, *others = columns
    written = [f"({' | '.join(map(_literal, first))})"]
    written += [f"({' | '.join(_literal(f' {words}' if words else '') for words in column)})" for column in others]
    return " ".join(written)


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
