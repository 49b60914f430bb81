"""The examples of docs/analysis.md give what the reports of the database give."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path

import pytest

from tests.docs.documents import ROOT
from tests.fixtures.databases import Database
from tests.interfaces.cli.conftest import Tales, bare_tales

__all__ = ["bare_tales"]

TEXT = (ROOT / "docs/analysis.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"\n## (\w+)\n.*?```python\n(.*?)```", TEXT, re.DOTALL))
COMMANDS = re.findall(r"^tales (.+)$", TEXT, re.MULTILINE)


def test_each_example_adds_up_to_the_report(
    bare_tales: Tales, history: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare_tales.set(TALES_DATABASE_URL=history.owner_url)
    monkeypatch.chdir(tmp_path)
    for command in COMMANDS:
        ran = bare_tales(*shlex.split(command))
        assert ran.status == 0, ran.err
    report = bare_tales("report", "models", "--from", "2025-11-01", "--to", "2026-10-31", "--format", "json").json
    wanted = [(row["model_used"], row["attempts"]) for row in report["items"]]
    figures = [(row["success_rate"], float(row["cost_usd"]), row["seconds_p95"]) for row in report["items"]]

    assert set(EXAMPLES) == {"DuckDB", "Polars", "pandas"}
    for name, example in EXAMPLES.items():
        if importlib.util.find_spec(name.lower()) is None:
            assert name == "pandas", f"{name} is a part of the tests"
            continue
        found: dict[str, list[tuple[str, int, float, float, float]]] = {}
        exec(example, found)
        models = found["models"]
        assert [(model, calls) for model, calls, *_ in models] == wanted, name
        for (_, _, success, cost, p95), expected in zip(models, figures, strict=True):
            assert (success, float(cost), p95) == pytest.approx(expected), name
