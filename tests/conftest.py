"""What every test stands on; the fixtures themselves live in `tests/fixtures`."""

from __future__ import annotations

# In this order: each imports from those before it.
pytest_plugins = [
    "tests.fixtures.server",
    "tests.fixtures.time",
    "tests.fixtures.databases",
    "tests.fixtures.live",
    "tests.fixtures.managed",
    "tests.fixtures.environment",
    "tests.fixtures.simulator",
]
