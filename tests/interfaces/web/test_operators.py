"""The pages of operators, without scripts: who may see them, what they count, and what they show of a generation."""

from __future__ import annotations

import csv
import io
import json
import re
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import quote
from uuid import uuid4

import pytest
from fastapi import FastAPI
from httpx import Response

from tales.infrastructure.events.progress_hub import ProgressHub
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.infrastructure.queue.attempt_queue import SqlAttemptQueue
from tales.infrastructure.repositories import rolled_reports
from tales.interfaces.web.operator import plotly
from tests.fixtures.databases import Database
from tests.fixtures.history import refresh_rollups
from tests.fixtures.rows import add_user, ended, goal_snapshot, insert, prompt_choice, prompt_goal
from tests.interfaces.api.world import Worker
from tests.interfaces.web.test_pages import MARKS, PAYLOAD, says
from tests.interfaces.web.visiting import Visitor, pages, visitor_of

REPORTS = ("", "/models", "/retries", "/failures", "/costs", "/prompts")
FIELDS = (
    *("since", "from", "to", "zone", "model", "story_type", "language", "user_id", "attempts", "pause", "chain"),
    *("table", "status", "error_type", "cost_over", "slower_than", "id", "after", "email", "before", "behind"),
)


@pytest.fixture
def worker(transactions: SqlTransactions, attempt_queue: SqlAttemptQueue, hub: ProgressHub) -> Worker:
    """Makes the calls of the generations that a test names."""
    return Worker(transactions, attempt_queue, hub)


@pytest.fixture
async def operator(app: FastAPI, database: Database) -> AsyncIterator[Visitor]:
    """An admin, who has no family here."""
    async with visitor_of(app) as visitor:
        await visitor.sign_up("olga@example.org")
        database.execute("update tales.accounts set is_admin = true where email = 'olga@example.org'")
        yield visitor


async def rescued(ada: Visitor, worker: Worker) -> str:
    """The id of a generation of Ada's that took two attempts."""
    generation = await ada.ask(await ada.add_child())
    worker.will_fail()
    await worker.run(generation)
    return generation


def rows_of(page: Response, table: str) -> list[list[str]]:
    """The cells of a table, as they are read."""
    found = re.search(rf'<table id="{table}-table">.*?</table>', page.text, re.DOTALL)
    assert found is not None, table
    rows = re.findall(r"<tr>(.*?)</tr>", found[0].partition("<tbody>")[2], re.DOTALL)
    return [[re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)] for row in rows]


async def test_for_anybody_else_there_is_nothing_here(app: FastAPI, ada: Visitor, operator: Visitor) -> None:
    ours = [path for path in pages(app, "GET") if path.startswith("/operator")]
    assert len(ours) > 12
    for path in ours:
        answer = await ada.look(path)
        assert answer.status_code == 404, path
        assert "Nothing is here" in answer.text, path
    assert "/operator" not in (await ada.look("/me")).text
    says(await operator.look("/me"), 'href="/operator"')


async def test_an_empty_one_explains_itself(operator: Visitor) -> None:
    page = await operator.look("/operator")
    says(page, "Nothing was asked for in this period", "Ask for a story", "nobody writes: start tales serve")
    assert "/web/plotly/" not in page.text
    says(await operator.look("/operator/generations"), "No generation fits this")


