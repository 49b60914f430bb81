"""How asyncio waits. Its counterpart in `tales.client.sync` is written by hand."""

from __future__ import annotations

from asyncio import Lock, sleep

__all__ = ["Lock", "sleep"]
