"""The application of before generations, at work: several connections that write and read stories at a bounded rate.

Each connection has stories of its own, so it knows what each must hold in the end: its ledger.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from random import Random
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
from psycopg.types.json import Jsonb

_MINE = """
    select id, user_id from tales.stories
    where abs(hashtext(id::text)) %% %s = %s and user_id is not null order by id limit 20000
"""
_INSERT = """
    insert into tales.stories (id, title, content, user_id, model_used, full_response, story_type, story_length, moral)
    values (%s, 'Told meanwhile', 'Once upon a time ...', %s, 'openai/gpt-4o', %s, 'child', 5, %s)
"""
_EDIT = "update tales.stories set moral = %s, model_used = %s, story_length = %s, full_response = %s where id = %s"
_RATE = "update tales.stories set rating = %s, updated_at = now() where id = %s"
_DELETE = "delete from tales.stories where id = %s"
_LIST = "select id, title, rating, created_at from tales.stories where user_id = %s order by created_at desc limit 20"
_READ = "select title, content, rating from tales.stories where id = %s"
# What an attempt holds, or what it held when it was written (017).
FINDINGS: LiteralString = """
    select s.id, s.rating, g.moral, g.model_used, g.story_length, g.full_response
    from tales.stories as s
    join tales.generations as g on g.generation_id = s.generation_id and g.attempt_number = s.generation_attempt
    where s.id = any (%s)
"""

Kept = dict[str, Any]


@dataclass(slots=True)
class Ledger:
    """What one connection has done: what its stories hold now, those that it deleted, and what the database refused."""

    stories: dict[UUID, Kept] = field(default_factory=dict)
    deleted: set[UUID] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)
    seconds: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    """How long each statement took, by phase and whether it wrote or read."""


class LegacyApplication:
    """Writers and readers over the database at `url`. `phase` is what latencies are filed under."""

    def __init__(self, url: str, *, writers: int = 4, readers: int = 2, rate: float = 40, seed: int = 0) -> None:
        self._url, self._rate = url, rate
        self._ended = threading.Event()
        self.phase = "idle"
        self.knows_old_columns = True
        """Whether it writes the old columns; from the point of no return on it cannot."""
        self.ledgers = [Ledger() for _ in range(writers + readers)]
        self._seed, self._writers = seed, writers
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin to work."""
        # Shared out before anybody writes: a story that is new by then would belong to two of them.
        with psycopg.connect(self._url) as connection:
            shares = [
                connection.execute(_MINE, [self._writers, number % self._writers]).fetchall()
                for number in range(len(self.ledgers))
            ]
        for number, (ledger, stories) in enumerate(zip(self.ledgers, shares, strict=True)):
            rng = Random(f"{self._seed} {number}")
            self._threads.append(
                threading.Thread(
                    target=self._work, args=(ledger, rng, stories), kwargs={"writes": number < self._writers}
                )
            )
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End, and wait for the statements that are under way."""
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def seconds(self, phase: str, kind: str) -> list[float]:
        """How long each statement of a phase took, from the quickest to the slowest."""
        return sorted(second for ledger in self.ledgers for second in ledger.seconds[phase, kind])

    def problems(self) -> list[str]:
        """Where the migrated database does not hold what the ledgers say; no story is quoted but by its id."""
        found = [failure for ledger in self.ledgers for failure in ledger.failures]
        with psycopg.connect(self._url) as connection:
            for ledger in self.ledgers:
                rows = connection.execute(FINDINGS, [[*ledger.stories, *ledger.deleted]]).fetchall()
                names = ("rating", "moral", "model_used", "story_length", "full_response")
                held = {row[0]: dict(zip(names, row[1:], strict=True)) for row in rows}
                found += [f"{story} came back" for story in ledger.deleted & held.keys()]
                found += [f"{story} is gone" for story in ledger.stories.keys() - held.keys()]
                for story, kept in ledger.stories.items():
                    wrong = [name for name, value in kept.items() if held.get(story, kept)[name] != value]
                    found += [f"{story} has another {name}" for name in wrong]
        return found

    def _work(self, ledger: Ledger, rng: Random, stories: list[Any], *, writes: bool) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            due = time.monotonic()
            while not self._ended.is_set():
                due = max(due + rng.expovariate(self._rate), time.monotonic() - 1)
                if self._ended.wait(max(0.0, due - time.monotonic())):
                    return
                phase, begun = self.phase, time.perf_counter()
                try:
                    if writes:
                        self._write(connection, ledger, rng, stories)
                    else:
                        self._read(connection, rng, stories)
                except psycopg.Error as error:
                    ledger.failures.append(f"{phase}: {error.diag.message_primary or type(error).__name__}")
                    if connection.broken:
                        return
                ledger.seconds[phase, "write" if writes else "read"].append(time.perf_counter() - begun)

    def _read(self, connection: psycopg.Connection[Any], rng: Random, stories: list[Any]) -> None:
        story, user = rng.choice(stories)
        statement, key = (_READ, story) if rng.random() < 0.5 else (_LIST, user)
        connection.execute(statement, [key]).fetchall()

    def _write(self, connection: psycopg.Connection[Any], ledger: Ledger, rng: Random, stories: list[Any]) -> None:
        place = rng.randrange(len(stories))
        story, user = stories[place]
        kind = rng.random()
        if kind < 0.1:
            connection.execute(_DELETE, [story])
            stories[place] = stories[-1]
            stories.pop()
            ledger.stories.pop(story, None)
            ledger.deleted.add(story)
        elif kind < 0.4 or not self.knows_old_columns:
            rating = rng.randint(1, 10)
            connection.execute(_RATE, [rating, story])
            ledger.stories.setdefault(story, {})["rating"] = rating
        elif kind < 0.7:
            moral, model, length = f"moral {rng.random()}", f"model {rng.random()}", rng.randint(1, 99)
            answer = {"model": model, "usage": {"cost": 0.5}, "choices": ["x" * rng.randint(10, 3000)]}
            connection.execute(_EDIT, [moral, model, length, Jsonb(answer), story])
            kept = {"moral": moral, "model_used": model, "story_length": length, "full_response": answer}
            ledger.stories.setdefault(story, {}).update(kept)
        else:
            new, moral = uuid4(), f"moral {rng.random()}"
            connection.execute(_INSERT, [new, user, Jsonb([moral]), moral])
            stories.append((new, user))
            kept = {"moral": moral, "model_used": "openai/gpt-4o", "story_length": 5, "full_response": [moral]}
            ledger.stories[new] = kept
