"""What the models of a provider can be asked for. What a model cannot is refused at once, and not tried in vain."""

from __future__ import annotations

from dataclasses import dataclass

from tales.domain.errors import InvalidInput
from tales.domain.story_spec import LANGUAGES, MAX_MINUTES

_INSTEAD = "set OPENROUTER_API_KEY, TALES_LLM_BASE_URL, or TALES_LOCAL_MODEL to a larger model's GGUF file"


@dataclass(frozen=True, slots=True)
class Abilities:
    """The `languages` that models write (None: all that are offered), and how many `minutes` a story of theirs has.

    `needs_arc`: they tell a sentence well and no story, so they get one that is half written.
    """

    languages: frozenset[str] | None = None
    minutes: int = MAX_MINUTES
    needs_arc: bool = False

    def check(self, language: str, minutes: int | None) -> None:
        """Raises: InvalidInput, with what to do, for what these models cannot write. What nobody offers passes here."""
        if self.languages is not None and language in LANGUAGES and language not in self.languages:
            able = " and ".join(LANGUAGES[code] for code in sorted(self.languages))
            raise InvalidInput(
                "language",
                f"The small model that comes along writes {able} alone. For {LANGUAGES[language]}, {_INSTEAD}.",
            )
        if minutes is not None and self.minutes < minutes <= MAX_MINUTES:
            raise InvalidInput(
                "story_length",
                f"The small model that comes along writes stories of up to {self.minutes} minutes. "
                f"For longer ones, {_INSTEAD}.",
            )


EVERYTHING = Abilities()
SMALL_MODEL = Abilities(frozenset({"en"}), minutes=10, needs_arc=True)
"""Of the model that comes along: it has read little but English, and loses its thread."""
