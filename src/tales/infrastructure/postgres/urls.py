"""Database URLs as users write them, for the drivers that read them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qsl

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import Conninfo
from sqlalchemy import URL

from tales.domain.errors import InvalidInput

VARIABLE = "TALES_DATABASE_URL"


def driver_url(url: str) -> URL:
    """A libpq URI (`postgresql://...`, `postgres://...`) for SQLAlchemy over psycopg 3, with all that it says.

    Raises: InvalidInput; the URL is not repeated, as it may hold a password.
    """
    parameters = {name: str(value) for name, value in connection_parameters(url).items()}
    parameters.setdefault("client_encoding", "UTF8")
    password = parameters.pop("password", None)
    # Several hosts, and whatever else SQLAlchemy's URLs cannot say, go to libpq as they are.
    return URL.create("postgresql+psycopg", password=password, query=parameters)


def connection_parameters(url: str) -> Mapping[str, str | int]:
    """What a libpq URI says, by libpq's own reading, `with_tls`. Raises: InvalidInput naming what cannot be read."""
    scheme, _, rest = libpq_url(url).partition("://")
    parameters: Mapping[str, str | int] | None = None
    if scheme.startswith("postgres"):
        with suppress(psycopg.ProgrammingError):
            parameters = {name: value for name, value in conninfo_to_dict(libpq_url(url)).items() if value is not None}
        ports = str((parameters or {}).get("port", "")).split(",")
        if parameters is not None and all(port.isdecimal() or not port for port in ports):
            return with_tls(parameters)
        if parameters is None and (unknown := _unknown_parameters(rest)):
            raise InvalidInput(
                VARIABLE,
                f"{VARIABLE} has a parameter that PostgreSQL does not know: {', '.join(unknown)}. Leave it out.",
            )
    raise InvalidInput(
        VARIABLE,
        f"{VARIABLE} is no URL of a PostgreSQL database. Write it like postgresql://user:password@host:5432/name, with "
        "special characters of a password percent-encoded.",
    )


def for_program(url: str) -> tuple[str, Mapping[str, str]]:
    """How one of PostgreSQL's programs is told to connect to `url`: by an argument, and by variables for the password.

    Everybody on a machine may read the arguments of its programs. One that lacks the password of a key asks for it.
    Raises: InvalidInput.
    """
    parameters = {name: str(value) for name, value in connection_parameters(url).items() if name != "sslpassword"}
    password = parameters.pop("password", None)
    return make_conninfo("", **parameters), {} if password is None else {"PGPASSWORD": password}


def libpq_url(url: str) -> str:
    """A URL for libpq, psql and psycopg: without the name of a driver."""
    scheme, separator, rest = url.partition("://")
    return f"{scheme.partition('+')[0]}{separator}{rest}"


def with_tls(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is said of a connection; to another machine, TLS as well, where nothing is said of that.

    `require` rather than `verify-full`, which hosted databases fail unless their own authority's certificate is
    installed: what is on the wire cannot be read. libpq verifies the server too where `sslrootcert` is there.
    """
    chosen = {"sslmode", "service"} & parameters.keys() or os.environ.get("PGSSLMODE") or os.environ.get("PGSERVICE")
    hosts = (
        parameters.get("hostaddr")
        or parameters.get("host")
        or os.environ.get("PGHOSTADDR")
        or os.environ.get("PGHOST")
        or ""
    )
    if chosen or all(_is_here(host) for host in str(hosts).split(",")):
        return parameters
    return {**parameters, "sslmode": "require"}


def _is_here(host: str) -> bool:
    """Whether a host is this machine: no host, or one that is a path, is a socket."""
    if not host or host.startswith(("/", "@")) or host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _unknown_parameters(rest: str) -> list[str]:
    names = [name for name, _ in parse_qsl(rest.partition("?")[2], keep_blank_values=True)]
    known = {option.keyword.decode() for option in Conninfo.get_defaults()} | {"ssl"}
    return [name for name in dict.fromkeys(names) if name not in known]
