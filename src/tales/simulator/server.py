"""The simulator's HTTP server: an OpenAI-compatible provider that plays scripts.

`sim/500-500-ok` answers HTTP 500 twice, then a story. Each conversation (the same model asked with the same
messages) has its own turn in the script, so that two families with one script do not disturb each other.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import cast

from aiohttp import web

from tales.domain.errors import InvalidInput
from tales.domain.generation import Json
from tales.simulator import errors
from tales.simulator.answers import EVENT_STREAM, KEEP_ALIVE, PRICING, Answer, Call, Ending
from tales.simulator.dialects import DIALECTS, Dialect
from tales.simulator.ledger import Ledger, SeenRequest
from tales.simulator.script import PREFIX, Turns, UnknownStep, parse_script
from tales.simulator.steps import STEPS, steps_table

_PREFIXES = ("", "/v1", "/api/v1")
_KEEP_ALIVE_SECONDS = 0.1
_LARGEST_REQUEST = 16 * 1024 * 1024
_SHUTDOWN_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Simulator:
    """A running simulator. `url` is the base URL for a client, `.../v1`."""

    host: str
    port: int
    _ledger: Ledger
    _prefix: str = "/v1"
    model: str = f"{PREFIX}500-500-ok"
    """One that it has."""

    @property
    def url(self) -> str:
        """What `TALES_LLM_BASE_URL` is set to."""
        return f"http://{self.host}:{self.port}{self._prefix}"

    @property
    def requests(self) -> Sequence[SeenRequest]:
        """The requests for completions so far, oldest first."""
        return tuple(self._ledger.requests)


@dataclass(frozen=True, slots=True)
class Speaker:
    """A simulator that speaks as `dialect` instead of playing scripts; `key` is the one that it takes, None for any.

    It `breaks` every story off.
    """

    dialect: Dialect
    key: str | None = None
    breaks: bool = False


@asynccontextmanager
async def running_simulator(
    host: str = "127.0.0.1", port: int = 0, speaker: Speaker | None = None
) -> AsyncIterator[Simulator]:
    """A simulator that runs inside the block; port 0 takes any free one.

    Raises: OSError where the port is taken.
    """
    ledger = Ledger()
    application = _application(ledger) if speaker is None else _speaking(ledger, speaker)
    runner = web.AppRunner(application, handler_cancellation=True, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        simulator = Simulator(host, runner.addresses[0][1], ledger)
        if speaker is not None:
            simulator = replace(simulator, _prefix=speaker.dialect.prefix, model=speaker.dialect.model)
        yield simulator
    finally:
        await runner.cleanup()


async def serve_simulator(
    host: str, port: int, on_ready: Callable[[Simulator], None], dialect: str | None = None
) -> None:
    """Run in the foreground until cancelled; `on_ready` is called once it listens. It speaks as `dialect`.

    Raises: OSError where the port is taken, InvalidInput for a dialect that there is not.
    """
    if dialect is not None and dialect not in DIALECTS:
        raise InvalidInput("dialect", f"No server called {dialect} is known. Use one of: {', '.join(DIALECTS)}.")
    async with running_simulator(host, port, Speaker(DIALECTS[dialect]) if dialect is not None else None) as simulator:
        on_ready(simulator)
        await asyncio.Event().wait()


def _application(ledger: Ledger) -> web.Application:
    application = web.Application(client_max_size=_LARGEST_REQUEST)
    handlers = _Handlers(ledger)
    application.router.add_get("/", handlers.describe)
    application.router.add_get("/sim/requests", handlers.list_requests)
    for prefix in _PREFIXES:
        application.router.add_post(f"{prefix}/chat/completions", handlers.complete)
        application.router.add_get(f"{prefix}/models", handlers.list_models)
        application.router.add_get(f"{prefix}/generation", handlers.show_generation)
    return application


def _speaking(ledger: Ledger, speaker: Speaker) -> web.Application:
    """Every path, as that server answers it."""
    dialect = speaker.dialect

    async def complete(request: web.Request) -> web.StreamResponse:
        body = _read_body(await request.read())
        call = _call_of(request, body)
        ledger.requests.append(_seen(request, call, body))
        _, _, key = request.headers.get("Authorization", "").partition(" ")
        return await _play(request, dialect.answer(call, body, key or None, speaker.key, breaks=speaker.breaks))

    async def refuse(request: web.Request) -> web.StreamResponse:
        return await _play(request, dialect.no_path(request.path).answer)

    application = web.Application(client_max_size=_LARGEST_REQUEST)
    application.router.add_post(f"{dialect.prefix}/chat/completions", complete)
    application.router.add_route("*", "/{path:.*}", refuse)
    return application


def _call_of(request: web.Request, body: Mapping[str, Json]) -> Call:
    model = body.get("model")
    return Call(
        model=model if isinstance(model, str) else "",
        prompt=_prompt_of(body.get("messages")),
        stream=body.get("stream") is True,
        wants_metadata=request.headers.get("X-OpenRouter-Metadata") == "enabled",
        generation_id=f"gen-{int(time.time())}-{secrets.token_hex(10)}",
        created=int(time.time()),
    )


def _seen(request: web.Request, call: Call, body: Mapping[str, Json]) -> SeenRequest:
    messages = body.get("messages")
    count = len(messages) if isinstance(messages, list) else 0
    return SeenRequest(call.model, datetime.now(UTC), list(request.headers), count, call.stream)


class _Handlers:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._turns = Turns()

    async def describe(self, _: web.Request) -> web.Response:
        return web.Response(text=f"{__doc__}\nA model's name is {PREFIX} and steps joined by -.\n\n{steps_table()}\n")

    async def list_requests(self, _: web.Request) -> web.Response:
        return web.json_response([seen.as_json() for seen in self._ledger.requests])

    async def list_models(self, _: web.Request) -> web.Response:
        models = [
            {
                "id": step.example,
                "object": "model",
                "name": step.form,
                "description": step.meaning,
                "created": 0,
                "pricing": PRICING,
            }
            for step in STEPS.values()
        ]
        return web.json_response({"object": "list", "data": models})

    async def show_generation(self, request: web.Request) -> web.Response:
        found = self._ledger.generation(request.query.get("id", ""))
        if found is None:
            return web.json_response({"error": {"code": 404, "message": "Generation not found."}}, status=404)
        return web.json_response({"data": found})

    async def complete(self, request: web.Request) -> web.StreamResponse:
        body = _read_body(await request.read())
        messages = body.get("messages")
        call = _call_of(request, body)
        seen = _seen(request, call, body)
        self._ledger.requests.append(seen)
        answer = self._choose(call, messages, seen) if call.model and seen.messages else errors.error_answer(call, 400)
        try:
            self._ledger.serve(call, answer)
            return await _play(request, answer)
        except (ConnectionError, asyncio.CancelledError) as error:
            if request.transport is None and answer.ending is not Ending.DROP:
                seen.client_hung_up = True
                self._ledger.cancel(answer)
            if isinstance(error, ConnectionError):
                # Whoever has gone reads no answer, and is no reason for a traceback.
                return web.Response(status=400)
            raise

    def _choose(self, call: Call, messages: Json, seen: SeenRequest) -> Answer:
        """The answer whose turn it is in the conversation."""
        try:
            script = parse_script(call.model, STEPS)
        except UnknownStep as error:
            return errors.unknown_model(call, str(error), ", ".join(STEPS))
        conversation = hashlib.sha256(json.dumps([call.model, messages], sort_keys=True).encode()).hexdigest()
        turn = self._turns.take(conversation, len(script), starts_over=STEPS[script[-1].form].tells)
        seen.step = script[turn].form
        return STEPS[script[turn].form].play(call, script[turn].number)


async def _play(request: web.Request, answer: Answer) -> web.StreamResponse:
    """Send `answer` as it says, to its ending."""
    if answer.status is None:
        await _end(request, answer, None)
        return web.Response(status=500)
    headers = {"Content-Type": answer.content_type} | dict(answer.headers)
    response = web.StreamResponse(status=answer.status, headers=headers)
    await response.prepare(request)
    for frame in answer.frames:
        if answer.pause:
            await asyncio.sleep(answer.pause)
        if frame:
            await response.write(frame)
    await _end(request, answer, response)
    return response


async def _end(request: web.Request, answer: Answer, response: web.StreamResponse | None) -> None:
    match answer.ending:
        case Ending.DROP:
            if request.transport is not None:
                request.transport.close()
        case Ending.SILENCE:
            await asyncio.Event().wait()
        case Ending.KEEP_ALIVE if response is not None:
            beat = KEEP_ALIVE if answer.content_type == EVENT_STREAM else b"\n"
            while True:
                await response.write(beat)
                await asyncio.sleep(_KEEP_ALIVE_SECONDS)
        case _:
            return


def _read_body(raw: bytes) -> dict[str, Json]:
    """The request's JSON object; an empty one where it is none."""
    try:
        body = cast("Json", json.loads(raw))
    except (ValueError, RecursionError):
        return {}
    return dict(body) if isinstance(body, dict) else {}


def _prompt_of(messages: Json) -> str:
    """The text of all messages."""
    if not isinstance(messages, list):
        return ""
    contents = [message.get("content") for message in messages if isinstance(message, dict)]
    return "\n".join(_text_of(content) for content in contents)


def _text_of(content: Json) -> str:
    """A message's content is a text, or a list of parts that may hold one."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, dict)]
    return "\n".join(text for text in texts if isinstance(text, str))
