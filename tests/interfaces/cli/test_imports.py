"""A command imports what it needs and no more: that is what makes it start at once."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from fnmatch import fnmatch

import pytest
from typer.main import get_group

from tales.interfaces.cli.lazy import LazyCommand
from tales.interfaces.cli.main import app
from tests.fixtures.databases import Database

# Says what a command has imported by its end, besides what Python imports before any program.
_WATCH = """
import atexit, json, sys
before = set(sys.modules)
atexit.register(lambda: print(json.dumps(sorted(set(sys.modules) - before)), file=sys.stderr))
from tales.interfaces.cli.main import main
main()
"""

TERMINAL = {"annotated_doc", "rich", "shellingham", "typer"}
HELP = TERMINAL | {"attr", "markdown_it", "mdurl", "pygments"}
SETTINGS = {
    *("annotated_types", "pydantic", "pydantic_core"),
    *("typing_extensions", "typing_inspection"),
}
DATABASE = {"cython_runtime", "psutil", "psycopg", "psycopg_binary", "sqlalchemy"}
ASYNC_DATABASE = DATABASE | {"greenlet", "uvloop"}

OUR_TERMINAL = {
    *("tales", "tales.domain", "tales.domain.errors", "tales.interfaces", "tales.interfaces.cli"),
    *("tales.interfaces.cli.console", "tales.interfaces.cli.lazy", "tales.interfaces.cli.main"),
}
OUR_DATABASE = {
    *("tales.administration", "tales.administration.database", "tales.application", "tales.files"),
    *("tales.infrastructure", "tales.settings"),
    *("tales.infrastructure.postgres", "tales.infrastructure.embedded", "tales.infrastructure.migrations"),
    *("tales.infrastructure.embedded.cluster", "tales.infrastructure.embedded.cluster_settings"),
    "tales.infrastructure.embedded.data_folder",
    *("tales.infrastructure.postgres.database", "tales.infrastructure.embedded.server"),
    *("tales.infrastructure.postgres.errors", "tales.infrastructure.embedded.server_user"),
    *("tales.infrastructure.postgres.session", "tales.infrastructure.postgres.urls"),
    "tales.infrastructure.migrations.steps",
}
OUR_LIST = {
    *("tales.administration.transactions", "tales.domain.*"),
    *("tales.application.background", "tales.application.ports", "tales.application.request_generation"),
    *("tales.infrastructure.clock", "tales.infrastructure.events", "tales.infrastructure.events.notices"),
    *("tales.infrastructure.queue", "tales.infrastructure.queue.*"),
    *("tales.infrastructure.repositories", "tales.infrastructure.repositories.*"),
    *(
        "tales.infrastructure.postgres.engine",
        "tales.infrastructure.postgres.connection",
        "tales.infrastructure.postgres.escaping",
    ),
    *("tales.infrastructure.postgres.fingerprints", "tales.infrastructure.postgres.keyset"),
    *("tales.infrastructure.postgres.models", "tales.infrastructure.postgres.roles"),
    *("tales.infrastructure.postgres.times", "tales.infrastructure.postgres.budget_warnings"),
    *("tales.infrastructure.postgres.unit_of_work", "tales.infrastructure.postgres.versions"),
    *("tales.interfaces.cli.backend", "tales.interfaces.cli.records"),
    *("tales.interfaces.cli.running", "tales.interfaces.cli.server_option"),
    *("tales.interfaces.cli.json_output", "tales.interfaces.cli.tables"),
    *("tales.interfaces.cli.amounts", "tales.interfaces.json_values"),
}
OUR_MIGRATIONS = {
    *("tales.administration.migrations", "tales.legacy", "tales.legacy.report", "tales.interfaces.cli.migrate*"),
    *("tales.infrastructure.migrations.shape", "tales.infrastructure.migrations.migrate"),
    *("tales.infrastructure.migrations.other_work", "tales.infrastructure.migrations.run_step"),
    *("tales.infrastructure.migrations.session", "tales.infrastructure.migrations.version_table"),
}


def strangers(allowed: set[str], *arguments: str, **variables: str) -> set[str]:
    """What `tales ...` has imported that is not among `allowed`: packages of others, and modules of ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TALES_", "COVERAGE_"))}
    done = subprocess.run(
        [sys.executable, "-c", _WATCH, *arguments], env=kept | variables, capture_output=True, text=True, check=True
    )
    found: list[str] = json.loads(done.stderr.splitlines()[-1])
    ours = {module for module in found if module.partition(".")[0] == "tales"}
    others = {module.partition(".")[0] for module in found} - sys.stdlib_module_names - {"tales"}
    others = {package for package in others if not package.startswith("_")}
    return {name for name in ours | others if not any(fnmatch(name, pattern) for pattern in allowed)}


def test_what_is_not_allowed_is_noticed() -> None:
    assert strangers(OUR_TERMINAL - {"tales.interfaces.cli.lazy"}, "--version") == {
        "tales.interfaces.cli.lazy",
        *TERMINAL,
    }


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_the_version_and_the_help_import_no_command(option: str) -> None:
    assert strangers(OUR_TERMINAL | HELP, option) == set()


@pytest.mark.parametrize("command", ["generations", "stories"])
def test_a_list_imports_the_way_to_the_database_and_no_service(database: Database, command: str) -> None:
    modules = {f"tales.application.{command}", f"tales.interfaces.cli.{command}"}
    if command == "generations":
        modules |= {"tales.application.admins", "tales.interfaces.cli.prompt_difference"}
    allowed = HELP | SETTINGS | ASYNC_DATABASE | OUR_TERMINAL | OUR_DATABASE | OUR_LIST | modules

    assert strangers(allowed, command, "list", TALES_DATABASE_URL=database.owner_url) == set()


def test_the_state_of_the_migrations_imports_no_application(database: Database) -> None:
    allowed = HELP | SETTINGS | DATABASE | OUR_TERMINAL | OUR_DATABASE | OUR_MIGRATIONS

    assert strangers(allowed, "migrate", "status", TALES_DATABASE_URL=database.owner_url) == set()


def test_a_command_is_listed_with_its_own_first_line() -> None:
    for command in get_group(app).commands.values():
        assert isinstance(command, LazyCommand)
        own = inspect.cleandoc(command.load().help or "").partition("\n\n")[0]
        assert command.help == " ".join(own.split()), command.name
