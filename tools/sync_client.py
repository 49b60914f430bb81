"""Writes `tales.client.sync` out of `tales.client.aio`: the same code without `async` and `await` (`make client`).

So both clients are plain classes that an editor and a type checker read, and there is one place to change.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tokenize
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "tales" / "client" / "aio"
TARGET = SOURCE.parent / "sync"
BY_HAND = frozenset({"__init__.py", "waiting.py"})

DROPPED = frozenset({"async", "await"})
NAMES = {
    "AsyncClient": "Client",
    "AsyncGenerator": "Generator",
    "AsyncIterator": "Iterator",
    "AsyncTales": "Tales",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "aclose": "close",
    "aio": "sync",
    "aiter_bytes": "iter_bytes",
    "aread": "read",
    "asynccontextmanager": "contextmanager",
}
IN_DOCSTRINGS = {"`AsyncTales`": "`Tales`"}


def without_async(source: str) -> str:
    """The code of a module for asyncio as one that waits by blocking."""
    lines = source.splitlines(keepends=True)
    tokens = [token for token in tokenize.generate_tokens(io.StringIO(source).readline) if token.type != tokenize.NL]
    # From the end, so that what is replaced moves nothing that is still to come.
    for token, after in reversed(list(pairwise(tokens))):
        (row, start), (end_row, end) = token.start, token.end
        if token.type == tokenize.NAME and token.string in DROPPED:
            lines[row - 1] = lines[row - 1][:start] + lines[row - 1][after.start[1] :]
        elif token.type == tokenize.NAME and token.string in NAMES:
            lines[row - 1] = lines[row - 1][:start] + NAMES[token.string] + lines[row - 1][end:]
        elif token.type == tokenize.STRING and row == end_row:
            text = lines[row - 1][start:end]
            for name, other in IN_DOCSTRINGS.items():
                text = text.replace(name, other)
            lines[row - 1] = lines[row - 1][:start] + text + lines[row - 1][end:]
    return _formatted("".join(lines))


def written() -> dict[Path, str]:
    """Each file of the client without asyncio, as it should be."""
    sources = sorted(path for path in SOURCE.glob("*.py") if path.name not in BY_HAND)
    return {TARGET / path.name: without_async(path.read_text(encoding="utf-8")) for path in sources}


def _formatted(code: str) -> str:
    # UP028: a blocking generator hands on another one with `yield from`, which one for asyncio cannot.
    for arguments in (["check", "--select", "I,UP028", "--fix", "--unsafe-fixes"], ["format"]):
        command = [sys.executable, "-m", "ruff", *arguments, "--quiet", "--stdin-filename", str(TARGET / "x.py"), "-"]
        code = subprocess.run(command, input=code, capture_output=True, text=True, check=True).stdout
    return code


if __name__ == "__main__":
    for path, code in written().items():
        path.write_text(code, encoding="utf-8")
