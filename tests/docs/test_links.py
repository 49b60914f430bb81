"""Links lead somewhere, and every decision is in the index."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.documents import ROOT, code, documents, prose

DECISIONS = ROOT / "docs" / "decisions"
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
# An address on a server begins with a slash.
_PLACE = re.compile(r"(?<!/)(?:src|tests|docs|benchmarks)/[\w./-]+\w")


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_each_relative_link_leads_to_a_file(document: Path) -> None:
    targets = [link for link in _LINK.findall(prose(document)) if "://" not in link]

    assert [link for link in targets if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_each_file_that_is_named_exists(document: Path) -> None:
    named = {place for text in code(document) for place in _PLACE.findall(text)}

    assert sorted(place for place in named if not (ROOT / place).exists()) == []


def test_each_decision_is_in_the_index_under_its_title() -> None:
    index = (DECISIONS / "README.md").read_text(encoding="utf-8")
    records = sorted(path for path in DECISIONS.glob("*.md") if path.name != "README.md")

    assert records
    assert [path.name for path in records if f"[{_title(path)}]({path.name})" not in index] == []


@pytest.mark.parametrize("part", ["Status", "Context", "Decision", "Consequences", "Alternatives"])
def test_each_decision_has_all_its_parts(part: str) -> None:
    records = [path for path in DECISIONS.glob("*.md") if path.name != "README.md"]

    assert [path.name for path in records if f"**{part}.**" not in path.read_text(encoding="utf-8")] == []


def _title(record: Path) -> str:
    return record.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
