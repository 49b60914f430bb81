"""What `tales login` keeps, for one command or several at once."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import pytest

from tales.client import Tokens
from tales.interfaces.cli.token_store import KeptTokens
from tests.client.faults import scripted
from tests.client.test_tokens import ID, Rotating
from tests.fixtures.environment import home_folder

COMMAND = """
import sys
from pathlib import Path
from tales.client import Tales
from tales.interfaces.cli.token_store import KeptTokens
home, server, child_id = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
with Tales(server, tokens=KeptTokens(Path(home), server)) as tales:
    print(tales.children.get(child_id).name)
"""


@pytest.fixture
def home() -> Path:
    """A folder that does not exist yet."""
    return home_folder()


async def test_commands_at_the_same_time_use_a_refresh_token_once(home: Path) -> None:
    rotating = Rotating()
    async with scripted(decide=rotating) as server:
        kept = KeptTokens(home, server.address)
        kept.write(Tokens("access-0", "refresh-1", time.time() - 1))

        commands = [
            await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                COMMAND,
                str(home),
                server.address,
                str(ID),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
            for _ in range(4)
        ]
        for command in commands:
            assert command.stdout is not None
            await command.stdout.readline()
        said = await asyncio.gather(*(command.communicate(b"go\n") for command in commands))

    assert [out for out, _ in said] == [b"Mia\n"] * 4
    assert (rotating.generation, rotating.reused) == (2, False)
    tokens = kept.read()
    assert tokens is not None
    assert (tokens.access_token, tokens.refresh_token) == ("access-2", "refresh-2")


def test_a_file_of_tokens_that_is_broken_counts_as_none(home: Path) -> None:
    kept = KeptTokens(home, "https://tales.example.org")
    kept.write(Tokens("a", "r", 1.0))
    assert kept.read() == Tokens("a", "r", 1.0)
    (file,) = home.rglob("*.json")
    for broken in ("", "[]", "{}", "null"):
        file.write_text(broken)
        assert kept.read() is None


def test_two_servers_have_their_own_tokens(home: Path) -> None:
    KeptTokens(home, "https://one.example.org").write(Tokens("one"))

    assert KeptTokens(home, "https://two.example.org").read() is None
    assert KeptTokens(home, "https://one.example.org/").read() == Tokens("one")
