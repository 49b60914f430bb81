"""`tales export`: rows in a file for notebooks and spreadsheets."""

from __future__ import annotations

import csv
import json
import stat
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from tests.fixtures.databases import Database
from tests.fixtures.history import QUARTER
from tests.fixtures.rows import add_user, ended, insert, story
from tests.interfaces.cli.conftest import Tales

PERIOD = ("--from", "2026-08-01", "--until", "2026-10-31")
SUMS = """
    select count(*) as attempts, count(distinct generation_id) as generations,
        count(*) filter (where status = 'success') as stories, sum(cost_usd) as cost,
        round(sum(seconds)::numeric, 3) as seconds
    from tales.attempt_facts
    where is_live and created_at >= '2026-08-01Z' and created_at < '2026-11-01Z'
"""
WORDS = ("prompt", "full_response", "moral", "hero_appearance", "relationship_description", "title", "content")


@pytest.fixture
def exporter(bare_tales: Tales, history: Database) -> Tales:
    """The command line over a year of attempts."""
    bare_tales.set(TALES_DATABASE_URL=history.owner_url)
    return bare_tales


def exported(tales: Tales, file: Path, what: str, *more: str) -> list[dict[str, Any]]:
    """The rows of an export."""
    ran = tales("export", what, "--to", str(file), *(more or PERIOD))
    assert (ran.status, ran.out) == (0, ""), ran.err
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    rows: list[dict[str, Any]]
    if file.suffix == ".parquet":
        rows = pyarrow.parquet.read_table(file).to_pylist()
    elif file.suffix == ".csv":
        with file.open(newline="", encoding="utf-8") as opened:
            rows = list(csv.DictReader(opened))
    else:
        rows = [json.loads(line, parse_float=Decimal) for line in file.read_text(encoding="utf-8").splitlines()]
    assert f"holds {len(rows):,} {what}" in ran.err
    return rows


@pytest.mark.parametrize("form", ["parquet", "csv", "jsonl"])
def test_an_export_adds_up_to_the_database_and_holds_nobodys_words(
    exporter: Tales, history: Database, tmp_path: Path, form: str
) -> None:
    (sums,) = history.rows(SUMS)
    found = {
        what: exported(exporter, tmp_path / f"{what}.{form}", what) for what in ("attempts", "generations", "stories")
    }

    assert {what: len(rows) for what, rows in found.items()} == {what: sums[what] for what in found}
    attempts = found["attempts"]
    assert sum(Decimal(row["cost_usd"] or 0) for row in attempts) == sums["cost"]
    assert sum(Decimal(row["cost_usd"] or 0) for row in found["generations"]) == sums["cost"]
    assert round(sum(Decimal(str(row["seconds"])) for row in attempts if row["seconds"]), 3) == sums["seconds"]
    assert sum(int(row["attempts"]) for row in found["generations"]) == sums["attempts"]
    for rows in found.values():
        assert not set(WORDS) & set(rows[0])
    assert not any(b"dragon" in file.read_bytes() for file in tmp_path.iterdir())


def test_parquet_has_types(exporter: Tales, tmp_path: Path) -> None:
    exported(exporter, tmp_path / "a.parquet", "attempts")

    schema = pyarrow.parquet.read_schema(tmp_path / "a.parquet")
    kinds = {name: str(schema.field(name).type) for name in ("created_at", "cost_usd", "attempt_number", "seconds")}
    assert kinds == {
        "created_at": "timestamp[us, tz=UTC]",
        "cost_usd": "decimal128(18, 12)",
        "attempt_number": "int64",
        "seconds": "double",
    }


def test_filters_narrow_an_export_like_a_report(exporter: Tales, tmp_path: Path) -> None:
    for n, narrowed in enumerate((("--model", "swift/mini"), ("--language", "de"), ("--prompt-version", "bedtime-2"))):
        rows = exported(exporter, tmp_path / f"{n}.jsonl", "attempts", *PERIOD, *narrowed)
        report = exporter("report", "models", *QUARTER, *narrowed, "--format", "json").json
        assert len(rows) == sum(row["attempts"] for row in report["items"]) > 0


def test_migrated_rows_come_on_demand(exporter: Tales, tmp_path: Path) -> None:
    month = ("--from", "2025-11-01", "--until", "2025-11-20")
    without = exported(exporter, tmp_path / "a.jsonl", "stories", *month)
    together = exported(exporter, tmp_path / "b.jsonl", "stories", *month, "--migrated")

    assert {row["is_live"] for row in without} == {True}
    assert len(without) == sum(row["is_live"] for row in together) < len(together)


ODD = '=1+1", "half\\\n\tline\r\n\x01\x02 quoted "" \U0001f319'


def odd_story(database: Database) -> None:
    with database.connect() as connection:
        user = add_user(connection)
        # Rows of values that the service refuses today.
        with connection.transaction():
            connection.execute("set local session_replication_role = replica")
            row = ended(user, moral=ODD, prompt=ODD, model_used="@SUM(A1)", created_at="2026-10-01Z", language="")
            told = insert(connection, "generations", row)
            insert(connection, "stories", story(told, title=ODD, content=ODD))


@pytest.mark.parametrize("form", ["parquet", "csv", "jsonl"])
def test_words_come_on_demand_and_as_they_are(bare_tales: Tales, database: Database, tmp_path: Path, form: str) -> None:
    bare_tales.set(TALES_DATABASE_URL=database.owner_url)
    odd_story(database)

    (attempt,) = exported(bare_tales, tmp_path / f"a.{form}", "attempts", *PERIOD, "--contents")
    (told,) = exported(bare_tales, tmp_path / f"s.{form}", "stories", *PERIOD, "--contents")

    mark = "'" if form == "csv" else ""
    assert attempt["prompt"] == attempt["moral"] == told["content"] == told["title"] == mark + ODD
    assert attempt["model_used"] == mark + "@SUM(A1)"
    assert attempt["language"] == "", "empty is not unknown"
    assert attempt["error_type"] in {None, ""}
    assert "Once upon a time" in attempt["full_response"]


def test_of_nothing_there_is_a_file_with_its_columns(bare_tales: Tales, database: Database, tmp_path: Path) -> None:
    bare_tales.set(TALES_DATABASE_URL=database.owner_url)
    for form in ("parquet", "csv", "jsonl"):
        assert exported(bare_tales, tmp_path / f"a.{form}", "attempts") == []
    assert (tmp_path / "a.csv").read_text().startswith("generation_id,attempt_number,")
    assert "cost_usd" in pyarrow.parquet.read_schema(tmp_path / "a.parquet").names


def test_what_cannot_be_written_is_said_in_a_sentence(bare_tales: Tales, database: Database, tmp_path: Path) -> None:
    bare_tales.set(TALES_DATABASE_URL=database.owner_url)
    (tmp_path / "there.csv").write_text("mine")

    there = bare_tales("export", "attempts", "--to", str(tmp_path / "there.csv"))
    unknown = bare_tales("export", "attempts", "--to", str(tmp_path / "a.xlsx"))

    assert (there.status, "there.csv cannot be written: File exists." in there.err) == (1, True)
    assert (unknown.status, "Use a name that ends with one of: .csv, .jsonl, .parquet." in unknown.err) == (1, True)
    assert [file.name for file in tmp_path.iterdir()] == ["there.csv"]
    assert (tmp_path / "there.csv").read_text() == "mine"
