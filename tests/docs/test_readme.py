"""What the README says of settings, commands and tables is so."""

from __future__ import annotations

import re
import runpy
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

from tales.interfaces.cli.lazy import LazyCommand
from tales.interfaces.cli.main import app
from tales.settings import Settings, variable
from tests.docs.documents import README, ROOT, code, documents
from tests.fixtures.databases import Database

_CALL = re.compile(r"(?<![\w./-])tales ([^`|&;#()]+)")
data_model = runpy.run_path(str(ROOT / "docs" / "data_model.py"))


def test_the_table_of_settings_is_that_of_the_code() -> None:
    rows = [line for line in README.read_text(encoding="utf-8").splitlines() if _is_setting(line)]

    assert [_row(name) for name in Settings.model_fields] == rows


def test_the_picture_of_the_data_model_is_that_of_the_migrated_database(database: Database) -> None:
    readme = README.read_text(encoding="utf-8")

    drawn = data_model["draw"](database.owner_url)

    assert data_model["embedded"](readme, drawn) == readme, "run: make docs"


def test_the_picture_shows_what_the_catalog_holds(database: Database) -> None:
    database.execute("create table tales.toys (id bigint primary key, child uuid unique references tales.children)")
    database.execute("create table tales.attic (id bigint references tales.toys)")
    database.execute("grant select on tales.toys to service_role")

    drawn = data_model["draw"](database.owner_url)

    assert 'children |o--o| toys : "child"' in drawn
    assert "        bigint id PK\n        uuid child FK\n" in drawn
    assert 'generations ||--o| stories : "generation_id, generation_attempt"' in drawn
    assert "attic {" not in drawn
    assert "Only the database's owner reaches `attic`." in drawn
    assert '"auth.users" {\n        uuid id PK\n    }' in drawn


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_each_command_in_the_documents_exists(document: Path) -> None:
    calls = [call for line in code(document) for call in _CALL.findall(line)]

    for call in calls:
        _check(_words(call))


def test_a_command_or_an_option_that_does_not_exist_is_noticed() -> None:
    with pytest.raises(AssertionError, match="tales dream"):
        _check(["dream"])
    with pytest.raises(AssertionError, match="--loud"):
        _check(["--server", "URL", "write", "Mia", "--loud"])


def _words(call: str) -> list[str]:
    """The words of a call, which may have ended inside quotes: psql "$(tales db url)"."""
    return shlex.split(call + '"' * (call.count('"') % 2))


def _check(words: list[str]) -> None:
    """Each word that must name a command names one, and each option is one of that command."""
    command = typer.main.get_command(app)
    path = "tales"
    if words[:1] == ["--server"]:
        words = words[2:]
    while isinstance(command, TyperGroup) and words and not words[0].startswith("-"):
        word, *words = words
        path += f" {word}"
        assert word in command.commands, f"there is no {path}"
        command = command.commands[word]
        command = command.load() if isinstance(command, LazyCommand) else command
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    for option in (word.partition("=")[0] for word in words if word.startswith("--")):
        assert option in known, f"{path} has no {option}"


def _is_setting(line: str) -> bool:
    return re.match(r"\| `[A-Z_]+` \|", line) is not None


def _row(field: str) -> str:
    info: Any = Settings.model_fields[field]
    default = "~/.tales" if field == "home" else info.default
    shown = f" `{default:g}`" if isinstance(default, float) else f" `{default}`" if default else ""
    return f"| `{variable(field)}` |{shown} | {info.description} |"
