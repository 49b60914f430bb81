from __future__ import annotations

import pytest

from tales.domain.titles import MAX_TITLE, split_title

STORY = "Once upon a time there was a moon.\n\nThen it slept."


@pytest.mark.parametrize(
    "first_lines",
    [
        "The Moon",
        "# The Moon",
        "###The Moon",
        "# The Moon #",
        "**The Moon**",
        "__The Moon__",
        "*The Moon*",
        "***The Moon***",
        "## **The Moon**",
        "Title: The Moon",
        "TITLE : The Moon",
        "**Title:** The Moon",
        "**Title: The Moon**",
        "**Title**: The Moon",
        "# Title: “The Moon”",
        "Title:\nThe Moon",
        "**Title:**\n\nThe Moon",
        "## Title\n\nThe Moon",
        '"The Moon"',
        "“The Moon”",
        "«The Moon»",
        "„The Moon“",
        "'The Moon'",
        '**"The Moon"**',
        '"**The Moon**"',
        "「The Moon」",
        "《The Moon》",
        "Titel: The Moon",
        "Titre : The Moon",
        "Título: The Moon",
        "Название: The Moon",
        "标题：The Moon",
        "タイトル：「The Moon」",
        "제목: The Moon",
        "العنوان: The Moon",
        "शीर्षक: The Moon",
        "The Moon\n---",
        "The Moon\n========",
        "The Moon\n\n* * *",
        "The Moon\n\nStory:",
        "**The Moon**\n\n**Story:**",
        "---\nThe Moon",
    ],
)
@pytest.mark.parametrize("gap", ["\n", "\n\n"])
def test_a_title_is_read_without_its_marks(first_lines: str, gap: str) -> None:
    assert split_title(f"{first_lines}{gap}{STORY}") == ("The Moon", STORY)


@pytest.mark.parametrize(
    "preamble",
    [
        "Sure! Here's a story:",
        "Sure! Here’s a bedtime story for Mia.",
        "Here is a gentle bedtime story about Mia and the dragons:",
        "Of course! Here is your tale!",
        "**Here's the story:**",
    ],
)
@pytest.mark.parametrize("title", ["The Moon", "**The Moon**", "Title: The Moon"])
def test_what_a_model_says_before_it_begins_is_left_out(preamble: str, title: str) -> None:
    assert split_title(f"{preamble}\n\n{title}\n\n{STORY}") == ("The Moon", STORY)


@pytest.mark.parametrize(
    "preamble", ["Hier ist deine Geschichte:", "¡Claro! Aquí tienes un cuento:", "好的，故事如下："]
)
def test_in_another_language_it_is_known_by_its_colon_before_a_marked_title(preamble: str) -> None:
    assert split_title(f"{preamble}\n\n# The Moon\n\n{STORY}") == ("The Moon", STORY)


def test_a_preamble_before_a_story_without_a_title_is_left_out_too() -> None:
    assert split_title(f"Sure! Here's a story:\n\n{STORY}") == (None, STORY)


@pytest.mark.parametrize(
    "title",
    [
        "Mia's Dragon",
        "The Dragons'",
        "Who Is There?",
        "Good Night!",
        "Mia #1",
        "“Hush” and “Hush”",
        "'Twas Night",
        "Story Time",
        "Titles and Crowns",
        "Here Comes the Moon",
        "🐉",
        "The Moon: A Tale",
        "3 Bears",
        "小龙和月亮",
        '"',
    ],
)
def test_a_title_keeps_what_is_its_own(title: str) -> None:
    assert split_title(f"{title}\n\n{STORY}") == (title, STORY)


@pytest.mark.parametrize(
    "story",
    [
        STORY,
        "Once.",
        "The Moon",
        f"{'x' * (MAX_TITLE + 1)}\n\nThen it slept.",
        "“Good night, Mia.”\n\nThen it slept.",
        "小龙睡着了。\n\n晚安。",
        "अच्छी रात।\n\nवह सो गई।",
        "**Once** upon a time there was a moon.\n\nThen it slept.",
        "",
    ],
)
def test_a_first_line_that_is_no_title_stays_in_the_story(story: str) -> None:
    assert split_title(story) == (None, story)


def test_a_marked_title_may_end_like_a_sentence() -> None:
    assert split_title(f"# Good night, Mia.\n\n{STORY}") == ("Good night, Mia.", STORY)


def test_a_title_has_at_most_120_characters() -> None:
    assert MAX_TITLE == 120
    assert split_title(f"{'x' * MAX_TITLE}\n\n{STORY}") == ("x" * MAX_TITLE, STORY)


def test_a_label_is_left_out_once() -> None:
    assert split_title(f"Title: A Title: The Moon\n\n{STORY}") == ("A Title: The Moon", STORY)


@pytest.mark.parametrize("line", ["“”", '""', "**“ ”**", "_"])
def test_marks_around_nothing_are_no_title(line: str) -> None:
    assert split_title(f"{line}\n\n{STORY}")[0] is None


def test_a_long_first_line_is_no_preamble_but_the_story() -> None:
    opening = "Here is the story of " + "x" * MAX_TITLE + "."
    assert split_title(f"{opening}\n\n{STORY}") == (None, f"{opening}\n\n{STORY}")
    longest = "Here is the story of " + "x" * (MAX_TITLE - 22) + "."
    assert split_title(f"{longest}\n\nThe Moon\n\n{STORY}") == ("The Moon", STORY)


def test_a_heading_that_is_too_long_for_a_title_loses_its_mark() -> None:
    long = "x" * (MAX_TITLE + 1)
    assert split_title(f"## {long}\n\n{STORY}") == (None, f"{long}\n\n{STORY}")


def test_a_first_line_with_a_colon_before_plain_words_is_the_storys_own() -> None:
    title, story = split_title("The moon said:\n\n“Sleep well, Mia.”\n\nAnd she slept.")
    assert f"{title}\n\n{story}" == "The moon said:\n\n“Sleep well, Mia.”\n\nAnd she slept."
