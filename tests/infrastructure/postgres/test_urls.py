"""Database URLs, as libpq reads them."""

from __future__ import annotations

import pytest
from psycopg.conninfo import conninfo_to_dict

from tales.domain.errors import InvalidInput
from tales.infrastructure.postgres.urls import connection_parameters, driver_url, for_program


def test_a_program_finds_no_password_in_its_arguments() -> None:
    argument, variables = for_program("postgresql://ada:se%40cret@/tales?host=/a%20b,::1&sslpassword=hidden")

    assert conninfo_to_dict(argument) == {"user": "ada", "host": "/a b,::1", "dbname": "tales"}
    assert variables == {"PGPASSWORD": "se@cret"}
    assert for_program("postgresql://ada@/tales")[1] == {}


def test_a_url_says_what_libpq_reads_in_it() -> None:
    said = connection_parameters("postgresql+psycopg://ada:se%40cret@db.example.org:5433/tales?sslmode=require")

    assert said == {
        "user": "ada",
        "password": "se@cret",
        "host": "db.example.org",
        "port": "5433",
        "dbname": "tales",
        "sslmode": "require",
    }


@pytest.mark.parametrize(
    ("url", "mode"),
    [
        ("postgresql://u@db.example.org/tales", "require"),
        ("postgresql://u@192.0.2.1/tales", "require"),
        ("postgresql://u@[2001:db8::1]/tales", "require"),
        ("postgresql://u@127.0.0.1,db.example.org/tales", "require"),
        ("postgresql://u@localhost/tales?hostaddr=192.0.2.1", "require"),
        ("postgresql://u@db.example.org/tales?sslmode=verify-full", "verify-full"),
        ("postgresql://u@db.example.org/tales?sslmode=disable", "disable"),
        ("postgresql://u@db.example.org/tales?ssl=true", "require"),
        ("postgresql://u@localhost/tales", None),
        ("postgresql://u@127.0.0.1,[::1]/tales", None),
        ("postgresql:///tales", None),
        ("postgresql:///tales?host=/run/postgresql", None),
    ],
)
def test_tls_is_asked_for_from_another_machine_unless_something_else_is_said(url: str, mode: str | None) -> None:
    assert connection_parameters(url).get("sslmode") == mode
    assert driver_url(url).query.get("sslmode") == mode
    assert conninfo_to_dict(for_program(url)[0]).get("sslmode") == mode


def test_what_libpqs_variables_say_goes_before_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db.example.org")
    assert connection_parameters("postgresql:///tales")["sslmode"] == "require"

    monkeypatch.setenv("PGSSLMODE", "verify-full")
    assert "sslmode" not in connection_parameters("postgresql:///tales")


def test_several_hosts_are_handed_on() -> None:
    url = driver_url("postgresql://u@h1:1,h2:5432/db?target_session_attrs=read-write")

    assert (url.query["host"], url.query["port"]) == ("h1,h2", "1,5432")
    assert url.query["target_session_attrs"] == "read-write"


def test_a_password_is_shown_by_nothing() -> None:
    assert "secret" not in repr(driver_url("postgresql://u:secret@h/db"))


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("postgresql://u:secret@h/db?pgbouncer=true&schema=x", "does not know: pgbouncer, schema. Leave it out"),
        ("mysql://u:secret@h/db", "is no URL of a PostgreSQL database"),
        ("postgresql://u:sec%zzret@h/db", "is no URL"),
        ("", "is no URL"),
    ],
)
def test_what_cannot_be_read_is_named_and_not_repeated(url: str, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence) as refused:
        driver_url(url)
    assert "secret" not in str(refused.value)
