"""200 good stories in five languages, with many a word that looks like an unsuitable one: no rule may refuse them."""

from __future__ import annotations

from pathlib import Path

from tales.domain.parsed_story import ParsedStory, parse_story
from tales.domain.story_rules import Asked, StoryCheck
from tales.infrastructure.stories.languages import LanguageDetector
from tales.infrastructure.stories.words import UnsuitableWords

FOLDER = Path(__file__).parents[2] / "data" / "good_stories"
CHECK = StoryCheck(LanguageDetector().speaks, UnsuitableWords().are_in)
MOST_FALSE_ALARMS = 3


def good_stories() -> list[tuple[str, tuple[str, ...], str, str]]:
    """Language, names, title and text of each: a file for each language, with two lines for each story."""
    stories = []
    for file in sorted(FOLDER.glob("*.txt")):
        for story in file.read_text(encoding="utf-8").removeprefix("# ").split("\n# "):
            head, _, text = story.strip().partition("\n")
            names, _, title = head.partition(" | ")
            stories.append((file.stem, tuple(names.split(", ")), title, text))
    return stories


def test_good_stories_pass_every_rule_whole_and_half() -> None:
    stories = good_stories()
    alarms = []
    for language, names, title, text in stories:
        asked = Asked(language, 1, names, "", "\n".join(names))
        # The rules are held against what is left of an answer when it has been parsed.
        story = parse_story(f"{title}\n\n{text}", "stop", 1)
        assert isinstance(story, ParsedStory), title
        failure = CHECK(story, asked) or CHECK.early(text[: len(text) * 2 // 3], asked)
        if failure is not None:
            alarms.append((language, title, str(failure.kind)))

    assert [sum(story[0] == language for story in stories) for language in ("de", "en", "es", "fr", "ru")] == [40] * 5
    assert len(set(stories)) == 200
    assert len(alarms) < MOST_FALSE_ALARMS, alarms
