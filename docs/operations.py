#!/usr/bin/env python3
"""Writes what the commands of docs/operations.md answer, over the year that the tests use (`make docs`)."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.history import fill_history
from tests.fixtures.history import PLAN

from tales.infrastructure.embedded.server import start_embedded, stop_embedded
from tales.legacy.migrate import migrate_up

PAGE = Path(__file__).resolve().parent / "operations.md"
_EXAMPLE = re.compile(r"```console\n\$ tales (?P<command>.+)\n(?P<answer>(?:(?!```).*\n)*)```")


def answered(page: str, run: Callable[[list[str]], str]) -> str:
    """`page` with the answer of each command under it; `run` gets what follows `tales`."""

    def answer(example: re.Match[str]) -> str:
        lines = [line.rstrip() for line in run(shlex.split(example["command"])).splitlines()]
        return f"```console\n$ tales {example['command']}\n" + "\n".join(lines).strip("\n") + "\n```"

    return _EXAMPLE.sub(answer, page)


def _main() -> None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        url = start_embedded(Path(home)).owner_url
        try:
            migrate_up(url)
            fill_history(url, PLAN)

            def run(arguments: list[str]) -> str:
                command = [sys.executable, "-m", "tales.interfaces.cli.main", *arguments]
                environment = os.environ | {"TALES_DATABASE_URL": url}
                done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)  # noqa: S603 -- this page's own
                return done.stdout

            PAGE.write_text(answered(PAGE.read_text(encoding="utf-8"), run), encoding="utf-8")
        finally:
            stop_embedded(Path(home))


if __name__ == "__main__":
    _main()
