"""Words in stories: what the rough look lets pass is all that has them, in whatever letters."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.fixtures.databases import Database

# Words of several scripts, letters that change with case in unusual ways, and what patterns and queries take for signs.
LETTERS = "aAiIkKsS0_%\\'\"&|!:*-./@<>() İıKſßΣσςÅΆάЖжǅ\u0307竜月ดか한" + "\u00ad\u200d"
texts = st.text(LETTERS, max_size=40)
words = st.text(LETTERS, min_size=1, max_size=12)

BOTH = """
    select coalesce(tales.story_has(title, content, tales.search_patterns(words), query), false) as rough,
        coalesce(to_tsvector('simple', tales.spaced(title || ' ' || content)) @@ query, false) as thorough
    from (values (%s::text, %s::text, %s::text)) as story (title, content, words), tales.search_query(words) as query
"""


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=texts, word=words, after=texts)
@example(before="", word="ΟΔΟΣ", after=".Α")
@example(before="", word="İYİ", after="")
def test_the_rough_look_loses_nothing(database: Database, before: str, word: str, after: str) -> None:
    for content in (before + word + after, before + after):
        (found,) = database.rows(BOTH, "The Kind Dragon", content, word)
        assert found["rough"] == found["thorough"]


@pytest.mark.parametrize(
    ("words", "is_found"),
    [("a_b", True), ("50%", True), ("back\\slash", True), ("axb", False), ("5", True), ("'", False), ("", False)],
)
def test_signs_of_patterns_are_letters(database: Database, words: str, is_found: bool) -> None:
    (found,) = database.rows(BOTH, "a_b", "50% back\\slash", words)

    assert (found["rough"], found["thorough"]) == (is_found, is_found)
