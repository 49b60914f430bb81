"""Writes a history into a migrated database by COPY. Its owner must be a superuser: no trigger and no key is asked."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from random import Random
from typing import IO, Any

import psycopg

from benchmarks.history.attempts import MadeAttempt, attempts_of
from benchmarks.history.plan import (
    CHAIN_WEIGHTS,
    CHAINS,
    DAYS,
    LANGUAGE_WEIGHTS,
    LANGUAGES,
    MIGRATED_DAYS,
    MODELS,
    SECOND_PROMPT_DAY,
    STORY_TYPE_WEIGHTS,
    STORY_TYPES,
    HistoryPlan,
    moments,
)
from tales.domain.retry import RetryPolicy

_NULL = r"\N"
_PROMPT = "Write a bedtime story about a kind dragon who shares the last biscuit under the moon. "
_RATED = 0.35
_ATTEMPTS = (
    "generation_id, attempt_number, model_used, full_response, status, prompt, user_id, story_type, story_length,"
    " moral, error_message, created_at, completed_at, origin, language, prompt_version, started_at, first_token_at,"
    " error_type, provider_generation_id, queue, available_at"
)
_STORIES = "id, user_id, title, content, created_at, rating, generation_id, generation_attempt"
_RATINGS = "generation_id, attempt_number, user_id, rating"
_CHUNK = 1 << 20


@dataclass(slots=True)
class HistoryCounts:
    """How many rows were written."""

    generations: int = 0
    attempts: int = 0
    stories: int = 0
    ratings: int = 0
    migrated: int = 0


@dataclass(frozen=True, slots=True)
class _Request:
    """What the attempts of a generation have in common."""

    generation_id: str
    user_id: str
    prompt: str
    story_type: str
    language: str
    minutes: int
    prompt_version: str


def fill_history(url: str, plan: HistoryPlan) -> HistoryCounts:
    """Write the history of `plan` into the database at `url`, its superuser's, and let the planner know of it."""
    counts = HistoryCounts()
    # Stories and ratings wait in a file while the attempts go: a connection copies one table at a time.
    with (
        psycopg.connect(url) as connection,
        tempfile.TemporaryFile("w+") as stories,
        tempfile.TemporaryFile("w+") as ratings,
    ):
        connection.execute("set local session_replication_role = replica")
        random = Random(plan.seed)
        users = [_uuid(random, plan.begin) for _ in range(plan.user_count)]
        _copy(connection, "auth.users", "id", (f"{user}\n" for user in users))
        rows = _rows(random, plan, users, counts, (stories, ratings))
        _copy(connection, "tales.generations", _ATTEMPTS, rows)
        for table, columns, file in (("tales.stories", _STORIES, stories), ("tales.ratings", _RATINGS, ratings)):
            file.seek(0)
            _copy(connection, table, columns, iter(partial(file.read, _CHUNK), ""))
        connection.commit()
        connection.autocommit = True
        connection.execute("vacuum analyze tales.generations, tales.stories, tales.ratings, auth.users")
    return counts


def _copy(connection: psycopg.Connection[Any], table: str, columns: str, lines: Iterator[str]) -> None:
    with connection.cursor().copy(f"copy {table} ({columns}) from stdin".encode()) as copy:
        for line in lines:
            copy.write(line)


