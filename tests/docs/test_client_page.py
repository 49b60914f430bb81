"""The examples of docs/client.md work as they stand."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.client.conftest import running_service
from tests.docs.documents import ROOT
from tests.fixtures.databases import Database

PAGE = ROOT / "docs" / "client.md"
_EXAMPLE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_examples_run_in_their_order(
    database: Database, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    examples = _EXAMPLE.findall(PAGE.read_text(encoding="utf-8"))
    names: dict[str, object] = {"__name__": "example"}
    with running_service(database, "sim/ok") as service:
        for example in examples:
            exec(example.replace("http://127.0.0.1:8000", service.address), names)

    said = capsys.readouterr().out
    assert len(examples) >= 5
    assert "success" in said
    assert "lantern" in said.lower()
    assert "['Mia and the Lantern in the Garden', 'Mia and the Lantern in the Garden']" in said
    assert "age age is 600" in said
    taken = json.loads((tmp_path / "tales.json").read_bytes())
    assert [child["name"] for child in taken["children"]] == ["Leo"]
    assert "children=1 heroes=0" in said
    assert database.rows("select email from tales.accounts") == [{"email": "ada@example.org"}]
    assert database.rows("select rating from tales.stories order by created_at") == [{"rating": 9}, {"rating": None}]
