"""Answers that are whole and no stories: each breaks one rule of `tales.domain.story_rules`."""

from __future__ import annotations

from collections.abc import Callable

from tales.simulator.stories import NOBODY, language_of, tell_story


def _nameless(_prompt: str) -> str:
    """The story of somebody else."""
    return tell_story("").replace(NOBODY, "Nobody in particular")


def _of_facts(prompt: str) -> str:
    return "- child: somebody\n- age of the child: some years\n- moral of the story: good\n\n" + tell_story(prompt)


def _of_itself(prompt: str) -> str:
    return tell_story(prompt) + "\nThis is your last sentence."


def _looped(prompt: str) -> str:
    return tell_story(prompt) + "\n" + "And then they all went to sleep again. " * 20


def _marked(prompt: str) -> str:
    return tell_story(prompt).replace("moon", "**moon**").replace("Mond", "**Mond**")


def _unsuitable(prompt: str) -> str:
    return tell_story(prompt) + "\nAnd the murderer had a gun.\n"


def _in_another_language(prompt: str) -> str:
    other = "English" if language_of(prompt) == "German" else "German"
    lines = [line for line in prompt.split("\n") if not line.startswith("Write the story in ")]
    return tell_story("\n".join([*lines, f"Write the story in {other}"]))


NO_STORIES: dict[str, tuple[str, Callable[[str], str]]] = {
    "nameless": ("A story in which the child is not", _nameless),
    "facts": ("A list of the prompt's facts, then a story", _of_facts),
    "meta": ("A story that ends with a sentence about itself", _of_itself),
    "loop": ("A story that ends in a loop", _looped),
    "marked": ("A story with Markdown in it", _marked),
    "unsuitable": ("A story with words that are not for children", _unsuitable),
    "foreign": ("A story in another language", _in_another_language),
}
