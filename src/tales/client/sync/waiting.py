"""How threads wait: the counterpart of `tales.client.aio.waiting`, written by hand."""

from __future__ import annotations

from threading import Lock
from time import sleep

__all__ = ["Lock", "sleep"]
