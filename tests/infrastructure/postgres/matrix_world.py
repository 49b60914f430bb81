"""Two families with a row of every kind each, for the tests of the security matrix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID, uuid4

import pytest

from tests.fixtures.actors import (
    ANONYMOUS,
    SERVICE,
    Actor,
    admin,
    user,
)
from tests.fixtures.rows import (
    THEN,
    Connection,
    Row,
    add_user,
    attempt,
    budget,
    budget_reservation,
    child,
    cost_question,
    ended,
    goal_snapshot,
    hero,
    idempotency_key,
    insert,
    live_text,
    login_attempt,
    look,
    price,
    prompt_choice,
    prompt_goal,
    prompt_template,
    rating,
    replaced_token,
    rollup_cell,
    rollup_course,
    rollup_mark,
    rollup_user,
    session,
    story,
    worker,
)
from tests.infrastructure.postgres.security_matrix import (
    LINES,
    SCHEMAS,
    Line,
)

REACHES, FINDS_NONE, REFUSED = "+", ".", "-"
ASIDE: Row = {"title": "t", "content": "c", "story_type": "child"}


Kind = Literal["superuser", "ordinary"]
KINDS: tuple[Kind, ...] = ("superuser", "ordinary")


def lines_of(kind: Kind) -> list[Line]:
    """The lines for a database's owner: an ordinary one finds an `auth` that the platform has made."""
    return [line for line in LINES if kind == "superuser" or not line.relation.startswith("auth.")]


EVERY_LINE = pytest.mark.parametrize(
    ("world", "line"),
    [pytest.param(kind, line, id=f"{kind}-{line.name}") for kind in KINDS for line in lines_of(kind)],
    indirect=["world"],
)


@dataclass(frozen=True, slots=True)
class World:
    """Two families with a row of every kind each, and everybody who may come by."""

    kind: Kind
    connection: Connection
    family: UUID
    other: UUID
    owner: Actor

    @property
    def visitors(self) -> dict[str, Actor]:
        """Everybody by the name that the matrix has for them."""
        return {
            "anonymous": ANONYMOUS,
            "family": user(self.family),
            "another family": user(self.other),
            "admin": admin(),
            "service": SERVICE,
            "login": Actor("login", "tales_app"),
        }

    @property
    def lines(self) -> list[Line]:
        """The lines for what is ours here."""
        return lines_of(self.kind)

    @property
    def schemas(self) -> list[str]:
        """The schemas that are ours here."""
        return list(SCHEMAS) if self.kind == "superuser" else [schema for schema in SCHEMAS if schema != "auth"]


def _sequel(connection: Connection, family: UUID) -> Row:
    earlier, attempt_row = (insert(connection, "generations", ended(family)) for _ in range(2))
    told = insert(connection, "stories", story(earlier))
    return {"generation_id": attempt_row["generation_id"], "user_id": family, "sequel_of": told["id"]}


# A new row of a family's, whole.
NEW: dict[str, Callable[[Connection, UUID], Row]] = {
    "auth.users": lambda _connection, _family: {"id": uuid4()},
    "tales.accounts": lambda connection, _family: {
        "user_id": add_user(connection),
        "email": f"{uuid4()}@example.org",
        "password_hash": "$",
    },
    "tales.sessions": lambda _connection, family: session(family),
    "tales.replaced_refresh_tokens": lambda connection, family: replaced_token(
        insert(connection, "sessions", session(family))
    ),
    "tales.login_attempts": lambda _connection, _family: login_attempt(),
    "tales.children": lambda _connection, family: child(family),
    "tales.heroes, a family's own": lambda _connection, family: hero(family),
    "tales.heroes, ready-made": lambda _connection, _family: hero(None),
    "tales.stories": lambda connection, family: story(insert(connection, "generations", ended(family))),
    "tales.generations, in flight": lambda _connection, family: attempt(family),
    "tales.idempotency_keys": lambda connection, family: idempotency_key(
        insert(connection, "generations", ended(family))
    ),
    "tales.request_rates": lambda connection, _family: {"user_id": add_user(connection), "next_at": THEN},
    "tales.generations, ended": lambda _connection, family: ended(family),
    "tales.live_text": lambda connection, family: live_text(insert(connection, "generations", attempt(family))),
    "tales.turns": lambda _connection, family: {"queue": f"queue {uuid4()}", "user_id": family, "turn": 1},
    "tales.audit_log": lambda _connection, family: look(family),
    "tales.workers": lambda _connection, _family: worker(),
    "tales.sequels": _sequel,
    "tales.rollup_cells": lambda _connection, _family: rollup_cell(),
    "tales.rollup_marks": lambda _connection, _family: rollup_mark(),
    "tales.rollup_courses": lambda _connection, _family: rollup_course(),
    "tales.rollup_users": lambda _connection, family: rollup_user(family),
    "tales.cost_questions": lambda connection, family: cost_question(insert(connection, "generations", ended(family))),
    "tales.rollup_changes": lambda _connection, _family: {"hour": THEN},
    "tales.prices, in force": lambda _connection, _family: price(),
    "tales.prices, not in force yet": lambda _connection, _family: price(valid_from=datetime(3000, 1, 1, tzinfo=UTC)),
    "tales.prompt_templates": lambda _connection, _family: prompt_template(),
    "tales.prompt_choices": lambda connection, family: prompt_choice(
        insert(connection, "generations", ended(family, prompt_version="child-en-1"))
    ),
    "tales.prompt_goals": lambda _connection, _family: prompt_goal(),
    "tales.goal_snapshots": lambda connection, _family: goal_snapshot(
        insert(connection, "prompt_goals", prompt_goal(id=uuid4()))
    ),
    "tales.budgets": lambda _connection, _family: {name: fact for name, fact in budget().items() if name != "id"},
    "tales.budget_reservations": lambda connection, family: budget_reservation(
        insert(connection, "generations", ended(family))
    ),
    "tales.budget_spending": lambda connection, family: {
        "budget_id": insert(connection, "budgets", budget())["id"],
        "user_id": family,
        "begins": THEN.date(),
    },
    "tales.ratings": lambda connection, family: rating(insert(connection, "generations", ended(family))),
}

