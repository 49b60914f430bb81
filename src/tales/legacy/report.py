"""What `tales migrate check` finds out about a legacy database: plain data, told by the command line.

No row is quoted, only ids; definitions of views, policies and the like are the operator's own SQL.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from tales.domain.errors import InvalidInput

LEGACY = "014"
QUARANTINE = "quarantine"
MOVED_COLUMNS_JOIN = (
    "tales.generations as g on g.generation_id = s.generation_id and g.attempt_number = s.generation_attempt"
)
"""Where a story `s` finds the moved columns, from expand on."""
_ASSIGN = "assign="


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """What the operator says beside the database's URL. `orphans` and `invalid` are the choices of `up`.

    Raises: InvalidInput.
    """

    from_revision: str | None = None
    orphans: str | None = None
    invalid: str | None = None
    until_expand: bool = False
    """Judge what `up --until expand` needs; what stops only the dropping of columns is told all the same."""
    statement_timeout: int = 600
    """Seconds that one statement may take; 0 for no limit."""
    sample_rows: int = 2000
    tries_writes: bool = True
    """Try what the service writes, in a transaction that is rolled back."""
    long_transaction: float = 60.0
    """Seconds from which on an open transaction is worth a warning."""

    def __post_init__(self) -> None:
        if self.from_revision not in {None, LEGACY}:
            raise InvalidInput("--from", f"A legacy database stands at {LEGACY}. Use --from {LEGACY}, or leave it out.")
        if self.invalid not in {None, "null", QUARANTINE}:
            raise InvalidInput("--invalid", "--invalid is neither null nor quarantine. Use one of the two.")
        if self.statement_timeout < 0:
            raise InvalidInput("--statement-timeout", "--statement-timeout is in seconds, 0 for no limit.")
        if self.orphans not in {None, QUARANTINE} and self.assigned_user is None:
            raise InvalidInput("--orphans", "--orphans is neither quarantine nor assign=<user id>. Use one of the two.")

    @property
    def assigned_user(self) -> UUID | None:
        """Whom stories without a user are given to, by choice of the operator."""
        if self.orphans is None or not self.orphans.startswith(_ASSIGN):
            return None
        try:
            return UUID(self.orphans.removeprefix(_ASSIGN))
        except ValueError:
            return None


class Severity(StrEnum):
    """How much something matters: a problem stops the migration until it is dealt with."""

    PROBLEM = "problem"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Step:
    """One migration that will run, in words."""

    number: str
    name: str
    summary: str


@dataclass(frozen=True, slots=True)
class Cause:
    """Rows of tales.stories that break one new rule."""

    name: str
    what: str
    rows: int
    examples: tuple[str, ...]
    """Up to five story ids, in order."""
    rule: str | None
    """What `up` does with them under the present choices; None while something has to be chosen or mended."""
    todo: str
    """The choice to make, or what to do."""
    statements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """A column that the specification does not know, or that is stricter than it."""

    table: str
    name: str
    type: str
    in_specification: bool
    refuses_new_rows: bool
    """It is NOT NULL where the new model writes nothing or NULL: every new row would be refused."""
    statement: str | None
    """For an extra column: what `up` does about it, with --yes. For one of ours there is no rule: it is to be run."""


class Impact(StrEnum):
    """What becomes of something when a column that it depends on is dropped."""

    STOPS = "stops"
    """PostgreSQL refuses to drop the column."""
    LOST = "lost"
    """PostgreSQL drops it with the column, without a word."""
    FAILS = "fails"
    """It stays, and may fail when it is used."""
    FOLLOWS = "follows"
    """It depends on something that stops."""


@dataclass(frozen=True, slots=True)
class Dependent:
    """What depends on a column that 017 drops. `name` is quoted as in SQL."""

    kind: str
    name: str
    columns: tuple[str, ...]
    """The dropped columns that it names itself."""
    impact: Impact
    advice: str
    definition: str
    """As it is now, in the words of PostgreSQL."""
    statements: tuple[str, ...] = ()
    """What removes the obstacle and loses no data; empty where SQL of the operator has to be written anew."""


@dataclass(frozen=True, slots=True)
class Unaffected:
    """An index, trigger, policy or view that is not ours and stays as it is."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something else that the operator should know."""

    name: str
    severity: Severity
    sentence: str
    statements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Estimate:
    """How long and how much, by a measured sample. Times in seconds, sizes in bytes; each pair is a range."""

    rows: int
    sampled_rows: int
    sample_seconds: float
    seconds: tuple[float, float]
    stories_bytes: int
    """Of the table as it is, with indexes and TOAST."""
    moved_bytes_a_row: float
    """Of the columns that move, as they lie on disk."""
    new_bytes: tuple[int, int]
    """What tales.generations and the rewritten stories take beside it, until vacuum reuses the room."""
    wal_bytes: tuple[int, int]
    """Written in all; kept longer where a replication slot or an archive is slow."""
    free_bytes: int | None
    """On the disk of the data; known only where the server runs on this machine."""


@dataclass(frozen=True, slots=True)
class Report:
    """All of it."""

    revision: str
    recognised_by: str
    nothing_to_move: str | None = None
    """Why there is nothing to do: a sentence."""
    until_expand: bool = False
    steps: tuple[Step, ...] = ()
    rows: int | None = None
    """None where the role could not count them."""
    causes: tuple[Cause, ...] = ()
    columns: tuple[Column, ...] = ()
    dependents: tuple[Dependent, ...] = ()
    unaffected: tuple[Unaffected, ...] = ()
    findings: tuple[Finding, ...] = ()
    estimate: Estimate | None = None

    @property
    def problems(self) -> tuple[str, ...]:
        """What has no rule yet, a sentence each; empty when `up` can run."""
        return (
            *(finding.sentence for finding in self.findings if finding.severity is Severity.PROBLEM),
            *(f"{cause.what}: {cause.rows}. {cause.todo}" for cause in self.causes if cause.rule is None),
            *(
                f"{column.table}.{column.name} is NOT NULL, and the service writes NULL there. Run: {column.statement}"
                for column in self.columns
                if column.refuses_new_rows and column.in_specification
            ),
            *(
                f"The {d.kind} {d.name} keeps {', '.join(d.columns)} from being dropped."
                for d in self.dependents
                if d.impact is Impact.STOPS and not self.until_expand
            ),
        )
