"""The project's Markdown files, and the code in them."""

from __future__ import annotations

import os
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
_FENCED = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")


def documents() -> list[Path]:
    """Every Markdown file of the project."""
    found = []
    for folder, inside, files in os.walk(ROOT):
        inside[:] = [name for name in inside if name != "node_modules" and not name.startswith(".")]
        found += [Path(folder, name) for name in files if name.endswith(".md")]
    return sorted(found)


def code(path: Path) -> list[str]:
    """What stands as code in a document: each line of its blocks, and each span."""
    text = path.read_text(encoding="utf-8")
    blocks = [line for block in _FENCED.findall(text) for line in block.splitlines()]
    return blocks + _INLINE.findall(_FENCED.sub("", text))


def prose(path: Path) -> str:
    """A document without its code."""
    return _INLINE.sub("", _FENCED.sub("", path.read_text(encoding="utf-8")))
