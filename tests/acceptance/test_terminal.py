"""A person at a terminal, and a machine with nothing set: what the first minute with Tales is like."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tales.infrastructure.embedded.server import stop_embedded
from tales.simulator.server import Simulator
from tests.fixtures.databases import Database
from tests.fixtures.environment import home_folder

COMMAND = (sys.executable, "-m", "tales.interfaces.cli.main")
MIA = ("write", "Mia", "--age", "6", "--likes", "dragons", "--moral", "kindness")


def at_a_terminal(*arguments: str, **variables: str) -> tuple[int, list[str]]:
    """Run a command on a terminal of its own; its status, and what it wrote in the order in which it came."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        env=os.environ | {"COLUMNS": "120"} | variables,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    pieces = []
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        pieces.append(piece.decode(errors="replace"))
    os.close(ours)
    return process.wait(), pieces


@pytest.fixture
def provider(database: Database, background_simulator: Simulator) -> dict[str, str]:
    """Settings for a provider that plays scripts, and a database."""
    return {"TALES_DATABASE_URL": database.owner_url, "TALES_LLM_BASE_URL": background_simulator.url}


def test_a_story_appears_as_it_is_written(provider: dict[str, str]) -> None:
    status, pieces = at_a_terminal(*MIA, **provider, TALES_MODELS="sim/slow-5")

    assert status == 0
    with_text = [piece for piece in pieces if "lantern" in piece or "hedgehog" in piece]
    assert len(with_text) > 3
    assert "success" in "".join(pieces)


def test_what_was_shown_of_a_failed_attempt_is_said_to_be_no_story_and_does_not_stay(
    provider: dict[str, str],
) -> None:
    status, pieces = at_a_terminal(*MIA, **provider, TALES_MODELS="sim/drop-mid-stream-ok", TERM="xterm")

    shown = "".join(pieces)
    assert status == 0
    assert "Attempt 1 gave no story:" in shown
    assert "Trying again." in shown
    assert shown.count("sat a hedgehog") > 1
    what_stays = re.sub(r"\x1b\[\?1049h.*?\x1b\[\?1049l", "", shown, flags=re.DOTALL)
    assert what_stays.count("sat a hedgehog") == 1
    assert "to read aloud." in what_stays
    assert "\x1b[?1049" not in what_stays


def test_a_terminal_without_screens_says_where_a_failed_attempt_ends(provider: dict[str, str]) -> None:
    status, pieces = at_a_terminal(*MIA, **provider, TALES_MODELS="sim/drop-mid-stream-ok", TERM="dumb")

    shown = "".join(pieces)
    assert status == 0
    assert "\x1b[?1049" not in shown
    assert "Attempt 1 gave no story:" in shown


def test_a_migration_shows_how_far_it_is(empty_database: Database) -> None:
    status, pieces = at_a_terminal("migrate", "up", TALES_DATABASE_URL=empty_database.owner_url)

    assert status == 0
    assert "contract" in "".join(pieces)


def test_letters_that_a_terminal_does_not_know_are_replaced(provider: dict[str, str]) -> None:
    done = subprocess.run(
        [*COMMAND, "write", "Мия 🐉", "--age", "6"],
        env=os.environ | provider | {"TALES_MODELS": "sim/ok", "PYTHONIOENCODING": "latin-1"},
        capture_output=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert b"???" in done.stdout


def test_output_that_nobody_takes_ends_a_command_in_peace(provider: dict[str, str]) -> None:
    command = " ".join([*COMMAND, "generations", "list"])

    def run(redirection: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            f"{command} {redirection}",
            shell=True,
            env=os.environ | provider | {"TALES_MODELS": "sim/ok"},
            capture_output=True,
            text=True,
            check=False,
        )

    closed, full = run(">&-"), run("> /dev/full")

    assert (closed.returncode, closed.stderr) == (0, "")
    assert full.returncode == 1
    assert full.stderr == "Error: The output cannot be written: No space left on device.\n"


@pytest.fixture
def new_home() -> Iterator[Path]:
    """The home of somebody who has never used Tales."""
    home = home_folder()
    yield home
    stop_embedded(home / ".tales")


@pytest.mark.timeout(120)
def test_the_model_on_this_machine_writes_a_story_with_nothing_set(new_home: Path) -> None:
    def run(*arguments: str) -> str:
        done = subprocess.run(
            [*COMMAND, *arguments], env=os.environ | {"HOME": str(new_home)}, check=True, capture_output=True, text=True
        )
        return done.stdout

    written = json.loads(run(*MIA, "--minutes", "1", "--json"))

    assert len(written["story"]["content"].split()) >= 20
    shown = json.loads(run("generations", "show", written["generation"]["generation_id"], "--json"))
    attempt = shown["attempts"][-1]
    assert (attempt["status"], attempt["model_used"]) == ("success", "local/smollm2-135m-instruct")
    assert attempt["completion_tokens"] > 20
    assert attempt["full_response"]["choices"][0]["finish_reason"] == "stop"
    assert attempt["started_at"] <= attempt["first_token_at"] <= attempt["completed_at"]
