"""An arc -> the grammar (llama.cpp's GBNF) of all the stories that it can become.

A model that is held to it writes the arc word for word, and a few plain words of its own in each gap: no capital
letter, so no other name and no brand; no digit, no mark, no quotation.
"""

from __future__ import annotations

from tales.domain.arcs.cast import GAP

LEAST_WORDS = 2
MOST_WORDS = 9
"""Of a gap. A small model that may say more loses its thread."""

SHUNNED = (
    *("my", "your", "our", "me", "you", "us", "we", "myself", "yourself", "himself", "herself", "itself", "themselves"),
    *("anymore", "who", "whose", "what", "most", "that", "which", "where", "when", "was", "were", "is", "are", "had"),
    *("has", "have", "would", "could", "can", "lay", "went", "they", "he", "she", "it", "name", "way", "garbage"),
)
"""Words with which it begins another sentence, talks to its reader, or goes round in circles: a gap is a thing."""

# A gap ends with a word that can end a sentence: an article or a preposition has three letters at most, nearly always.
_RULES = (
    'gap ::= (word " "){%d,%d} last\n'
    'word ::= [a-z]{1,10} ("\'" [a-z]{1,2})?\n'
    'last ::= [a-z]{4,10} | "air" | "bed" | "day" | "fun" | "him" | "joy" | "sea" | "sky" | "sun" | "too"\n'
)


def grammar_of(arc: str) -> str:
    """The grammar of `arc`."""
    fixed = arc.split(GAP)
    parts = [_literal(fixed[0])]
    for text in fixed[1:]:
        parts += ["gap", _literal(text)] if text else ["gap"]
    return f"root ::= {' '.join(parts)}\n" + _RULES % (LEAST_WORDS - 1, MOST_WORDS - 1)


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
