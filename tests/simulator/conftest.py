"""A client of a simulator, over a real socket."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from tales.simulator.server import Simulator, running_simulator

PROMPT = 'Write a bedtime story.\n- child: "Mia \\"Mimi\\" Ü"\n- moral of the story: "kindness"\n'


@dataclass
class Got:
    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def chunks(self) -> list[Any]:
        events = [event for event in self.body.decode().split("\n\n") if event.startswith("data: {")]
        return [json.loads(event.removeprefix("data: ")) for event in events]

    @property
    def text(self) -> str:
        deltas = [choice["delta"] for chunk in self.chunks for choice in chunk["choices"]]
        return "".join(delta["content"] for delta in deltas)


class Client:
    def __init__(self, simulator: Simulator, session: aiohttp.ClientSession) -> None:
        self.simulator = simulator
        self.session = session

    async def ask(
        self, model: str, prompt: str = PROMPT, *, stream: bool = True, headers: dict[str, str] | None = None
    ) -> Got:
        body = {"model": model, "messages": [{"role": "user", "content": prompt}], "stream": stream}
        url = f"{self.simulator.url}/chat/completions"
        async with self.session.post(url, json=body, headers=headers) as response:
            return Got(response.status, response.headers, await response.read())

    async def get(self, path: str) -> Got:
        url = f"http://{self.simulator.host}:{self.simulator.port}{path}"
        async with self.session.get(url) as response:
            return Got(response.status, response.headers, await response.read())


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with running_simulator() as simulator, aiohttp.ClientSession() as session:
        yield Client(simulator, session)
