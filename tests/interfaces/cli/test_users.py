"""`tales users`: accounts and admins."""

from __future__ import annotations

import io
import json
from pathlib import Path
from uuid import UUID

import pytest

from tests.fixtures.databases import Database
from tests.interfaces.cli.conftest import Tales

ADDRESS = "ada@example.org"
PASSWORD = "correct horse battery"


@pytest.fixture
def types(monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that gives a password."""
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))


@pytest.mark.usefixtures("types")
def test_an_account_is_opened_with_a_password_from_standard_input(tales: Tales, database: Database) -> None:
    ran = tales("users", "create", "Ada@Example.org")

    assert ran.status == 0, ran.err
    (account,) = database.rows("select * from tales.accounts")
    assert (UUID(ran.out.strip()), ADDRESS, False) == (account["user_id"], account["email"], account["is_admin"])
    assert "ada@example.org has an account" in ran.err
    assert PASSWORD not in ran.out + ran.err


@pytest.mark.usefixtures("types")
def test_an_address_that_has_an_account_or_is_none(tales: Tales, monkeypatch: pytest.MonkeyPatch) -> None:
    tales("users", "create", ADDRESS)

    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD))
    again = tales("users", "create", ADDRESS)
    assert (again.status, "has an account already" in again.err) == (1, True)
    none = tales("users", "create", "ada")
    assert (none.status, "no e-mail address" in none.err) == (1, True)


@pytest.mark.usefixtures("types")
def test_a_forgotten_password_is_replaced(tales: Tales, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    tales("users", "create", ADDRESS)
    before = database.rows("select password_hash from tales.accounts")

    monkeypatch.setattr("sys.stdin", io.StringIO("another horse battery\n"))
    ran = tales("users", "reset", "Ada@example.org")

    assert (ran.status, "new password" in ran.err) == (0, True), ran.err
    assert "another horse" not in ran.out + ran.err
    assert database.rows("select password_hash from tales.accounts") != before
    monkeypatch.setattr("sys.stdin", io.StringIO("another horse battery\n"))
    nobody = tales("users", "reset", "eve@example.org")
    assert (nobody.status, "no account of eve@example.org" in nobody.err) == (1, True)


def test_no_password_is_too_short_a_one(tales: Tales, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))

    ran = tales("users", "create", ADDRESS)

    assert (ran.status, "Use a password of 15" in ran.err) == (1, True)


@pytest.mark.usefixtures("types")
def test_an_admin_is_appointed_and_dismissed(tales: Tales, database: Database) -> None:
    tales("users", "create", ADDRESS)

    appointed = tales("users", "admin", "Ada@example.org")
    assert (appointed.status, "is an admin" in appointed.err) == (0, True)
    assert database.rows("select is_admin from tales.accounts") == [{"is_admin": True}]

    dismissed = tales("users", "admin", ADDRESS, "--revoke")
    assert (dismissed.status, "no longer" in dismissed.err) == (0, True)
    assert database.rows("select is_admin from tales.accounts") == [{"is_admin": False}]


def test_somebody_without_an_account_is_no_admin(tales: Tales) -> None:
    ran = tales("users", "admin", "eve@example.org")

    assert (ran.status, "There is no account of eve@example.org" in ran.err) == (1, True)


@pytest.mark.usefixtures("types")
@pytest.mark.parametrize("command", ["create", "admin"])
def test_where_another_provider_signs_users_in_nobody_gets_an_account_here(tales: Tales, command: str) -> None:
    tales.set(TALES_JWKS_URL="https://auth.example.org/jwks.json")

    ran = tales("users", command, ADDRESS)

    assert (ran.status, "at the provider" in ran.err) == (1, True)


@pytest.mark.parametrize("url", ["http://auth.example.org/jwks.json", "ftp://127.0.0.1/x", "nonsense", "https://"])
def test_keys_come_over_a_line_that_nobody_can_change(tales: Tales, url: str) -> None:
    tales.set(TALES_JWKS_URL=url)

    ran = tales("users", "admin", ADDRESS)

    assert (ran.status, "TALES_JWKS_URL cannot be used" in ran.err) == (1, True)


@pytest.mark.usefixtures("types")
def test_a_user_is_exported_to_a_file_of_ones_own_and_erased(tales: Tales, database: Database, tmp_path: Path) -> None:
    user_id = tales("users", "create", ADDRESS).out.strip()
    database.execute("insert into tales.children (user_id, name, age) values (%s, 'Mia', 6)", user_id)
    file = tmp_path / "ada.json"

    exported = tales("users", "export", ADDRESS, "--to", str(file))

    assert exported.status == 0, exported.err
    document = json.loads(file.read_text())
    assert (document["user"]["email"], document["children"][0]["name"]) == (ADDRESS, "Mia")
    assert file.stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir()] == ["ada.json"]
    again = tales("users", "export", user_id, "--to", str(file))
    assert (again.status, "exists already" in again.err) == (1, True)

    erased = tales("users", "erase", ADDRESS, "--yes")

    assert erased.status == 0, erased.err
    assert database.rows("select from auth.users") == []
    gone = tales("users", "erase", ADDRESS, "--yes")
    assert (gone.status, f"There is no account {ADDRESS}." in gone.err) == (1, True)
    assert tales("users", "erase", user_id, "--yes").status == 1


@pytest.mark.usefixtures("types")
def test_nobody_is_erased_without_a_yes(
    tales: Tales, database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tales("users", "create", ADDRESS)
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))

    ran = tales("users", "erase", ADDRESS)

    assert (ran.status, "Nothing was erased." in ran.err) == (1, True)
    assert len(database.rows("select from auth.users")) == 1
    nowhere = tales("users", "export", ADDRESS, "--to", str(tmp_path / "no" / "ada.json"))
    assert (nowhere.status, "cannot be written" in nowhere.err) == (1, True)