# What to change of it, where anybody may.
CHANGES = {
    "tales.prices, in force": "request_usd = 1",
    "tales.prices, not in force yet": "request_usd = 1",
    "tales.prompt_templates": "note = 'shorter'",
    "tales.prompt_goals": "ended_at = now()",
    "tales.budgets": "limit_usd = 6",
    "tales.budget_spending": "spent_usd = 1",
    "tales.budget_reservations": "charged_usd = 1",
    "tales.cost_questions": "asked = asked + 1",
    "tales.rollup_state": "complete_until = now()",
    "auth.users": "email = 'e@f'",
    "tales.accounts": "is_admin = true",
    "tales.sessions": "expires_at = now() + interval '1 day'",
    "tales.login_attempts": "attempts = attempts + 1",
    "tales.children": "age = 7",
    "tales.heroes, a family's own": "name = 'Sun'",
    "tales.heroes, ready-made": "name = 'Sun'",
    "tales.stories": "rating = 3",
    "tales.generations, in flight": "status = 'failed', completed_at = now(), error_message = 'No.'",
    "tales.generations, ended": "status = 'failed', completed_at = now(), error_message = 'No.'",
    "tales.live_text": "text = 'Twice'",
    "tales.request_rates": "next_at = now()",
    "tales.turns": "turn = turn + 1",
    "tales.workers": "heartbeat_at = now()",
}


def fill(connection: Connection) -> tuple[UUID, UUID]:
    """Two families with a row of every kind each, and a row in whatever is nobody's."""
    families = add_user(connection), add_user(connection)
    for family in families:
        address = {"email": f"{family}@example.org", "password_hash": "$"}
        insert(connection, "accounts", {"user_id": family} | address)
        for name, new in NEW.items():
            if name not in {"auth.users", "tales.accounts", "tales.heroes, ready-made", "tales.request_rates"}:
                insert(connection, name.partition(",")[0], new(connection, family))
        insert(connection, "request_rates", {"user_id": family, "next_at": THEN})
        tokens = {"usage": {"prompt_tokens": 10, "completion_tokens": 100}}
        uncosted = ended(family, full_response=tokens, model_used=f"model of {family}")
        insert(connection, "generations", uncosted)
        insert(connection, "prices", price(model=uncosted["model_used"]))
    insert(connection, "heroes", hero(None))
    connection.execute("create table if not exists tales.generations_archive (like tales.generations)")
    connection.execute("alter table tales.generations_archive enable row level security")
    connection.execute("create table if not exists tales_internal.archive_file (path text)")
    for table in ("stories_unowned", "stories_quarantined"):
        connection.execute(
            f"create table if not exists tales.{table} (id uuid, title text, content text, story_type text)"
        )
        connection.execute(f"alter table tales.{table} enable row level security")
        insert(connection, table, ASIDE | {"id": uuid4()})
    return families


def count(world: World, line: Line, family: UUID) -> int:
    """How many rows of the line are this family's."""
    query = f"select from {line.relation} where {line.where}"
    return world.connection.execute(query, {"family": family} if "%(" in query else None).rowcount
