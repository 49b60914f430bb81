"""A command's connection: nobody waits for a server that keeps silent."""

from __future__ import annotations

import socket

import psycopg
import pytest

from tales.infrastructure.postgres.session import CONNECT_TIMEOUT, connect
from tests.fixtures.databases import Database


def test_a_server_that_keeps_silent_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(psycopg.errors.ConnectionTimeout):
            connect(f"postgresql://nobody@127.0.0.1:{port}/nothing?connect_timeout=2")


@pytest.mark.parametrize(("more", "seconds"), [("", CONNECT_TIMEOUT), ("connect_timeout=3", 3)])
def test_it_is_given_up_in_time_unless_the_url_says_otherwise(database: Database, more: str, seconds: int) -> None:
    separator = "&" if "?" in database.owner_url else "?"
    with connect(database.owner_url + separator * bool(more) + more) as connection:
        assert connection.info.get_parameters()["connect_timeout"] == str(seconds)
