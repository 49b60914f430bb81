"""`/metrics` of real processes: what Prometheus reads of them, and what it must never read."""

from __future__ import annotations

import json
import re
import socket

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.docs.documents import ROOT
from tests.fixtures.databases import outage
from tests.fixtures.processes import Place, ask, sign_in, until
from tests.fixtures.server import Server

DASHBOARD = ROOT / "docs/grafana-dashboard.json"
PAGE = ROOT / "docs/operations.md"
Figures = dict[tuple[str, ...], float]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def accessed_at(port: int, **headers: str) -> httpx.Response:
    return httpx.get(f"http://127.0.0.1:{port}/metrics", headers=headers, timeout=10)


def figures(answer: httpx.Response) -> Figures:
    """Each sample by its name and the values of its labels."""
    assert answer.status_code == 200
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


@pytest.mark.timeout(90)
def test_what_a_server_did_is_counted_and_nobodys_words_are(place: Place, server: Server) -> None:
    port = free_port()
    with place.serving("sim/500-ok,sim/ok", TALES_METRICS_PORT=str(port)) as (_, client):
        sign_in(client)
        place.database.execute(
            "insert into tales.prices (model, valid_from, prompt_usd_per_million, completion_usd_per_million, source)"
            " select m, now() - interval '1 day', 1, 1, 'operator' from unnest(array['sim/500-ok', 'sim/ok']) as m"
        )
        place.database.execute("insert into tales.budgets (scope, period, limit_usd) values ('all', 'month', 1)")
        ask(client)
        until(lambda: len(place.database.rows("select from tales.stories")) == 1, seconds=30)
        until(lambda: ("tales_attempts_total", "", "sim/ok", "success") in figures(accessed_at(port)), seconds=10)
        answer = accessed_at(port)
        found = figures(answer)

        assert found["tales_attempts_total", "server_error", "sim/500-ok", "failed"] == 1
        assert found["tales_attempt_seconds_count", "sim/ok"] == found["tales_first_token_seconds_count", "sim/ok"] == 1
        assert found["tales_tokens_total", "completion", "sim/ok"] > 0
        assert found["tales_cost_usd_total", "sim/ok"] > 0
        assert found["tales_cost_unknown_total", "sim/500-ok"] == 1
        (alive,) = (value for key, value in found.items() if key[0] == "tales_workers_alive")
        assert (alive, found["tales_database_up",]) == (1, 1)
        (used,) = (value for key, value in found.items() if key[0] == "tales_budget_used_share")
        assert 0 < used < 1
        assert "Mia" not in answer.text
        assert client.get("/metrics").status_code == 404, "not where families are"
        names = {key[0] for key in found}
        _check_documents(names | {name.removesuffix("_count") for name in names})

        with outage(server, place.database):
            assert figures(accessed_at(port))["tales_database_up",] == 0
            assert figures(accessed_at(port))["tales_attempts_total", "", "sim/ok", "success"] == 1


def _check_documents(names: set[str]) -> None:
    """What the dashboard and the page name is there, but for what appears with the first attempt in wait."""
    dashboard = DASHBOARD.read_text(encoding="utf-8")
    json.loads(dashboard)
    queue = {"tales_queue_waiting", "tales_queue_in_hand", "tales_queue_oldest_seconds"}
    for text in (dashboard, PAGE.read_text(encoding="utf-8").partition("## Figures")[2].partition("## A file")[0]):
        named = set(re.findall(r"\btales_\w+", text))
        assert named
        assert named <= names | queue
        assert queue <= named


@pytest.mark.timeout(60)
def test_a_worker_shows_the_queue_to_whoever_brings_the_token(place: Place) -> None:
    port = free_port()
    process = place.start("sim/hang", "worker", TALES_METRICS_PORT=str(port), TALES_METRICS_TOKEN="only-for-prometheus")
    try:
        until(lambda: _answers(port), seconds=30)
        assert accessed_at(port).status_code == 401
        assert accessed_at(port, Authorization="Bearer wrong").status_code == 401
        assert accessed_at(port).headers["www-authenticate"] == "Bearer"
        good = {"Authorization": "Bearer only-for-prometheus"}
        with place.serving("sim/hang", "--no-worker") as (_, client):
            sign_in(client)
            ask(client)
            until(lambda: _in_hand(figures(accessed_at(port, **good))) == [1], seconds=20)
    finally:
        process.kill()
        process.wait()


def _in_hand(found: Figures) -> list[float]:
    return [value for key, value in found.items() if key[0] == "tales_queue_in_hand"]


def _answers(port: int) -> bool:
    try:
        accessed_at(port)
    except httpx.TransportError:
        return False
    return True


@pytest.mark.timeout(60)
def test_a_port_that_is_taken_is_said_in_a_sentence(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = place.start("sim/ok", "worker", output=-1, TALES_METRICS_PORT=str(port))
        output, _ = process.communicate(timeout=40)

    assert process.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{port}" in output
    assert "Choose another TALES_METRICS_PORT." in output
