"""The preflight leaves no trace, and shows no family's words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, text

from tales.legacy.check import check
from tests.fixtures.catalog import catalog
from tests.fixtures.databases import Database
from tests.legacy.check.looking import look
from tests.legacy.library import add_story, add_user, add_varied_stories, stories


def test_nothing_is_written(legacy_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    add_varied_stories(legacy_database, add_user(legacy_database))
    add_story(legacy_database, None)
    legacy_database.execute("create view tales.morals as select moral from tales.stories")
    before = catalog(legacy_database.owner_url), stories(legacy_database)
    seen: list[tuple[object, ...]] = []
    read = check._reading

    @contextmanager
    def reading(*arguments: object) -> Iterator[Connection]:
        with read(*arguments) as connection:  # type: ignore[arg-type]
            yield connection
            how = "current_setting('transaction_read_only'), current_setting('transaction_isolation')"
            seen.append(tuple(connection.execute(text(f"select pg_current_xact_id_if_assigned(), {how}")).one()))

    monkeypatch.setattr(check, "_reading", reading)
    look(legacy_database)
    assert seen == [(None, "on", "repeatable read")]
    assert (catalog(legacy_database.owner_url), stories(legacy_database)) == before


def test_no_familys_words_are_told(legacy_database: Database) -> None:
    words = {
        "title": "Secret1", "content": "Secret2", "moral": "Secret3", "model_used": "Secret4", "story_type": "Secret5",
        "full_response": {"a": "Secret6"}, "generation_info": "Secret7", "hero_appearance": "Secret8",
    }  # fmt: skip
    add_story(legacy_database, None, **words, story_length=-1)
    report = look(legacy_database)
    assert len(report.causes) == 3
    assert "Secret" not in repr(report)
