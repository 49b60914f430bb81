"""SQL that is rewritten to find moved columns in generations."""

from __future__ import annotations

import pytest

from tales.infrastructure.persistence.preflight.rewrite import (
    join_generations,
    quoted,
    read_from_generations,
    renamed,
    tokens,
)

_COLUMNS = ("id", "moral", 'Odd"one')


@pytest.mark.parametrize("sql", ["select 'it''s' || \"a\"\"b\" from t", "", "SELECT\n  1;", "E'a\\\\b' 'ä'"])
def test_tokens_give_the_text_back(sql: str) -> None:
    assert "".join(tokens(sql)) == sql


@pytest.mark.parametrize(
    ("sql", "alias"),
    [
        ("SELECT moral FROM tales.stories", " stories"),
        ("SELECT moral FROM tales.stories WHERE true", " stories WHERE true"),
        ("SELECT s.moral FROM tales.stories s", " s"),
        ('SELECT moral FROM tales.stories "Where"', ' "Where"'),
        ("SELECT c FROM (x JOIN tales.stories ON true)", " stories ON true)"),
    ],
)
def test_a_table_that_is_read_becomes_a_join_under_the_same_alias(sql: str, alias: str) -> None:
    mended = join_generations(sql, _COLUMNS)
    assert mended is not None
    assert 'SELECT s.id, g.moral, s."Odd""one" FROM tales.stories AS s JOIN tales.generations AS g' in mended
    assert mended.endswith(f"){alias}")


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE tales.stories SET moral = ''",
        "INSERT INTO tales.stories DEFAULT VALUES",
        "DELETE FROM tales.stories WHERE false",
        "SELECT NULL::tales.stories",
        "SELECT moral FROM ONLY tales.stories",
        "SELECT 'FROM tales.stories'",
        "SELECT moral FROM tales.stories_by_model",
    ],
)
def test_what_is_not_read_as_a_table_is_left_alone(sql: str) -> None:
    assert join_generations(sql, _COLUMNS) is None


def test_columns_of_a_row_are_looked_up_and_words_are_not() -> None:
    mended = read_from_generations("((moral = 'moral') AND (stories.moral <> other.moral) AND (\"moral\" = title))")
    assert mended.count("SELECT g.moral FROM tales.generations AS g") == 2
    assert "= 'moral')" in mended
    assert "<> other.moral)" in mended
    assert '("moral" = title)' in mended


def test_names() -> None:
    assert (quoted("plain_1"), quoted('o"dd'), quoted("Big")) == ("plain_1", '"o""dd"', '"Big"')
    assert renamed("stories_moral_idx") == "generations_moral_idx"
    assert renamed("by_moral") == "generations_by_moral"
    assert renamed("stories_a", ["generations_a"]) == "legacy_generations_a"
    assert len(renamed("ä" * 31).encode()) <= 63
