"""`tales report`: as a table, for machines, and as a page."""

from __future__ import annotations

import asyncio
import csv
import io
import stat
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from tales.application import reports as use_cases
from tales.domain.replay import ReplayPolicy
from tales.domain.report_filters import Period, ReportFilter
from tales.infrastructure.clock import SystemClock
from tales.infrastructure.postgres.engine import make_engine
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.interfaces.api.v3 import analytics
from tales.interfaces.cli.report_html import report_page
from tales.interfaces.cli.report_sections import sections_of
from tales.interfaces.cli.report_tables import report_text
from tests.factories import CREATED
from tests.fixtures.databases import Database
from tests.fixtures.history import QUARTER
from tests.fixtures.rows import add_user, ended, insert
from tests.interfaces.cli.conftest import Tales

SUBJECTS = ("models", "retries", "replay", "timeouts", "costs", "prompts")
BERLIN = ("--zone", "Europe/Berlin")


@pytest.fixture
def reporter(bare_tales: Tales, history: Database) -> Tales:
    """The command line over a year of attempts."""
    bare_tales.set(TALES_DATABASE_URL=history.owner_url)
    return bare_tales


def test_every_report_fits_80_columns_and_says_its_period(reporter: Tales) -> None:
    for subject in SUBJECTS:
        ran = reporter("report", subject, *QUARTER, *BERLIN)

        assert ran.status == 0, ran.err
        assert ran.out.startswith(f"{subject}: 2026-07-31 22:00 to 2026-10-31 23:00 UTC; days of Europe/Berlin\n")
        assert max(map(len, ran.out.splitlines())) <= 80
        assert "…" not in ran.out
        assert "nothing in this period" not in ran.out


@pytest.mark.parametrize(
    ("not_counted", "left_out", "empty"), [((), 0, 6), (("all",), 6, 0), (("hour", "weekday", "prompt_length"), 3, 3)]
)
def test_what_was_not_counted_is_not_said_to_be_nothing(
    not_counted: tuple[str, ...], left_out: int, empty: int
) -> None:
    wanted = ReportFilter(since=CREATED, until=CREATED + timedelta(days=1))
    report = use_cases.TimeoutReport(wanted=wanted, migrated_left_out=0, not_counted=not_counted, items=(), failures=())
    for shown in (report_text, report_page):
        said = shown("timeouts", report, sections_of(report)).lower()
        assert said.count("left out: too many attempts to count") == left_out
        assert said.count("nothing in this period") == empty


Found = dict[str, tuple[use_cases.Report, type[BaseModel]]]


async def asked(database: Database, wanted: ReportFilter, policy: ReplayPolicy) -> Found:
    """The reports as the use cases give them, each with the form that the API gives it."""
    engine = make_engine(database.app_url)
    async with SqlTransactions(engine, SystemClock()).as_service() as work:
        found: Found = {
            "models": (await use_cases.report_models(work.reports, wanted), analytics.ModelReport),
            "retries": (await use_cases.report_retries(work.reports, wanted), analytics.RetryReport),
            "replay": (await use_cases.report_replay(work.reports, wanted, policy), analytics.ReplayReport),
            "timeouts": (await use_cases.report_timeouts(work.reports, wanted), analytics.TimeoutReport),
            "prompts": (await use_cases.report_prompts(work.reports, wanted), analytics.PromptReport),
        }
    await engine.dispose()
    return found


def test_the_json_has_the_form_and_the_figures_of_the_api(reporter: Tales, history: Database) -> None:
    since, until = Period(from_="2026-08-01", to="2026-10-31").bounds(CREATED)
    policy = ReplayPolicy(attempts=2, pause=1.0, chain=("swift/mini", "budget/tiny"))
    found = asyncio.run(asked(history, ReportFilter(since=since, until=until), policy))
    for subject, (report, form) in found.items():
        changed = ("--attempts", "2", "--pause", "1", "--chain", "swift/mini, budget/tiny")
        said = _ran_json(reporter, subject, *(changed if subject == "replay" else ()))
        api = form.model_validate(analytics._with_period(report)).model_dump(mode="json")
        assert _as_far_as(api, said) == api, subject


def _ran_json(reporter: Tales, subject: str, *more: str) -> Any:
    ran = reporter("report", subject, *QUARTER, *more, "--format", "json")
    assert ran.status == 0, ran.err
    return ran.json


def _as_far_as(api: Any, said: Any) -> Any:
    """`said` without what the API leaves out."""
    if isinstance(api, dict):
        return {name: _as_far_as(value, said[name]) for name, value in api.items()}
    if isinstance(api, list):
        return [_as_far_as(*pair) for pair in zip(api, said, strict=True)]
    return said


def test_filters_narrow_every_report_alike(reporter: Tales) -> None:
    whole = _ran_json(reporter, "models")["items"]
    for narrowed in (
        ("--model", "swift/mini"),
        ("--story-type", "hero"),
        ("--language", "de"),
        ("--prompt-version", "bedtime-2"),
    ):
        models = _ran_json(reporter, "models", *narrowed)["items"]
        prompts = _ran_json(reporter, "prompts", *narrowed)["items"]
        retries = _ran_json(reporter, "retries", *narrowed)["items"]
        costs = _ran_json(reporter, "costs", *narrowed)
        attempts = sum(row["attempts"] for row in models)
        assert 0 < attempts < sum(row["attempts"] for row in whole), narrowed
        assert sum(row["attempts"] for row in prompts) == attempts
        assert costs["shares"][0]["attempts"] == sum(row["attempts"] for row in costs["items"]) == attempts
        if "--model" not in narrowed:
            assert sum(row["attempts"] * row["generations"] for row in retries) == attempts


