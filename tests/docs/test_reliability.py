"""docs/reliability.md promises what tests show: each test that it names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = re.findall(r"`(tests/[\w/]+\.py)((?:::\w+)*)`", (ROOT / "docs/reliability.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("path", "names"), NAMED)
def test_each_test_that_is_named_exists(path: str, names: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    for name in filter(None, names.split("::")):
        assert re.search(rf"\b(?:def|class) {name}\b", text), name


def test_it_names_some() -> None:
    assert len(NAMED) > 20
