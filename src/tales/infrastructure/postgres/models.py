"""The tables as SQLAlchemy sees them. The migrations make them; a test holds the two together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    DateTime,
    Dialect,
    FetchedValue,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedColumn, mapped_column
from sqlalchemy.types import UserDefinedType

from tales.domain.generation import Json
from tales.infrastructure.postgres.escaping import StoredJson, StoredText

USD = Numeric(18, 12)


class Base(DeclarativeBase):
    """All tables of schema `tales` that the service reads and writes."""

    metadata = MetaData(schema="tales")
    type_annotation_map = {  # noqa: RUF012 -- SQLAlchemy reads it from the class
        datetime: DateTime(timezone=True),
        str: StoredText,
        Decimal: USD,
    }


class _Xid(UserDefinedType[int]):
    """A transaction's number, which the driver reads and writes as text."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "xid"

    def bind_processor(self, dialect: Dialect) -> Callable[[int | None], str]:
        return str

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[str], int]:
        return int


def _version() -> MappedColumn[int]:
    """PostgreSQL's own version of a row: the transaction that wrote it, be it a cascade's or another program's."""
    return mapped_column("xmin", _Xid, system=True, server_default=FetchedValue())


class ChildDB(Base):
    """`tales.children`."""

    __tablename__ = "children"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    name: Mapped[str]
    age: Mapped[int]
    interests: Mapped[list[str]] = mapped_column(ARRAY(Text))
    gender: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    version: Mapped[int] = _version()


class HeroDB(Base):
    """`tales.heroes`; one without a user is ready-made."""

    __tablename__ = "heroes"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID | None]
    name: Mapped[str]
    appearance: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    version: Mapped[int] = _version()


class GenerationDB(Base):
    """`tales.generations`: each row is one attempt, one call to a model."""

    __tablename__ = "generations"

    generation_id: Mapped[UUID] = mapped_column(primary_key=True)
    attempt_number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    model_used: Mapped[str]
    full_response: Mapped[Json] = mapped_column(StoredJson, nullable=True)
    status: Mapped[str]
    prompt: Mapped[str | None]
    user_id: Mapped[UUID]
    story_type: Mapped[str]
    story_length: Mapped[int | None]
    hero_appearance: Mapped[str | None]
    relationship_description: Mapped[str | None]
    moral: Mapped[str]
    error_message: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    completed_at: Mapped[datetime | None]
    origin: Mapped[str] = mapped_column(server_default=FetchedValue())
    generation_info: Mapped[Json] = mapped_column(StoredJson, nullable=True)
    child_id: Mapped[UUID | None]
    hero_id: Mapped[UUID | None]
    language: Mapped[str | None]
    prompt_version: Mapped[str | None]
    started_at: Mapped[datetime | None]
    first_token_at: Mapped[datetime | None]
    error_type: Mapped[str | None]
    http_status: Mapped[int | None]
    provider_generation_id: Mapped[str | None]
    reconciled_cost_usd: Mapped[Decimal | None]
    queue: Mapped[str | None]
    available_at: Mapped[datetime | None]
    turn: Mapped[int | None] = mapped_column(BigInteger)
    worker_id: Mapped[UUID | None]
    # Computed by the database out of full_response (decision 11).
    prompt_tokens: Mapped[int | None] = mapped_column(server_default=FetchedValue())
    completion_tokens: Mapped[int | None] = mapped_column(server_default=FetchedValue())
    cost_usd: Mapped[Decimal | None] = mapped_column(server_default=FetchedValue())
    provider: Mapped[str | None] = mapped_column(server_default=FetchedValue())
    served_model: Mapped[str | None] = mapped_column(server_default=FetchedValue())


class StoryDB(Base):
    """`tales.stories`: what a family reads."""

    __tablename__ = "stories"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    title: Mapped[str]
    content: Mapped[str]
    child_id: Mapped[UUID | None]
    hero_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    updated_at: Mapped[datetime | None] = mapped_column(server_default=FetchedValue())
    user_id: Mapped[UUID]
    rating: Mapped[int | None]
    generation_id: Mapped[UUID]
    generation_attempt: Mapped[int]
    version: Mapped[int] = _version()


class SequelDB(Base):
    """`tales.sequels`: which story a generation carries on."""

    __tablename__ = "sequels"

    generation_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    sequel_of: Mapped[UUID]


class TurnDB(Base):
    """`tales.turns`: the last turn that a user has been given in the line of a queue."""

    __tablename__ = "turns"

    queue: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    turn: Mapped[int] = mapped_column(BigInteger)


class WorkerDB(Base):
    """`tales.workers`: who takes attempts, and when they last said that they live."""

    __tablename__ = "workers"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    queue: Mapped[str]
    host: Mapped[str]
    process_id: Mapped[int]
    concurrency: Mapped[int]
    started_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    heartbeat_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())


class AccountDB(Base):
    """`tales.accounts`: addresses and password hashes, where Tales itself signs users in."""

    __tablename__ = "accounts"

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str]
    password_hash: Mapped[str]
    is_admin: Mapped[bool] = mapped_column(server_default=FetchedValue())
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())


class IdempotencyKeyDB(Base):
    """`tales.idempotency_keys`: under which key a user's generation was asked for."""

    __tablename__ = "idempotency_keys"

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    generation_id: Mapped[UUID]
    first_attempt: Mapped[int] = mapped_column(server_default=FetchedValue())
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())


class RequestRateDB(Base):
    """`tales.request_rates`: when a user's next request would come, if they came evenly."""

    __tablename__ = "request_rates"

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    next_at: Mapped[datetime]


class SessionDB(Base):
    """`tales.sessions`: sign-ins that have not ended."""

    __tablename__ = "sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    refresh_token_hash: Mapped[bytes]
    client_hash: Mapped[bytes]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class ReplacedRefreshTokenDB(Base):
    """`tales.replaced_refresh_tokens`: what was a session's refresh token once."""

    __tablename__ = "replaced_refresh_tokens"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    session_id: Mapped[UUID]
    replaced_at: Mapped[datetime]


class AuditLogDB(Base):
    """`tales.audit_log`: who has looked at another family's contents."""

    __tablename__ = "audit_log"

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=FetchedValue())
    accessed_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    viewer_id: Mapped[UUID | None]
    via: Mapped[str]
    generation_id: Mapped[UUID]
    user_id: Mapped[UUID]


class LoginAttemptDB(Base):
    """`tales.login_attempts`: sign-ups, sign-ins that have not succeeded, and whose turn it is when."""

    __tablename__ = "login_attempts"

    kind: Mapped[str] = mapped_column(primary_key=True)
    address_hash: Mapped[bytes] = mapped_column(primary_key=True)
    client_hash: Mapped[bytes] = mapped_column(primary_key=True)
    attempts: Mapped[int] = mapped_column(BigInteger)
    last_at: Mapped[datetime]
    turn_at: Mapped[datetime | None]