def test_what_was_migrated_is_counted_on_demand_alone(reporter: Tales) -> None:
    period = ("--from", "2025-11-01", "--to", "2025-11-20")

    left_out = reporter("report", "models", *period, "--format", "json").json
    counted = reporter("report", "models", *period, "--migrated", "--format", "json").json

    migrated = left_out["migrated_left_out"]
    assert migrated > 0
    assert sum(row["migrated"] for row in left_out["items"]) == counted["migrated_left_out"] == 0
    assert sum(row["migrated"] for row in counted["items"]) == migrated
    assert f"{migrated} migrated attempts left out" in reporter("report", "models", *period).out


def test_csv_holds_one_part_and_no_formula(reporter: Tales, history: Database) -> None:
    with history.connect() as connection:
        user = add_user(connection)
        insert(connection, "generations", ended(user, model_used="=HYPERLINK(0)", created_at="2026-10-30T12:00Z"))

    ran = reporter("report", "models", *QUARTER, "--format", "csv")

    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert [row["model_used"] for row in rows] == ["swift/mini", "classic/large", "budget/tiny", "'=HYPERLINK(0)"]
    assert float(rows[0]["success_interval_low"]) < float(rows[0]["success_rate"]) < 1
    assert (rows[3]["seconds_p50"], rows[3]["first_token_seconds_p50"]) == ("60.0", "")
    first = reporter("report", "retries", *QUARTER, "--format", "csv", "--section", "rescues").out
    assert first.startswith("attempt_number,attempts,rescued,")
    wrong = reporter("report", "retries", *QUARTER, "--format", "csv", "--section", "rest")
    assert (wrong.status, "Choose one of: needed," in wrong.err) == (1, True)


class _Page(HTMLParser):
    """What a page is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href", "action", "data"}]


def test_the_page_has_charts_and_loads_and_runs_nothing(reporter: Tales, history: Database, tmp_path: Path) -> None:
    with history.connect() as connection:
        user = add_user(connection)
        attack = {"model_used": "<script>alert(1)</script>", "error_type": "deadline"}
        insert(connection, "generations", ended(user, "timeout", **attack, created_at="2026-10-30T12:00Z"))
    for subject in SUBJECTS:
        file = tmp_path / f"{subject}.html"
        ran = reporter("report", subject, *QUARTER, "--format", "html", "--file", str(file))
        assert (ran.status, ran.out) == (0, "")
        page = _Page()
        page.feed(file.read_text(encoding="utf-8"))
        assert page.addresses == []
        assert {"table", "h2"} <= page.tags
        assert "svg" in page.tags or subject == "replay"
        assert not page.tags & {"script", "link", "img", "iframe", "object"}
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = reporter("report", "models", "--format", "html", "--file", str(tmp_path / "models.html"))
    assert (again.status, "models.html cannot be written: File exists." in again.err) == (1, True)


def test_of_nothing_there_is_a_report_too(bare_tales: Tales, database: Database) -> None:
    bare_tales.set(TALES_DATABASE_URL=database.owner_url)
    for subject in SUBJECTS:
        for written in ("table", "json", "csv", "html"):
            ran = bare_tales("report", subject, "--format", written)
            assert ran.status == 0, ran.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("models", "--since", "1y"), "since is no period"),
        (("models", "--from", "tomorrow"), "from is no time"),
        (("models", "--zone", "Nowhere"), "zone is no time zone"),
        (("models", "--attempts", "3"), "are for: tales report replay"),
    ],
)
def test_what_cannot_be_asked_is_said_in_a_sentence(bare_tales: Tales, options: tuple[str, ...], said: str) -> None:
    ran = bare_tales("report", *options)

    assert (ran.status, ran.out) == (1, "")
    assert said in ran.err


def test_a_report_says_up_to_when_rollups_answered_it(reporter: Tales) -> None:
    raw = reporter("report", "models", *QUARTER, "--format", "json").json
    assert raw["rolled_up_until"] is None

    ran = reporter("rollup")
    rolled = reporter("report", "models", *QUARTER, "--format", "json").json

    assert ran.status == 0
    assert "Rollups are complete until 20" in ran.err
    assert rolled["rolled_up_until"] == "2026-11-01T00:00:00Z"
    assert [row["cost_usd"] for row in rolled["items"]] == [row["cost_usd"] for row in raw["items"]]
    said = " ".join(reporter("report", "costs", *QUARTER).out.split())
    assert "until 2026-11-01 00:00 from rollups" in said
    assert reporter("rollup", "--rebuild").status == 0
    again = reporter("report", "models", *QUARTER, "--format", "json").json
    for row in (*again["items"], *rolled["items"]):
        row["tokens_per_second"] = round(row["tokens_per_second"], 6)  # but for the order in which seconds are added up
    assert again == rolled
