"""Whatever a provider says that a call took or cost: no report, view, rollup or export breaks of it, or counts it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.databases import Database
from tests.fixtures.rows import THEN, Row, add_user, ended, insert
from tests.interfaces.cli.conftest import Ran, Tales
from tests.interfaces.cli.test_export import exported
from tests.interfaces.cli.test_report import SUBJECTS

NESTED: Any = {"a": [{"b": None}]}
for _ in range(500):
    NESTED = {"deeper": NESTED}
VALUES: tuple[Any, ...] = (
    "many", "", "=1+1", -5, -12.7, 1e300, 2**63, 10**400, None, True, [1, 2], [], {}, {"n": 1}, NESTED, "9" * 20_000,
)  # fmt: skip
FIGURES = ("prompt_tokens", "completion_tokens", "total_tokens", "cost")
BODIES: tuple[Any, ...] = (
    *({"usage": dict.fromkeys(FIGURES, value), "provider": value, "model": value} for value in VALUES),
    *({"usage": value} for value in VALUES),
    *VALUES,
)
DAY = ("--from", "2026-03-20", "--to", "2026-03-20")
VIEWS = ("attempt_facts", "report_models", "report_retries", "report_timeouts", "report_costs")


@pytest.fixture
def odd(bare_tales: Tales, database: Database) -> Tales:
    """The command line over a database in which one call of a model is known, and all others are nonsense."""
    known = {"usage": {"prompt_tokens": 12, "completion_tokens": 40, "cost": 0.25}}
    with database.connect() as connection:
        user = add_user(connection)
        insert(connection, "generations", ended(user, full_response=known, model_used="odd/model"))
        for body in BODIES:
            row: Row = ended(user, "failed", model_used="odd/model", first_token_at=THEN)
            insert(connection, "generations", row | {"full_response": body, "generation_info": body})
    bare_tales.set(TALES_DATABASE_URL=database.owner_url)
    return bare_tales


def test_no_report_breaks_of_nonsense(odd: Tales, database: Database) -> None:
    for subject in SUBJECTS:
        for form in ("table", "json", "csv", "html"):
            _fine(odd("report", subject, *DAY, "--format", form))
    for view in VIEWS:
        assert database.rows(f"select * from tales.{view}")
    _check_figures(odd)
    _fine(odd("rollup"))
    # Once more, out of the hours.
    _check_figures(odd)
    _fine(odd("report", "costs", *DAY))


def _check_figures(odd: Tales) -> None:
    (model,) = odd("report", "models", *DAY, "--format", "json").json["items"]
    assert (model["attempts"], model["success"]) == (1 + len(BODIES), 1)
    assert (model["prompt_tokens"], model["completion_tokens"], float(model["cost_usd"])) == (12, 40, 0.25)
    assert model["cost_unknown"] == len(BODIES)


@pytest.mark.parametrize("form", ["parquet", "csv", "jsonl"])
def test_no_export_breaks_of_nonsense(odd: Tales, tmp_path: Path, form: str) -> None:
    for what in ("attempts", "generations", "stories"):
        rows = exported(odd, tmp_path / f"{what}.{form}", what, "--from", "2026-03-20", "--contents")
        assert len(rows) == (0 if what == "stories" else 1 + len(BODIES))
        if what == "attempts":
            assert sum(float(row["cost_usd"] or 0) for row in rows) == 0.25
            assert sum(int(row["prompt_tokens"] or 0) for row in rows) == 12


def test_a_list_and_a_look_do_not_break_of_nonsense(odd: Tales, database: Database) -> None:
    _fine(odd("generations", "list", "--limit", "100"))
    for row in database.rows("select generation_id from tales.generations order by created_at limit 100")[::7]:
        _fine(odd("generations", "show", str(row["generation_id"])))


def _fine(ran: Ran) -> None:
    assert (ran.status, "Traceback" in ran.err) == (0, False), ran.err