async def test_what_has_happened_is_counted(ada: Visitor, operator: Visitor, worker: Worker) -> None:
    await rescued(ada, worker)
    await ada.ask(await ada.add_child(name="Tom"))

    overview = await operator.look("/operator")
    glance = re.findall(r"<dd><a[^>]*>([^<]+)</a></dd>", overview.text)
    assert glance == ["1", "50.0%", "1", "0", "$0.0004", "$0.0004"]
    (script,) = re.findall(r'src="(/web/plotly/[^"]+)"', overview.text)
    packed = await operator.look(script)
    assert (packed.status_code, packed.headers["Content-Encoding"]) == (200, "gzip")
    assert "plotly.js" in packed.text[:40]
    models = await operator.look("/operator/models")
    assert [row[:3] for row in rows_of(models, "outcomes")] == [
        ["first/model", "2", "0.0%"],
        ["second/model", "1", "100%"],
    ]
    retries = await operator.look("/operator/retries?attempts=1")
    assert rows_of(retries, "first_failures")[0][:4] == ["server_error", "1", "1", "1"]
    assert [row[:3] for row in rows_of(retries, "replay")] == [
        ["As it happened", "2", "1"],
        ["As it would have been", "2", "0"],
    ]
    costs = await operator.look("/operator/costs")
    (family,) = rows_of(costs, "user_id")
    assert family[1:3] == ["3", "$0.0004"]


async def test_an_estimate_is_shown_as_one(ada: Visitor, operator: Visitor, worker: Worker, database: Database) -> None:
    worker.model.full_response["usage"] = {"prompt_tokens": 1000, "completion_tokens": 1000}
    database.execute(
        "insert into tales.prices (model, valid_from, prompt_usd_per_million, completion_usd_per_million, source)"
        " values ('first/model', '2020-01-01', 10, 20, 'operator')"
    )
    generation = await ada.ask(await ada.add_child())
    await worker.run(generation)

    says(await operator.look(f"/operator/generations/{generation}"), "not known; by the price list about $0.03")
    for report, table in (("models", "costs"), ("costs", "days"), ("costs", "model_used"), ("costs", "user_id")):
        page = await operator.look(f"/operator/{report}")
        says(page, "Estimated for those", "It is no part of the cost.")
        assert rows_of(page, table)[0][-1] == "$0.03", table
    assert rows_of(page, "days")[0][3] == "not known"


