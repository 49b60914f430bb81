"""A person at a terminal whose stories a server writes."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from tests.acceptance.test_terminal import COMMAND, MIA, at_a_terminal
from tests.client.conftest import Service, running_service
from tests.fixtures.databases import Database
from tests.fixtures.processes import until


def signed_in(service: Service) -> dict[str, str]:
    """The settings of a family that has a token."""
    return {"TALES_SERVER": service.address, "TALES_TOKEN": service.new_family()}


def test_a_story_appears_as_the_server_writes_it(database: Database) -> None:
    with running_service(database, "sim/slow-5") as service:
        status, pieces = at_a_terminal(*MIA, **signed_in(service))

    assert status == 0
    with_text = [piece for piece in pieces if "lantern" in piece or "hedgehog" in piece]
    assert len(with_text) > 3
    assert "success" in "".join(pieces)


def test_what_was_shown_of_a_failed_attempt_is_said_to_be_no_story(database: Database) -> None:
    with running_service(database, "sim/drop-mid-stream-ok") as service:
        status, pieces = at_a_terminal(*MIA, **signed_in(service), TERM="xterm")

    shown = "".join(pieces)
    assert status == 0
    assert "Attempt 1 gave no story:" in shown
    assert "Trying again." in shown
    # What stays is what stands behind the screen of its own on which it was written.
    assert shown.rpartition("\x1b[?1049l")[2].count("Mia and the Lantern in the Garden") == 1


@pytest.mark.timeout(60)
def test_a_story_that_is_interrupted_at_the_terminal_is_cancelled_at_the_server(database: Database) -> None:
    with running_service(database, "sim/hang") as service:
        process = subprocess.Popen(
            [*COMMAND, *MIA],
            env=os.environ | signed_in(service),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        until(lambda: len(database.rows("select from tales.generations where started_at is not null")) == 1, seconds=30)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "Traceback" not in output
    assert database.rows("select status, error_type from tales.generations") == [
        {"status": "failed", "error_type": "cancelled"}
    ]
