"""The client without asyncio is the one with it, and the client stands alone."""

from __future__ import annotations

import inspect
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from tales import client
from tales.client.aio.family import Children, Heroes
from tales.client.aio.generations import Generations
from tales.client.aio.stories import Stories

ROOT = Path(__file__).parents[2]
PARTS = (client.AsyncTales, Children, Heroes, Generations, Stories)


def test_the_client_without_asyncio_is_written_out_of_the_one_with_it() -> None:
    written = runpy.run_path(str(ROOT / "tools" / "sync_client.py"))["written"]()

    assert [path.name for path, code in written.items() if path.read_text(encoding="utf-8") != code] == [], (
        "run: make client"
    )
    assert not any(word in code for code in written.values() for word in ("await ", "async ", "asyncio"))


def test_the_import_brings_nothing_of_the_service() -> None:
    script = "import sys, tales.client; print(*sorted(sys.modules), sep='\\n')"
    loaded = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()

    service = {"fastapi", "sqlalchemy", "psycopg", "aiohttp", "uvicorn", "pyarrow"}
    assert service & set(loaded) == set()
    assert [name for name in loaded if name.startswith("tales.") and not name.startswith("tales.client")] == []


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_each_method_says_what_it_does(part: type) -> None:
    methods = [method for name, method in inspect.getmembers(part, inspect.isfunction) if not name.startswith("_")]

    assert methods
    assert [method.__name__ for method in methods if not method.__doc__] == []