async def test_what_is_left_out_is_said(operator: Visitor, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    then = datetime.now(UTC) - timedelta(days=3)
    times = {"created_at": then, "started_at": then, "completed_at": then + timedelta(seconds=9)}
    with database.connect() as connection:
        user = add_user(connection)
        insert(connection, "generations", ended(user, **times))
    refresh_rollups(database)
    counted = await operator.look("/operator/costs?model=sim/ok")
    says(counted, "from rollups: counts and sums are exact")
    assert "Too many calls" not in counted.text

    monkeypatch.setattr(rolled_reports, "MOST_COUNTED", 0)

    costs = await operator.look("/operator/costs?model=sim/ok")
    says(costs, "A shorter period shows what is left out: costs by family.", "Left out: there are too many calls")
    assert "Nothing in this period." not in costs.text
    odd = "zone=Asia/Kolkata&language=de"
    says(await operator.look(f"/operator/failures?{odd}"), "failures by hour of the day, failures by day of")
    overview = await operator.look(f"/operator?{odd}")
    says(overview, "what is left out: costs by day.", "Left out: there are too many calls")
    assert "Nothing was asked for" not in overview.text
    for page in ("", "/costs", "/models"):
        family = await operator.look(f"/operator{page}?user_id={user}")
        says(family, "what is left out: everything.", "Left out: there are too many calls")
        assert "Nothing" not in family.text, page


async def test_the_script_of_charts_is_packed_once_and_for_admins_alone(
    ada: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    packings: list[int] = []

    def compress(*_: object, **__: object) -> bytes:
        packings.append(1)
        time.sleep(0.1)  # as long as others need to come as well
        return b"packed"

    plotly._packed.cache_clear()
    monkeypatch.setattr(plotly.gzip, "compress", compress)
    with ThreadPoolExecutor(4) as threads:
        found = [threads.submit(plotly._script, is_packed=True) for _ in range(4)]
    plotly._packed.cache_clear()

    assert ([one.result() for one in found], len(packings)) == ([b"packed"] * 4, 1)
    assert (await ada.look(plotly.ADDRESS)).status_code == 404
    assert plotly._plain() is plotly._plain()


async def test_each_table_is_a_file_as_well(ada: Visitor, operator: Visitor, worker: Worker) -> None:
    await rescued(ada, worker)
    for report in ("overview", *(name.strip("/") for name in REPORTS[1:])):
        page = await operator.look(f"/operator{'' if report == 'overview' else '/' + report}?since=7d&attempts=1")
        files = [found.replace("&amp;", "&") for found in re.findall(r'href="([^"]+)" download', page.text)]
        assert files, report
        for address in files:
            assert "since=7d" in address
            answer = await operator.look(address)
            assert answer.headers["Content-Type"] == "text/csv; charset=utf-8", address
            table = re.search(r"table=(\w+)", address)
            assert table is not None
            assert len(list(csv.DictReader(io.StringIO(answer.text)))) == len(rows_of(page, table[1])), address
    assert (await operator.look("/operator/models.csv?table=nothing")).status_code == 404


async def test_the_period_stays_while_one_moves_about(ada: Visitor, operator: Visitor, worker: Worker) -> None:
    await rescued(ada, worker)
    chosen = "since=90d&zone=Europe%2FBerlin&model=first%2Fmodel"
    for path in (*REPORTS, "/budgets", "/generations", "/users"):
        page = await operator.look(f"/operator{path}?{chosen}")
        ways = re.findall(r'<a href="(/operator[^"]*)"', page.text.partition('class="ways"')[2].partition("</nav>")[0])
        assert len(ways) == 10
        for way in ways:
            assert chosen in way.replace("&amp;", "&"), (path, way)


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ("status=success", True),
        ("status=failed", False),
        ("model=second%2Fmodel", True),
        ("model=first%2Fmodel", False),
        ("error_type=server_error", False),
        ("cost_over=0.0001", True),
        ("cost_over=0,01", False),
        ("slower_than=100", False),
        ("from=2020-01-01&to=2020-12-31", False),
        ("user_id=01890a5d-ac96-774b-bcce-b302099a8057", False),
    ],
)
async def test_generations_are_found_by_what_their_latest_call_says(
    ada: Visitor, operator: Visitor, worker: Worker, query: str, is_found: bool
) -> None:
    generation = await rescued(ada, worker)

    page = await operator.look(f"/operator/generations?{query}")

    assert page.status_code == 200
    assert (f"/operator/generations/{generation}" in page.text) is is_found


async def test_a_generation_is_shown_whole_and_the_look_is_recorded(
    ada: Visitor, operator: Visitor, worker: Worker, database: Database
) -> None:
    generation = await rescued(ada, worker)
    by_id = await operator.look(f"/operator/generations?id={generation}")
    assert by_id.headers["Location"] == f"/operator/generations/{generation}"
    assert database.rows("select from tales.audit_log") == []

    page = await operator.look(f"/operator/generations/{generation}")

    says(page, "another family's words", "Both prompts are the same.", "Attempt 2", "server_error", "finish_reason")
    (look,) = database.rows(
        "select l.generation_id, a.email from tales.audit_log l join tales.accounts a on a.user_id = viewer_id"
    )
    assert (str(look["generation_id"]), look["email"]) == (generation, "olga@example.org")
    assert "Why this prompt" not in page.text, "there was no other"
    with database.connect() as connection:
        snapshot = goal_snapshot(insert(connection, "prompt_goals", prompt_goal(id=uuid4(), language="de")))
        choice = prompt_choice({"generation_id": generation}) | {"reason": "goal"}
        insert(connection, "goal_snapshots", snapshot)
        insert(connection, "prompt_choices", choice | {"snapshot_id": snapshot["id"]})
    says(await operator.look(f"/operator/generations/{generation}"), "Goal: as many stories as can be.", "child-en-1")
    file = await operator.look(f"/operator/generations/{generation}/attempts/2.json")
    assert json.loads(file.text)["usage"]["cost"] == 0.00042
    assert len(database.rows("select from tales.audit_log")) == 3
    assert (await operator.look(f"/operator/generations/{generation}/attempts/1.json")).status_code == 404


