"""A module has one subject, and fits on a few screens (CONTRIBUTING.md)."""

from __future__ import annotations

from tests.docs.documents import ROOT

MOST_LINES = 350


def test_no_module_is_longer_than_contributing_says() -> None:
    modules = [path for room in ("src", "benchmarks") for path in (ROOT / room).rglob("*.py")]
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in modules}

    assert modules
    assert {str(path.relative_to(ROOT)): lines for path, lines in lengths.items() if lines > MOST_LINES} == {}


def test_no_line_of_sql_is_longer_than_its_readers_see() -> None:
    files = [*(ROOT / "src").rglob("*.sql"), *(ROOT / "benchmarks").rglob("*.sql")]
    lines = {path: path.read_text(encoding="utf-8").splitlines() for path in files}

    assert files
    assert [f"{path.name}:{n}" for path in files for n, line in enumerate(lines[path], 1) if len(line) >= 120] == []
