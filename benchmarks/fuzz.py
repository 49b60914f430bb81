"""`make bench-fuzz`: at least 10,000 requests of all kinds to the three versions of the API; no failure is allowed."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import httpx

from benchmarks.fuzzing import MODELS, VERSIONS, Effort, furnish, fuzz, sign_up
from benchmarks.generations.service import UNLIMITED
from tales.infrastructure.embedded.server import stop_embedded

_COMMAND = (sys.executable, "-m", "tales.interfaces.cli.main")
_SECRET = "a secret of these requests alone"
_START_SECONDS = 60
_STOP_SECONDS = 30


def main(arguments: list[str] | None = None) -> int:
    """Run until there were enough requests; 1 when one of them failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000, help="how many requests at least")
    parser.add_argument("--examples", type=int, default=60, help="how many of a kind for an operation, at most")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="tales-fuzz-") as folder, _serving(Path(folder)) as client:
        sign_up(client, _SECRET)
        return _run(client, Path(folder), options.cases, options.examples)


def _run(client: httpx.Client, folder: Path, least: int, examples: int) -> int:
    sent, started = dict.fromkeys(VERSIONS, 0), time.perf_counter()
    granted: Counter[str] = Counter()
    for seed in count(1):
        for version in VERSIONS:
            # Of what there was before, much has been deleted.
            findings = fuzz(furnish(client), version, folder, Effort(examples, seed))
            sent[version] += findings.cases
            granted.update(findings.granted)
            if not findings.passed:
                print(f"v{version}, seed {seed}:\n{findings.output}")
                return 1
            print(f"v{version}, seed {seed}: {findings.cases:,} requests, no failure", flush=True)
        if sum(sent.values()) >= least:
            break
    seconds = time.perf_counter() - started
    for version, cases in sent.items():
        print(f"/api/v{version}/openapi.json: {cases:,} requests")
    if never := sorted(name for name, times in granted.items() if times == 0):
        print(f"Never answered with 2xx: {', '.join(never)}")
    print(f"{sum(sent.values()):,} requests in {seconds:,.0f} s: no 5xx, no answer outside its description.")
    return 0


@contextmanager
def _serving(home: Path) -> Iterator[httpx.Client]:
    """A client of a real server on an embedded database of its own, whose stories come from the simulator."""
    simulator, server = _free_port(), _free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TALES_", "OPENROUTER_"))}
    environment |= {
        "TALES_HOME": str(home / "tales"),
        "TALES_LLM_BASE_URL": f"http://127.0.0.1:{simulator}/v1",
        "TALES_MODELS": MODELS,
        "TALES_JWT_SECRET": _SECRET,
        "TALES_LOG_LEVEL": "error",
        **UNLIMITED,
    }
    processes = [
        subprocess.Popen([*_COMMAND, "simulate", "--port", str(simulator)], env=environment, stdout=subprocess.DEVNULL),
        subprocess.Popen([*_COMMAND, "serve", "--port", str(server)], env=environment),
    ]
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{server}", timeout=30) as client:
            _wait_for(client)
            yield client
    finally:
        for process in reversed(processes):
            process.send_signal(signal.SIGTERM)
            process.wait(_STOP_SECONDS)
        stop_embedded(home / "tales")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _wait_for(client: httpx.Client) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        try:
            if client.get("/health/ready").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise TimeoutError("The server did not become ready.")


if __name__ == "__main__":
    sys.exit(main())
