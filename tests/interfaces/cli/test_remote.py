"""`tales --server URL ...`: the same commands, and a server does the work. No database is started here."""

from __future__ import annotations

import io
import json
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tales.client import Tales as Client
from tests.client.conftest import Service, running_service
from tests.fixtures.databases import Database
from tests.fixtures.environment import home_folder
from tests.interfaces.cli.conftest import Tales

MIA = ("write", "Mia", "--age", "6", "--likes", "dragons", "--moral", "kindness")
PASSWORD = "correct horse battery"


@pytest.fixture
def service(database: Database) -> Iterator[Service]:
    """A server of the test's own."""
    with running_service(database, "sim/500-ok") as service:
        yield service


@pytest.fixture
def home(bare_tales: Tales) -> Path:
    """The folder where this machine would keep its own stories, which does not exist yet."""
    home = home_folder()
    bare_tales.set(TALES_HOME=str(home))
    return home


@pytest.fixture
def remote(bare_tales: Tales, home: Path, service: Service) -> Tales:
    """The command line of a family that is signed in at the server."""
    bare_tales.set(TALES_HOME=str(home), TALES_SERVER=service.address, TALES_TOKEN=service.new_family())
    return bare_tales


def type_in(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_a_story_is_written_by_the_server_and_nothing_is_started_here(remote: Tales, home: Path) -> None:
    ran = remote(*MIA)

    assert ran.status == 0
    assert ran.out.startswith("Mia and the Lantern in the Garden\n\n")
    assert "server_error" in ran.err
    assert "success" in ran.err
    assert not home.exists()


def test_the_json_has_the_form_of_a_story_that_is_written_here(remote: Tales, tales: Tales) -> None:
    there = remote(*MIA, "--json").json
    remote.set(TALES_SERVER="", TALES_MODELS="sim/500-ok")
    here = tales(*MIA, "--json").json

    assert there["story"].keys() == here["story"].keys()
    assert there["generation"].keys() == here["generation"].keys()
    for far, near in zip(there["generation"]["attempts"], here["generation"]["attempts"], strict=True):
        assert far.keys() == near.keys()
        assert {name: type(value) for name, value in far.items()} == {name: type(near[name]) for name in far}


def test_the_json_says_whose_generation_it_is(remote: Tales, service: Service) -> None:
    asked = remote(*MIA, "--json").json["generation"]
    (owner,) = service.database.rows("select distinct user_id::text from tales.generations")

    shown = remote("generations", "show", asked["generation_id"], "--json").json

    assert asked["user_id"] == shown["user_id"] == owner["user_id"]


def test_generations_are_listed_and_shown(remote: Tales) -> None:
    generation_id = remote(*MIA, "--json").json["generation"]["generation_id"]
    remote(*MIA)

    assert generation_id in remote("generations", "list").out
    assert len(remote("generations", "list", "--limit", "1", "--json").json) == 1
    shown = remote("generations", "show", generation_id, "--json").json
    assert [attempt["status"] for attempt in shown["attempts"]] == ["failed", "success"]
    assert shown["attempts"][1]["provider_generation_id"]
    assert "server_error" in remote("generations", "show", generation_id).out


def test_a_child_is_known_at_the_server_by_name_the_second_time(remote: Tales, service: Service) -> None:
    remote(*MIA)

    assert remote("write", "Mia").status == 0
    assert service.database.rows("select name from tales.children") == [{"name": "Mia"}]


def test_the_option_goes_before_the_setting(remote: Tales, service: Service) -> None:
    remote.set(TALES_SERVER="http://127.0.0.1:1")

    assert remote("--server", service.address, "generations", "list", "--json").json == []


def test_login_keeps_tokens_that_nobody_else_can_read_and_logout_forgets_them(
    bare_tales: Tales, home: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Client(service.address) as client:
        client.sign_up("ada@example.org", PASSWORD)
    at_server = ("--server", service.address)

    assert "login ADDRESS" in bare_tales(*at_server, *MIA).err
    type_in(monkeypatch, f"{PASSWORD}\n")
    signed_in = bare_tales(*at_server, "login", "ada@example.org")

    (kept,) = home.rglob("*.json")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    token = json.loads(kept.read_text())["access_token"]
    assert signed_in.status == 0
    assert token not in signed_in.out + signed_in.err
    assert PASSWORD not in kept.read_text()
    assert bare_tales(*at_server, *MIA).status == 0

    assert bare_tales(*at_server, "logout").status == 0
    assert not kept.exists()
    assert bare_tales(*at_server, *MIA).status == 1


def test_a_wrong_password_is_said_and_nothing_kept(
    bare_tales: Tales, home: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    type_in(monkeypatch, "wrong\n")

    ran = bare_tales("--server", service.address, "login", "ada@example.org")

    assert ran.status == 1
    assert "password" in ran.err
    assert list(home.rglob("*.json")) == []


def test_a_token_that_is_no_longer_good_says_how_to_sign_in(remote: Tales) -> None:
    remote.set(TALES_TOKEN="not.a.token")

    ran = remote(*MIA)

    assert ran.status == 1
    assert "tales --server URL login ADDRESS" in ran.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("write", "Mia", "--age", "60"), "age is 60"),
        ((*MIA, "--language", "xx"), "language is not one of"),
        (("generations", "show", "019d0000-0000-7000-8000-000000000001"), "no generation"),
    ],
)
def test_what_the_server_refuses_is_said_in_its_sentence(
    remote: Tales, arguments: tuple[str, ...], sentence: str
) -> None:
    ran = remote(*arguments)

    assert ran.status == 1
    assert sentence in ran.err
    assert "Traceback" not in ran.err


def test_an_admin_sees_everybodys_generations_and_that_is_kept(remote: Tales, service: Service) -> None:
    remote(*MIA)
    (own,) = remote("generations", "list", "--status", "success", "--json").json
    refused = remote("generations", "list", "--error-type", "deadline")
    assert (refused.status, "for admins" in refused.err) == (1, True)

    remote.set(TALES_TOKEN=service.new_family(app_metadata={"role": "admin"}))
    (listed,) = remote("generations", "list", "--json").json
    assert (listed["generation_id"], listed["user_id"]) == (own["generation_id"], own["user_id"])
    assert own["generation_id"] in remote("generations", "list", "--slower-than", "0").out
    id_ = listed["generation_id"]
    assert '"Mia"' in remote("generations", "show", id_, "--json").json["attempts"][0]["prompt"]
    assert "full_response" in remote("generations", "show", id_).out
    assert remote("generations", "show", id_, "--diff", "1", "2").out == ""
    assert len(service.database.rows("select from tales.audit_log where via = 'api'")) == 3


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--server", "example.org", *MIA), "must begin with http"),
        (("--server", "http://127.0.0.1:1", "migrate", "status"), "about this machine"),
        (("--server", "http://127.0.0.1:1", "serve"), "about this machine"),
        (("login", "ada@example.org"), "--server is missing"),
    ],
)
def test_a_server_that_cannot_be_meant_is_refused(
    bare_tales: Tales, home: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    ran = bare_tales(*arguments)

    assert ran.status == 1
    assert sentence in ran.err
    assert not home.exists()


@pytest.mark.usefixtures("home")
def test_a_server_that_does_not_answer_is_named_as_the_reason(bare_tales: Tales) -> None:
    bare_tales.set(TALES_TOKEN="t", TALES_SERVER="http://127.0.0.1:1")

    ran = bare_tales("generations", "list")

    assert ran.status == 1
    assert "cannot be reached" in ran.err
