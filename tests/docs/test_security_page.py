"""docs/security.md says what the matrix says, which the tests of the database run."""

from __future__ import annotations

import runpy

from tests.docs.documents import ROOT
from tests.infrastructure.postgres.security_matrix import LINES

page = runpy.run_path(str(ROOT / "docs" / "security_tables.py"))


def test_the_tables_are_those_of_the_matrix() -> None:
    written = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")

    assert page["embedded"](written, page["tables"]()) == written, "run: make docs"


def test_every_relation_stands_on_the_page() -> None:
    tables = page["tables"]()

    assert [line.relation for line in LINES if f"`{line.relation}`" not in tables] == []