def _rows(
    random: Random, plan: HistoryPlan, users: list[str], counts: HistoryCounts, beside: tuple[IO[str], IO[str]]
) -> Iterator[str]:
    """The lines of the attempts; those of the stories and ratings go into the two files by the way."""
    weights = plan.day_weights()
    policies = [RetryPolicy(chain) for chain in CHAINS]
    prompts = _prompts(random, plan)
    # A family that likes stories asks for many.
    popularity = [1.0 / (place + 5) for place in range(len(users))]
    written = range(DAYS - plan.days, DAYS)
    total, due = sum(weights[day] for day in written), 0.0
    for day in written:
        due += weights[day] / total * plan.attempts
        # 1.1 attempts a generation: the count of a day is corrected by what those before it have made.
        wanted = max(0, round((due - counts.attempts) / 1.1))
        asking = random.choices(users, weights=popularity, k=wanted)
        for asked_at, user in zip(moments(random, plan.at(day), wanted), asking, strict=True):
            counts.generations += 1
            request = _request(random, asked_at, day, user, prompts)
            if day < MIGRATED_DAYS and random.random() < plan.migrated:
                made = [_migrated(random, policies[0], asked_at)]
            else:
                policy = random.choices(policies, weights=CHAIN_WEIGHTS)[0]
                tokens = (len(request.prompt) // 4 + 20, request.minutes * 170)
                made = list(attempts_of(random, policy, asked_at, day, tokens))
            for attempt in made:
                counts.attempts += 1
                yield _attempt_line(request, attempt, plan.texts)
            if made[-1].reason is None:
                _write_story(random, request, made[-1], counts, beside)


def _prompts(random: Random, plan: HistoryPlan) -> list[str]:
    lengths = [round(random.lognormvariate(7.4, 0.5) * plan.texts) for _ in range(60)]
    return [(_PROMPT * (length // len(_PROMPT) + 1))[: length + 20].strip() for length in lengths]


def _request(random: Random, asked_at: datetime, day: int, user: str, prompts: list[str]) -> _Request:
    is_second = day >= SECOND_PROMPT_DAY and random.random() < 0.5
    return _Request(
        generation_id=_uuid(random, asked_at),
        user_id=user,
        prompt=random.choice(prompts),
        story_type=random.choices(STORY_TYPES, weights=STORY_TYPE_WEIGHTS)[0],
        language=random.choices(LANGUAGES, weights=LANGUAGE_WEIGHTS)[0],
        minutes=random.randint(2, 8),
        prompt_version="bedtime-2" if is_second else "bedtime-1",
    )


def _migrated(random: Random, policy: RetryPolicy, at: datetime) -> MadeAttempt:
    """What is left of a story from before: no times of its call."""
    tokens = (200, random.randint(300, 1200))
    times = {"created_at": at, "available_at": at, "started_at": at, "first_token_at": at, "completed_at": at}
    return MadeAttempt(
        number=1,
        model=policy.models[0],
        reason=None,
        prompt_tokens=tokens[0],
        completion_tokens=tokens[1],
        cost=0.0004,
        **times,
    )


def _attempt_line(request: _Request, attempt: MadeAttempt, texts: float) -> str:
    is_live = attempt.first_token_at != attempt.completed_at
    reason = attempt.reason
    return (
        "\t".join(
            (
                request.generation_id,
                str(attempt.number),
                attempt.model,
                _response(request, attempt, texts),
                attempt.status,
                request.prompt if is_live else _NULL,
                request.user_id,
                request.story_type,
                str(request.minutes),
                "kindness",
                f"The call failed: {reason}." if reason else _NULL,
                attempt.created_at.isoformat(),
                attempt.completed_at.isoformat(),
                "live" if is_live else "migrated",
                request.language,
                request.prompt_version if is_live else _NULL,
                attempt.started_at.isoformat() if is_live else _NULL,
                attempt.first_token_at.isoformat() if attempt.first_token_at and is_live else _NULL,
                str(reason) if reason else _NULL,
                f"gen-{request.generation_id[:13]}-{attempt.number}" if is_live else _NULL,
                "history" if is_live else _NULL,
                attempt.available_at.isoformat() if is_live else _NULL,
            )
        )
        + "\n"
    )


def _response(request: _Request, attempt: MadeAttempt, texts: float) -> str:
    if attempt.completion_tokens is None:
        return _NULL
    cost = f', "cost": {attempt.cost:.9f}' if attempt.cost is not None else ""
    text = "Once upon a time " * max(1, round(attempt.completion_tokens * texts / 4))
    return (
        f'{{"id": "gen-{request.generation_id[:13]}-{attempt.number}", "model": "{attempt.model}",'
        f' "provider": "{attempt.model.partition("/")[0]}", "choices": [{{"index": 0, "finish_reason": "stop",'
        f' "message": {{"role": "assistant", "content": "{text}"}}}}], "usage": {{"prompt_tokens":'
        f' {attempt.prompt_tokens}, "completion_tokens": {attempt.completion_tokens}{cost}}}}}'
    )


def _write_story(
    random: Random, request: _Request, attempt: MadeAttempt, counts: HistoryCounts, beside: tuple[IO[str], IO[str]]
) -> None:
    stories, ratings = beside
    counts.stories += 1
    is_migrated = attempt.first_token_at == attempt.completed_at
    counts.migrated += is_migrated
    rating = _NULL
    if random.random() < _RATED:
        counts.ratings += 1
        rating = str(min(10, max(1, round(random.gauss(MODELS[attempt.model].rating, 1.5)))))
        ratings.write(f"{request.generation_id}\t{attempt.number}\t{request.user_id}\t{rating}\n")
    told_at = attempt.completed_at
    line = (
        _uuid(random, told_at),
        request.user_id,
        "The Kind Dragon",
        "Once upon a time.",
        told_at.isoformat(),
        rating,
    )
    stories.write("\t".join((*line, request.generation_id, str(attempt.number))) + "\n")


def _uuid(random: Random, at: datetime) -> str:
    """A UUID of version 7 for a moment."""
    bits = random.getrandbits(74)
    number = int(at.timestamp() * 1000) << 80 | 7 << 76 | (bits >> 62) << 64 | 2 << 62 | bits & ((1 << 62) - 1)
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
