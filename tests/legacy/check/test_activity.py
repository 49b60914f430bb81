"""What goes on in the database while the preflight looks."""

from __future__ import annotations

import pytest

from tales.legacy.check.activity import lagging_standby, prepared_transaction
from tales.legacy.check.check import CheckInterrupted
from tests.fixtures.databases import Database
from tests.legacy.check.looking import findings, look, the_finding
from tests.legacy.library import add_story


def test_a_long_transaction_is_told(legacy_database: Database) -> None:
    with legacy_database.connect() as other, other.transaction():
        pid = other.info.backend_pid
        other.execute("select 'secret' from tales.stories")
        finding = the_finding(look(legacy_database, long_transaction=0.0), "long_transaction")
        assert f"Process {pid} " in finding.sentence
        assert "idle in transaction" in finding.sentence
        assert "secret" not in finding.sentence
        assert findings(look(legacy_database), "long_transaction") == []


def test_a_strong_lock_is_told(legacy_database: Database) -> None:
    with legacy_database.connect() as other, other.transaction():
        other.execute("lock table tales.children in share mode")
        assert "holds ShareLock on tales.children" in the_finding(look(legacy_database), "locked").sentence


def test_a_lock_that_keeps_readers_out_ends_the_check_in_a_sentence(legacy_database: Database) -> None:
    with legacy_database.connect() as other, other.transaction():
        pid = other.info.backend_pid
        other.execute("lock table tales.stories in access exclusive mode")
        with pytest.raises(CheckInterrupted, match=rf"Process {pid} holds AccessExclusiveLock on tales.stories"):
            look(legacy_database)


def test_a_table_that_the_check_did_not_expect_to_be_locked(legacy_database: Database) -> None:
    add_story(legacy_database, None)
    with legacy_database.connect() as other, other.transaction():
        other.execute("lock table auth.users in access exclusive mode")
        with pytest.raises(CheckInterrupted, match="waited 5 s for a table that somebody has locked"):
            look(legacy_database)


def test_a_statement_that_takes_too_long_ends_the_check_in_a_sentence(
    legacy_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tales.legacy.check.check.LOCK_TIMEOUT", "0")
    with legacy_database.connect() as other, other.transaction():
        other.execute("lock table auth.users in access exclusive mode")
        with pytest.raises(CheckInterrupted, match=r"took longer than 1 s.*--statement-timeout"):
            look(legacy_database, statement_timeout=1)


def test_a_forgotten_replication_slot_is_told(legacy_database: Database) -> None:
    slot = f"{legacy_database.name}_slot"
    legacy_database.execute("select pg_create_physical_replication_slot(%s, true)", slot)
    try:
        told = [finding.sentence for finding in findings(look(legacy_database), "slot_behind")]
    finally:
        legacy_database.execute("select pg_drop_replication_slot(%s)", slot)
    assert any(slot in sentence and "used by nobody" in sentence for sentence in told)


def test_what_a_test_server_has_none_of_is_told_in_words() -> None:
    assert prepared_transaction("'a''b'", 90).statements == ("rollback prepared 'a''b';",)
    assert "90 s" in prepared_transaction("'a'", 90).sentence
    assert "31 s behind" in lagging_standby("replica", 31).sentence
