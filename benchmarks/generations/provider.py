"""A provider that answers each call with the same story, after a while: `python -m benchmarks.generations.provider`.

As little of it as there can be, because it runs on the same machine as what is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import cast

import uvloop

from tales.simulator.stories import tell_story

STORY = tell_story('- child: "Mia"\nWrite the story in English, of about 900 words,')
TITLE = STORY.partition("\n")[0]
BODY = json.dumps(
    {
        "id": "gen-1",
        "provider": "Benchmark",
        "model": "bench/story",
        "object": "chat.completion",
        "created": 1,
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": STORY}}],
        "usage": {"prompt_tokens": 120, "completion_tokens": 600, "total_tokens": 720, "cost": 0.00038},
    }
).encode()
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(BODY), BODY)


class Provider(asyncio.Protocol):
    """One connection, kept open; a request is whole when its body has come."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer each request that is whole."""
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or 0)
        if separator and len(body) >= length:
            self._received = body[length:]
            if self._delay:
                asyncio.get_running_loop().call_later(self._delay, self._answer)
            else:
                self._answer()

    def _answer(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(ANSWER)


async def serve(delay: float) -> None:
    """Serve on a free port, which is printed, until the process is ended."""
    server = await asyncio.get_running_loop().create_server(lambda: Provider(delay), "127.0.0.1", 0, backlog=8192)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds")
    uvloop.run(serve(parser.parse_args().delay))
