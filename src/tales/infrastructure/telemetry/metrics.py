"""What a process counts for Prometheus: names of models, states and kinds of failure, and never anybody's words.

What is counted as it happens (attempts, seconds, tokens, cost) is this process's own; Prometheus adds the processes up.
What is asked of the database when somebody looks (queue, workers) is the same in each of them.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import generate_latest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

from tales.domain.errors import TalesError
from tales.domain.generation import Attempt
from tales.domain.repositories.attempt_queue import LEASE
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.infrastructure.queue.attempt_queue import QUEUES

_SECONDS = (0.5, 1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300)
_FIRST_TOKEN = (0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20, 30, 60)
_WORKERS = text("""
    select queue, count(*) as alive, sum(concurrency) as concurrency
    from tales.workers
    where heartbeat_at > clock_timestamp() - make_interval(secs => :lease)
    group by queue
""")
# Of the budget that each user has, that of the user who has used most of it.
_BUDGETS = text("""
    select b.id::text as id, b.scope, b.period, coalesce(b.model, '') as model,
        max((s.spent_usd + s.reserved_usd) / nullif(b.limit_usd, 0))::float as share
    from tales.budgets as b
    left join tales.budget_spending as s on s.budget_id = b.id
        and s.begins = date_trunc(b.period, now() at time zone 'UTC')::date
    group by b.id
""")


class Metrics:
    """The figures of one process."""

    def __init__(self, engine: AsyncEngine, transactions: SqlTransactions) -> None:
        self._engine = engine
        self._transactions = transactions
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)

        def counter(name: str, help_: str, *labels: str) -> Counter:
            return Counter(f"tales_{name}", help_, labels, registry=registry)

        def gauge(name: str, help_: str, *labels: str) -> Gauge:
            return Gauge(f"tales_{name}", help_, labels, registry=registry)

        def histogram(name: str, help_: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(f"tales_{name}", help_, ("model",), buckets=buckets, registry=registry)

        self._attempts = counter("attempts", "Attempts that this process ended.", "model", "status", "error_type")
        self._seconds = histogram("attempt_seconds", "Seconds of whole calls.", _SECONDS)
        self._first_token = histogram("first_token_seconds", "Seconds until the first token.", _FIRST_TOKEN)
        self._tokens = counter("tokens", "Tokens, as providers count them.", "model", "kind")
        self._cost = counter("cost_usd", "Known costs in US dollars.", "model")
        self._cost_unknown = counter("cost_unknown", "Attempts whose cost nobody knows yet.", "model")
        self._up = gauge("database_up", "1 when the database answered this look, else 0.")
        self._waiting = gauge("queue_waiting", "Pending attempts that no worker has taken.", "queue")
        self._in_hand = gauge("queue_in_hand", "Pending attempts that a worker has taken.", "queue")
        self._oldest = gauge("queue_oldest_seconds", "How long the oldest attempt that is due has waited.", "queue")
        self._workers = gauge("workers_alive", "Workers whose lease holds.", "queue")
        self._places = gauge("workers_concurrency", "Calls that they may make at a time.", "queue")
        self._budgets = gauge(
            "budget_used_share",
            "What is spent and reserved of a budget's day or month.",
            *("budget", "scope", "period", "model"),
        )
        self._pool = gauge("pool_connections", "Database connections of this process.", "state")

    def on_ended(self, attempt: Attempt) -> None:
        """An attempt has ended."""
        model = attempt.model_used
        self._attempts.labels(model, attempt.status, attempt.error_type or "").inc()
        if attempt.started_at is not None and attempt.completed_at is not None:
            self._seconds.labels(model).observe((attempt.completed_at - attempt.started_at).total_seconds())
        if attempt.started_at is not None and attempt.first_token_at is not None:
            self._first_token.labels(model).observe((attempt.first_token_at - attempt.started_at).total_seconds())
        for kind, tokens in (("prompt", attempt.prompt_tokens), ("completion", attempt.completion_tokens)):
            if tokens is not None:
                self._tokens.labels(model, kind).inc(tokens)
        if attempt.known_cost_usd is None:
            self._cost_unknown.labels(model).inc()
        else:
            self._cost.labels(model).inc(float(attempt.known_cost_usd))

    async def text(self) -> bytes:
        """All figures in Prometheus' text format. Without a database, those of the process."""
        try:
            await self._ask_database()
        except TalesError:
            self._up.set(0)
        pool = self._engine.sync_engine.pool
        if isinstance(pool, QueuePool):
            self._pool.labels("in_use").set(pool.checkedout())
            self._pool.labels("idle").set(pool.checkedin())
        return generate_latest(self._registry)

    async def _ask_database(self) -> None:
        async with self._transactions.as_service() as work:
            queues = (await work.session.execute(QUEUES)).mappings().all()
            workers = (await work.session.execute(_WORKERS, {"lease": LEASE})).mappings().all()
            budgets = (await work.session.execute(_BUDGETS)).mappings().all()
        # What is gone must not stand for ever at what it was.
        for gauge in (self._waiting, self._in_hand, self._oldest, self._workers, self._places, self._budgets):
            gauge.clear()
        for row in queues:
            self._waiting.labels(row["queue"]).set(row["waiting"])
            self._in_hand.labels(row["queue"]).set(row["in_hand"])
            self._oldest.labels(row["queue"]).set(row["oldest"])
        for row in workers:
            self._workers.labels(row["queue"]).set(row["alive"])
            self._places.labels(row["queue"]).set(row["concurrency"])
        for row in budgets:
            self._budgets.labels(row["id"], row["scope"], row["period"], row["model"]).set(row["share"] or 0)
        self._up.set(1)
