"""Clients that tools make of the API's description have every operation."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
from httpx import AsyncClient
from openapi_python_client import Project
from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser import GeneratorData

from tales.interfaces.api.versions import ALL, V3, Version
from tests.interfaces.api.test_openapi import document_at, operations


def generated(document: dict[str, Any], folder: Path, name: str) -> set[str]:
    """The operations of a Python client that is made of `document` in `folder`, as the package `name`."""
    config = Config.from_sources(
        ConfigFile(post_hooks=[], package_name_override=name),
        MetaType.NONE,
        folder / "openapi.json",
        "utf-8",
        overwrite=False,
        output_path=folder / name,
    )
    data = GeneratorData.from_dict(document, config=config)
    assert isinstance(data, GeneratorData)
    assert list(Project(openapi=data, config=config).build()) == []
    return {module.stem for module in (folder / name / "api").rglob("*.py")} - {"__init__"}


@pytest.mark.parametrize("version", ALL, ids=lambda version: f"v{version.number}")
async def test_a_client_for_python_has_every_operation(outsider: AsyncClient, version: Version, tmp_path: Path) -> None:
    document = await document_at(outsider, version.document)

    assert generated(document, tmp_path, "client") == {
        operation["operationId"] for _, _, operation in operations(document)
    }


async def test_a_client_for_python_sends_a_preference_as_it_is_written(
    outsider: AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "tales_client_generated"
    generated(await document_at(outsider, V3.document), tmp_path, name)
    monkeypatch.syspath_prepend(tmp_path)
    request = importlib.import_module(f"{name}.api.generations.request_generation")
    models = importlib.import_module(f"{name}.models")

    body = models.NewGeneration.from_dict({"story_type": "child", "moral": "kindness"})
    sent = request._get_kwargs(body=body, prefer="wait=30", idempotency_key="a-key")

    assert sent["headers"]["Prefer"] == "wait=30"
    assert json.loads(json.dumps(sent["json"]))["moral"] == "kindness"