async def test_what_a_model_wrote_is_never_markup(ada: Visitor, operator: Visitor, worker: Worker) -> None:
    deep: object = PAYLOAD
    for _ in range(60):
        deep = {PAYLOAD: [deep]}
    worker.model.full_response |= {"provider": PAYLOAD, "model": PAYLOAD, PAYLOAD: deep, "half": "\ud83d"}
    generation = await ada.ask(await ada.add_child(name=PAYLOAD[:70]), moral="", own_moral=PAYLOAD)
    await worker.run(generation)

    for path in (*REPORTS, "/generations", f"/generations/{generation}"):
        page = await operator.look(f"/operator{path}?model={quote(PAYLOAD)}" if path in REPORTS else f"/operator{path}")
        assert page.status_code == 200, path
        assert not [mark for mark in MARKS if mark in page.text], path
    assert "&lt;img src=x onerror=alert(1)&gt;" in page.text
    assert json.loads((await operator.look(f"/operator/generations/{generation}/attempts/1.json")).text)


async def test_users_are_listed_and_found_by_their_address(ada: Visitor, operator: Visitor, worker: Worker) -> None:
    await rescued(ada, worker)

    page = await operator.look("/operator/users")
    assert page.text.index("olga@example.org") < page.text.index("ada@example.org"), "the newest first"
    found = await operator.look("/operator/users?email=ADA@example.org")
    assert "olga@example.org" not in found.text.partition("<table")[2]
    assert "ada@example.org" in found.text
    says(await operator.look("/operator/users?email=nobody"), "Nobody has this address.")


async def test_no_address_is_too_odd(operator: Visitor) -> None:
    of_lists = {"status", "error_type", "cost_over", "slower_than", "id", "after", "email"}
    for field in FIELDS:
        path = (
            "/operator/users"
            if field == "email"
            else "/operator/generations"
            if field in of_lists
            else "/operator/retries"
        )
        for odd in (b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"9" * 21, b"%s {x}", "\u202e🦄".encode() * 30):
            answer = await operator.look(f"{path}?{field}={quote(odd)}")
            assert answer.status_code in {200, 422}, (path, field, odd, answer.text)
    for field, value in (("since", "1 year"), ("zone", "Mars"), ("user_id", "x"), ("story_type", "poem"), ("to", "x")):
        page = await operator.look(f"/operator/models?{field}={value}")
        assert page.status_code == 422, field
        assert 'role="alert"' in page.text, field
    numbers = ("1e30", "1e-31", "1E-999999", "0E999999", "1E999999", "nan", "snan", "-inf")
    for field in ("attempts=0", "attempts=1.5", "pause=-1", "pause=x", *(f"attempts={odd}" for odd in numbers)):
        assert (await operator.look(f"/operator/retries?{field}")).status_code == 422, field
        file = await operator.look(f"/operator/retries.csv?table=replay&{field}")
        assert file.status_code == 422, field
    others = [f"{field}={odd}" for field in ("cost_over", "slower_than") for odd in numbers]
    for field in ("status=odd", "cost_over=x", "slower_than=-1", "id=x", *others):
        assert (await operator.look(f"/operator/generations?{field}")).status_code == 422, field


@pytest.mark.parametrize(
    "address",
    ["generations?cost_over=", "generations?slower_than=", "retries?pause=", "retries.csv?table=replay&pause="],
)
async def test_a_thousand_is_not_taken_for_one(operator: Visitor, address: str) -> None:
    for typed, language, status in (
        ("1,500", "en", 422),
        ("1.500", "en", 200),
        ("1.500", "de", 422),
        ("1,500", "de", 200),
        ("1500", "de", 200),
    ):
        page = await operator.look(f"/operator/{address}{typed}", **{"Accept-Language": language})
        assert page.status_code == status, (typed, language)
