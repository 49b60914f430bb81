"""The commands of docs/operations.md answer as they stand there."""

from __future__ import annotations

import runpy
from pathlib import Path

from tests.docs.documents import ROOT
from tests.fixtures.databases import Database
from tests.interfaces.cli.conftest import Tales, bare_tales

__all__ = ["bare_tales"]

PAGE: Path = ROOT / "docs/operations.md"
operations = runpy.run_path(str(ROOT / "docs/operations.py"))


def test_each_command_answers_what_the_page_shows(bare_tales: Tales, history: Database) -> None:
    bare_tales.set(TALES_DATABASE_URL=history.owner_url)
    commands: list[list[str]] = []

    def run(arguments: list[str]) -> str:
        commands.append(arguments)
        ran = bare_tales(*arguments)
        assert ran.status == 0, ran.err
        return ran.out

    page = PAGE.read_text(encoding="utf-8")

    assert operations["answered"](page, run) == page, "run: make docs"
    reports = {"models", "timeouts", "retries", "replay", "costs", "prompts"}
    assert {command[1] for command in commands} == {"list", "show"} | reports


def test_the_sql_of_the_page_runs(history: Database) -> None:
    sql = PAGE.read_text(encoding="utf-8").partition("```sql\n")[2].partition("```")[0]
    with history.connect() as connection:
        for statement in filter(str.strip, sql.split(";")):
            rows = connection.execute(statement.encode())

        assert {row["model_used"] for row in rows} == {"swift/mini", "classic/large", "budget/tiny"}
