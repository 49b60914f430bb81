"""The command line, run as its users run it, over a database and a provider of the test's own."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from tales.interfaces.cli.main import main
from tales.simulator.server import Simulator
from tests.fixtures.databases import Database


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


class Tales:
    """Runs `tales ...` in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def set(self, **variables: str) -> None:
        """Set environment variables, as an operator would."""
        for name, value in variables.items():
            self._monkeypatch.setenv(name, value)

    def __call__(self, *arguments: str) -> Ran:
        """Run one command."""
        self._monkeypatch.setattr(sys, "argv", ["tales", *arguments])
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        out, err = self._capsys.readouterr()
        return Ran(int(left.value.code or 0), out, err)


@pytest.fixture
def bare_tales(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tales:
    """The command line with nothing set."""
    return Tales(monkeypatch, capsys)


@pytest.fixture
def tales(bare_tales: Tales, database: Database, background_simulator: Simulator) -> Tales:
    """The command line over a database, and a provider that plays scripts."""
    bare_tales.set(
        TALES_DATABASE_URL=database.owner_url, TALES_LLM_BASE_URL=background_simulator.url, TALES_MODELS="sim/ok"
    )
    return bare_tales
