"""Requests of all kinds, made by schemathesis out of the OpenAPI documents, against a server that is really running."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt

VERSIONS = (1, 2, 3)
PHASES = ("examples", "coverage", "fuzzing", "stateful")
MODELS = "sim/ok,sim/json"
"""Models of the simulator that give a story each time: a story that fails is a 502, as it should be."""

_ACCOUNT = {"email": "ada@example.org", "password": "a long password"}
# What a field is called whose values are ids of the family's own things, and how often such a one is sent.
_FIELDS = {
    "path.story_id": "stories",
    "path.generation_id": "generations",
    "path.child_id": "children",
    "path.hero_id": "heroes",
    "body.child_id": "children",
    "body.hero_id": "heroes",
    "body.model": "models",
    "query.cursor": "cursors",
}
_DOOMED = {"story_id": "stories", "child_id": "children", "hero_id": "heroes"}
_SHARE = 0.8
_LISTS = ("stories", "generations")
# No schema can say which models an operator offers, which fields belong to a story_type or what a cursor holds: 422 is
# then right, and 412 for what is meant for another version of a thing. Everything else that fits must be taken.
_TAKEN = ["2xx", 401, 403, 404, 409, 412, 422, 429]
# Of a body that breaks its schema and is too large, the second is said.
_REFUSED = [400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 422, 428, 429]


@dataclass(frozen=True, slots=True)
class Family:
    """Who sends the requests, where to, and what belongs to them."""

    server: str
    authorization: str
    things: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is sent: at most `examples` made-up requests for each operation, beside those that its limits and
    examples call for; `phases` are those of schemathesis.
    """

    examples: int
    seed: int
    phases: tuple[str, ...] = PHASES


@dataclass(frozen=True, slots=True)
class Findings:
    """What came of one document: how many requests were sent, and the output in which each failure stands.

    `granted` counts, for each operation, the right requests that were answered with 2xx.
    """

    cases: int
    passed: bool
    output: str
    granted: Counter[str]


def sign_up(client: httpx.Client, secret: str) -> None:
    """Have the client send its requests as a new family.

    `secret` is the one that the server verifies tokens with. The family's token belongs to no session, as one that
    Supabase gave: a request that signs out would otherwise end all that come after it.
    """
    user = _get(client.post("/api/v3/auth/signup", json=_ACCOUNT), "user_id")
    claims = {"sub": user, "aud": "authenticated", "exp": datetime.now(UTC) + timedelta(days=1)}
    # Who reads the analytics as well.
    claims["app_metadata"] = {"role": "admin"}
    client.headers["Authorization"] = f"Bearer {jwt.encode(claims, secret, algorithm='HS256')}"


def furnish(client: httpx.Client) -> Family:
    """The client's family with a child, a hero and some stories, on a server whose model tells one each time."""
    children = [_get(client.post("/api/v3/children", json={"name": "Mia", "age": 6}), "id") for _ in range(2)]
    heroes = [_get(client.post("/api/v3/heroes", json={"name": "Captain Moon"}), "id") for _ in range(2)]
    wish = {"story_type": "child", "child_id": children[0], "moral": "kindness", "story_length": 1}
    stories = [client.post("/api/v1/stories/generate", json=wish, timeout=60) for _ in range(3)]
    return Family(
        str(client.base_url).rstrip("/"),
        client.headers["Authorization"],
        {
            "children": children[:1],
            "heroes": heroes[:1],
            "stories": [_get(story, "id") for story in stories[:2]],
            # What is deleted is gone for all requests that come after.
            "doomed_children": children[1:],
            "doomed_heroes": heroes[1:],
            "doomed_stories": [_get(story, "id") for story in stories[2:]],
            "generations": [_get(story, "generation_id") for story in stories],
            "models": MODELS.split(","),
            "cursors": [_get(client.get(f"/api/v3/{things}?limit=1"), "next_cursor") for things in _LISTS],
        },
    )


def fuzz(family: Family, version: int, folder: Path, effort: Effort) -> Findings:
    """Send requests of each kind to all operations of a version. `folder` is for what schemathesis reads and writes."""
    configuration, report = folder / "schemathesis.toml", folder / f"v{version}-{effort.seed}.json"
    configuration.write_text(_configuration(family, effort.examples), encoding="utf-8")
    command = [
        *(str(Path(sys.executable).with_name("st")), "--no-color", "--config-file", str(configuration), "run"),
        *(f"{family.server}/api/v{version}/openapi.json", "--header", f"Authorization: {family.authorization}"),
        *("--checks", "all", "--continue-on-failure", "--seed", str(effort.seed), "--request-timeout", "60"),
        # Its limit is 10 seconds otherwise, which a busy machine needs for what takes long on purpose, such as a hash.
        *("--max-response-time", "60"),
        *("--phases", ",".join(effort.phases), "--report", "json", "--report-json-path", str(report)),
    ]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=environment)
    if not report.exists():
        return Findings(0, passed=False, output=run.stdout + run.stderr, granted=Counter())
    said: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    # A run whose token was refused would find nothing at all. To be refused is the rule where tokens are given out.
    shut_out = [name for name in said["warnings"]["missing_auth"] if "/auth/" not in name]
    passed = run.returncode == 0 and not (said["failures"] or said["errors"] or shut_out)
    granted = Counter(
        {name: sum(phase["accepted"] for phase in rates.values()) for name, rates in said["valid_rates"].items()}
    )
    return Findings(said["test_cases"]["generated"], passed, run.stdout + run.stderr, granted)


def _configuration(family: Family, examples: int) -> str:
    """In TOML, whose strings and lists are written as JSON's."""
    lines = ['hooks = "benchmarks.fuzz_hooks"', "[generation]", f"max-examples = {examples}"]
    lines += ["[checks.positive_data_acceptance]", f"expected-statuses = {json.dumps(_TAKEN)}"]
    lines += ["[checks.negative_data_rejection]", f"expected-statuses = {json.dumps(_REFUSED)}"]
    for name, values in family.things.items():
        lines += [f"[dictionaries.{name}]", f"values = {json.dumps(values)}"]
    lines.append("[parameters]")
    lines += [f'"{field}" = {{ dictionary = "{name}", probability = {_SHARE} }}' for field, name in _FIELDS.items()]
    lines += ["[[operations]]", 'include-method = "DELETE"', "[operations.parameters]"]
    lines += [f'"path.{field}" = {{ dictionary = "doomed_{name}" }}' for field, name in _DOOMED.items()]
    return "\n".join(lines) + "\n"


def _get(answer: httpx.Response, name: str) -> str:
    return str(answer.raise_for_status().json()[name])
