"""How long versions 1 and 2 live, and that each of their answers says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest
from httpx import AsyncClient, Response

from tales.interfaces.api.versions import ALL, NEWEST, V1, V2, Version
from tests.interfaces.api.world import problem

ID = "01890a5d-ac96-774b-bcce-b302099a8057"
both = pytest.mark.parametrize("version", [V1, V2], ids=["v1", "v2"])


def successor(answer: Response) -> str:
    return answer.headers["Link"].partition(">")[0].removeprefix("<")


@both
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/stories", 401),
        ("GET", "/stories/nonsense", 401),
        ("POST", "/stories/generate", 401),
        ("PATCH", "/stories", 405),
        ("GET", "/nothing/here", 404),
        ("GET", "", 404),
        ("GET", "/openapi.json", 200),
    ],
)
async def test_every_answer_of_a_version_that_ends_says_so(
    outsider: AsyncClient, version: Version, method: str, path: str, status: int
) -> None:
    answer = await outsider.request(method, version.prefix + path)

    assert answer.status_code == status
    _says_when_it_ends(answer, version)


@both
async def test_a_body_that_is_too_large_is_answered_by_its_version_too(outsider: AsyncClient, version: Version) -> None:
    answer = await outsider.post(f"{version.prefix}/stories/generate", content=b" " * 70_000)

    problem(answer, 413, "content_too_large")
    _says_when_it_ends(answer, version)


def _says_when_it_ends(answer: Response, version: Version) -> None:
    assert version.end is not None
    deprecation = answer.headers["Deprecation"]
    assert deprecation.startswith("@")
    assert datetime.fromtimestamp(int(deprecation[1:]), UTC) == version.end.deprecated_at
    assert answer.headers["Sunset"].endswith(" GMT")
    assert parsedate_to_datetime(answer.headers["Sunset"]) == version.end.sunset > version.end.deprecated_at
    assert 'rel="successor-version"' in answer.headers["Link"]
    assert f'<{version.page}>; rel="deprecation"' in answer.headers["Link"]


@both
async def test_the_reason_is_a_page_that_names_the_dates(outsider: AsyncClient, version: Version) -> None:
    document = (await outsider.get(version.document)).json()

    assert (await outsider.get(version.page)).status_code == 200
    assert version.end is not None
    assert f"{version.end.sunset:%-d %B %Y}" in document["info"]["description"]


@both
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/stories", "/stories"),
        (f"/stories/{ID}", f"/stories/{ID}"),
        (f"/stories/{ID}/rating", f"/stories/{ID}/rating"),
        ("/stories/generate", "/generations"),
        ("/stories/%3E%0d%0aX:%20y", "/stories"),
        ("/other", "/stories"),
    ],
)
async def test_the_successor_is_the_same_in_the_newest_version(
    outsider: AsyncClient, version: Version, path: str, expected: str
) -> None:
    answer = await outsider.get(version.prefix + path)

    assert successor(answer) == NEWEST.prefix + expected


@pytest.mark.parametrize("path", ["/api/v3/stories", "/health/live", "/problems", "/openapi.json", "/docs", "/api/v4"])
async def test_nothing_else_ends(outsider: AsyncClient, path: str) -> None:
    answer = await outsider.get(path)

    assert not {"deprecation", "sunset", "link"} & set(answer.headers)


def test_the_example_of_the_specification_of_dates() -> None:
    assert NEWEST is ALL[-1]
    assert NEWEST.end is None
    moment = datetime(2025, 1, 1, tzinfo=UTC)
    assert V1.end is not None
    end = replace(V1.end, deprecated_at=moment, sunset=moment)
    assert (end.deprecation, end.sunset_date) == ("@1735689600", "Wed, 01 Jan 2025 00:00:00 GMT")
