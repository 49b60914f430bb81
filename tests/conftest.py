"""What every test stands on; the fixtures themselves live in `tests/fixtures`."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

# In this order: each imports from those before it.
pytest_plugins = [
    "tests.fixtures.depth",
    "tests.fixtures.waiting",
    "tests.fixtures.server",
    "tests.fixtures.time",
    "tests.fixtures.databases",
    "tests.fixtures.history",
    "tests.fixtures.live",
    "tests.fixtures.managed",
    "tests.fixtures.environment",
    "tests.fixtures.passwords",
    "tests.fixtures.mail",
    "tests.fixtures.simulator",
    "tests.fixtures.processes",
]

# Until all is collected: nothing that is imported by then is garbage.
gc.disable()

_COVERS = tuple(Path(__file__).parent / name for name in ("domain", "application", "interfaces/api", "interfaces/web"))
"""Whose tests are to cover the domain and the application: counting lines costs the others as much as they do."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Count no lines where nobody asks for them."""
    for item in items:
        if not any(item.path.is_relative_to(folder) for folder in _COVERS):
            item.add_marker("no_cover")


def pytest_collection_finish() -> None:
    """What is imported and collected stays to the end: to look through it again and again took a seventh of a run."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    gc.enable()
