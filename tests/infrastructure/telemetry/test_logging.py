"""Logs go to standard error: one line an event, as JSON for machines."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from tales.infrastructure.telemetry.logging import configure_logging


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    """Leave logging as it was for the other tests."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_an_event_is_a_line_of_json_with_its_facts(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info")

    structlog.get_logger("tales").warning("worker lost", attempt="x/1")

    out, err = capsys.readouterr()
    assert out == ""
    line = json.loads(err)
    assert (line["event"], line["attempt"], line["level"]) == ("worker lost", "x/1", "warning")
    assert line["timestamp"].endswith("Z")


def test_a_line_names_the_request_that_led_to_it(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info")

    with structlog.contextvars.bound_contextvars(request_id="one"):
        structlog.get_logger("tales").error("request failed")
        logging.getLogger("uvicorn").error("trouble")

    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["event"], line["request_id"]) for line in lines] == [("request failed", "one"), ("trouble", "one")]


def test_what_is_below_the_level_is_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("warning")

    structlog.get_logger("tales").info("attempt started")
    logging.getLogger("anything").info("chatter")

    assert capsys.readouterr().err == ""


def test_libraries_are_heard_from_warnings_on(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info")

    logging.getLogger("sqlalchemy").info("chatter")
    logging.getLogger("sqlalchemy").warning("trouble")

    assert json.loads(capsys.readouterr().err)["event"] == "trouble"
