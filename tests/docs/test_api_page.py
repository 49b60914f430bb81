"""What docs/api.md says of versions, errors and addresses is so, and its commands work as they stand."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.routing import iter_route_contexts

from tales.domain import errors, family, page, story_spec
from tales.domain.idempotency import IdempotencyKeyReused
from tales.interfaces.api import prefer, problem_kinds
from tales.interfaces.api.middleware.body_limit import LARGEST_BODY
from tales.interfaces.api.v1 import router as v1
from tales.interfaces.api.v2 import router as v2
from tales.interfaces.api.v3 import router as v3
from tales.interfaces.api.versions import ALL, V1, V2, V3, End, Version
from tests.client.conftest import running_service
from tests.docs.documents import ROOT, code
from tests.fixtures.databases import Database

PAGE = ROOT / "docs" / "api.md"
TEXT = PAGE.read_text(encoding="utf-8")
_COMMANDS = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_OPERATION = re.compile(r"(GET|POST|PUT|PATCH|DELETE) (/api/v\d/\S+)")
# Whatever a command answers, an error ends the run.
_STRICT = """set -euo pipefail
curl() { command curl --fail-with-body --max-time 60 "$@"; }
tales() { "$PYTHON" -c 'from tales.interfaces.cli.main import main; main()' "$@"; }
"""


def rows(heading: str) -> list[str]:
    """The rows of the table under a heading."""
    section = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return [line for line in section.splitlines() if line.startswith("| ")][1:]


def test_the_versions_and_their_dates_are_those_of_the_code() -> None:
    shown = [re.findall(r"[^|]+", row) for row in rows("Versions, and how long they live")]

    assert [[cell.strip() for cell in cells] for cells in shown] == [
        [f"`{version.prefix}`", cells[1].strip(), f"`{version.document}`", *_dates(version)]
        for version, cells in zip(ALL, shown, strict=True)
    ]
    ends = {version.end.deprecation for version in ALL if version.end}
    assert set(re.findall(r"`Deprecation: (@\d+)`", TEXT)) == ends


def _dates(version: Version) -> tuple[str, str]:
    end: End | None = version.end
    return (f"{end.deprecated_at:%-d %B %Y}", f"{end.sunset:%-d %B %Y}") if end else ("", "")


def test_every_kind_of_problem_is_explained_as_the_service_explains_it() -> None:
    expected = [f"| `{kind.code}` | {kind.status} | {' '.join(kind.advice.split())} |" for kind in problem_kinds.ALL]

    assert rows("Errors") == expected, "the table should be:\n" + "\n".join(expected)


def test_every_error_of_the_domain_has_a_kind() -> None:
    def below(error: type[errors.TalesError]) -> Iterator[type[errors.TalesError]]:
        for kind in error.__subclasses__():
            yield kind
            yield from below(kind)

    found = [kind for kind in below(errors.TalesError) if kind.__module__.startswith("tales.domain")]

    assert IdempotencyKeyReused in found
    assert [kind for kind in found if not any(parent in problem_kinds.BY_ERROR for parent in kind.__mro__)] == []


def test_the_limits_are_those_of_the_code() -> None:
    expected = {
        "a request's body": f"{LARGEST_BODY // 1024} KiB",
        "`Prefer: wait=N`": f"{prefer.LONGEST_WAIT} seconds",
        "`limit` of a list": f"{page.MAX_PAGE} items",
        "`story_length`": f"{story_spec.MAX_MINUTES} minutes",
        "`moral`": f"{story_spec.MAX_MORAL} characters",
        "`relationship_description`": f"{story_spec.MAX_RELATIONSHIP} characters",
        "`name`, `gender`": f"{family.MAX_NAME} characters",
        "`interests`": f"{family.MAX_INTERESTS} of {family.MAX_INTEREST} characters",
        "`appearance`": f"{family.MAX_APPEARANCE} characters",
    }

    assert {f"| {what} | {most} |" for what, most in expected.items()} <= set(rows("Limits"))


def test_each_operation_that_is_named_exists() -> None:
    named = {match for text in code(PAGE) for match in _OPERATION.findall(text)}
    routers = {V1: v1.make_router(), V2: v2.make_router(), V3: v3.make_router()}
    described = {
        (method, context.path)
        for router in routers.values()
        for context in iter_route_contexts(router.routes)
        for method in context.methods or ()
    }

    assert named
    assert named <= described


def _operator(database: Database, home: Path) -> dict[str, str]:
    """The environment of an operator, in which `tales` is that of this Python."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("TALES_")}
    return others | {"TALES_HOME": str(home), "TALES_DATABASE_URL": database.owner_url, "PYTHON": sys.executable}


def test_the_commands_work_in_their_order(database: Database, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl on this machine")
    script = "".join(_COMMANDS.findall(TEXT))
    with running_service(database, "sim/slow-3") as service:
        run = subprocess.run(
            ["bash", "-c", _STRICT + script.replace("http://127.0.0.1:8000", service.address)],
            env=_operator(database, tmp_path),
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    assert run.returncode == 0, run.stdout + run.stderr
    assert "event: delta\n" in run.stdout
    assert "event: end\n" in run.stdout
    assert '"attempts":[' in run.stdout
    assert "'children': 1, 'heroes': 0" in run.stdout
    assert "'model_used': 'sim/slow-3'" in run.stdout
    assert database.rows("select email, is_admin from tales.accounts") == [
        {"email": "ada@example.org", "is_admin": True}
    ]
    assert database.rows("select count(*) as stories, max(rating) as best from tales.stories") == [
        {"stories": 4, "best": 9}
    ]
