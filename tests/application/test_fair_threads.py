"""Threads that clients take turns at: what cannot begin is answered, and gives its place back."""

from __future__ import annotations

import os
import threading

import pytest

from tales.application.fair_threads import Bounds, FairThreads

BOUNDS = Bounds("things", at_a_time=1, waiting=8, per_client=4)
FAMILY, ANOTHER = "192.0.2.1", "192.0.2.2"


def test_what_no_thread_takes_is_answered_and_leaves_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = FairThreads(BOUNDS)

    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", start)
        for client in (FAMILY, FAMILY, ANOTHER):
            with pytest.raises(RuntimeError, match="start new thread"):
                threads.submit(client, lambda: 1).result(timeout=5)

    assert threads.submit(FAMILY, lambda: 2).result(timeout=5) == 2


def test_what_waits_behind_one_that_ends_is_answered_when_the_pool_is_shut() -> None:
    threads = FairThreads(BOUNDS)
    may_end = threading.Event()
    first = threads.submit(FAMILY, lambda: may_end.wait(5))
    waiting = [threads.submit(client, lambda: 1) for client in (FAMILY, ANOTHER, FAMILY)]

    threads._threads.shutdown(wait=False)
    may_end.set()

    assert first.result(timeout=5)
    for one in waiting:
        with pytest.raises(RuntimeError, match="after shutdown"):
            one.result(timeout=5)


def test_work_is_done_where_priorities_cannot_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "setpriority")

    assert FairThreads(BOUNDS).submit(FAMILY, lambda: 1).result(timeout=5) == 1
