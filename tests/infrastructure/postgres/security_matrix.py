"""Who reaches which rows: one line for each kind of row. The tests and the tables of docs/security.md come out of it.

Each command has one mark for each of `WHO`: `+` reaches the rows, `.` is allowed and finds none, `-` is refused.
A relation or a sequence of ours that is missing here fails the tests; functions are in security_functions.py.
"""

from __future__ import annotations

from dataclasses import dataclass

SCHEMAS = ("tales", "auth", "tales_internal")

WHO = ("anonymous", "family", "another family", "admin", "service", "login")
"""The visitors. `login` is the role that the service signs in with."""

ROLES = ("anon", "authenticated", "service_role", "tales_app", "tales_requester")
"""The roles of the database that they come as; a family, another one and an admin are all `authenticated`, or
`tales_requester` where the service asks for a generation in their name: that reaches the very same rows."""

COMMANDS = ("select", "insert", "update", "delete", "truncate")

#          anonymous, family, another family, admin, service, login
NOBODY = "- - - - - -"
SERVICE = "- - - - + -"
SERVICE_AND_FAMILY = "- + - - + -"
FAMILY_ADDS = "- + - - - -"
FAMILY = "- + . . - -"
READERS = "- + . . + -"
OWN_OR_ALL = "- + . + + -"
ADMIN_READS = "- . . + + -"
EVERY_USER = "- + + + + -"
LOGIN = "- - - - - +"

EVERY_COLUMN = frozenset({"*"})
NO_COLUMN: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Line:
    """Rows of one kind, and who reaches them. `rows` says which of the relation's, `where` says so in SQL.

    `inserted`, `updated`: the columns that a signed-in user may fill and change.
    `requested`: those that the service may fill beside these when it asks for a generation in a user's name.
    `binds_owner`: the policies bind the owner of the database as well (FORCE ROW LEVEL SECURITY).
    `is_secured`: row-level security is enabled. Without it, privileges alone close the relation.
    `is_permanent`: not only there after a way back from the migrations.
    """

    relation: str
    rows: str
    where: str
    select: str = NOBODY
    insert: str = NOBODY
    update: str = NOBODY
    delete: str = NOBODY
    truncate: str = NOBODY
    inserted: frozenset[str] = NO_COLUMN
    updated: frozenset[str] = NO_COLUMN
    requested: frozenset[str] = NO_COLUMN
    binds_owner: bool = False
    is_secured: bool = True
    is_permanent: bool = True

    @property
    def name(self) -> str:
        """The relation and which of its rows."""
        return f"{self.relation}, {self.rows}" if self.rows else self.relation

    def marks(self, command: str) -> dict[str, str]:
        """The mark of each visitor."""
        return dict(zip(WHO, str(getattr(self, command)).split(), strict=True))


def _set_aside(relation: str, *, is_secured: bool = True, is_permanent: bool = True) -> Line:
    """What the migrations keep for the way back: the owner's alone."""
    return Line(relation, "", "true", is_secured=is_secured, is_permanent=is_permanent)


_ASKED = frozenset(
    {
        *("generation_id", "attempt_number", "model_used", "status", "prompt", "user_id", "story_type", "story_length"),
        *("hero_appearance", "relationship_description", "moral", "origin", "child_id", "hero_id", "language"),
        "prompt_version",
    }
)
_QUEUED = frozenset({"queue", "available_at", "turn", "worker_id", "started_at"})
_PRICE = frozenset({"prompt_usd_per_million", "completion_usd_per_million", "request_usd", "source"})
_CANCELLED = frozenset({"status", "completed_at", "error_message"})

LINES = (
    Line("auth.users", "", "id = %(family)s", select=SERVICE, insert=SERVICE, update=SERVICE, delete=SERVICE),
    Line(
        "tales.accounts", "", "user_id = %(family)s", select=SERVICE, insert=SERVICE, update=SERVICE, binds_owner=True
    ),
    Line(
        "tales.sessions",
        "",
        "user_id = %(family)s",
        select=SERVICE,
        insert=SERVICE,
        update=SERVICE,
        delete=SERVICE,
    ),
    Line(
        "tales.replaced_refresh_tokens",
        "",
        "session_id in (select id from tales.sessions where user_id = %(family)s)",
        select=SERVICE,
        insert=SERVICE,
        binds_owner=True,
    ),
    Line(
        "tales.login_attempts",
        "",
        "true",
        select=SERVICE,
        insert=SERVICE,
        update=SERVICE,
        delete=SERVICE,
        binds_owner=True,
    ),
    Line(
        "tales.children",
        "",
        "user_id = %(family)s",
        select=READERS,
        insert=FAMILY_ADDS,
        update=FAMILY,
        delete=FAMILY,
        inserted=EVERY_COLUMN,
        updated=EVERY_COLUMN,
        binds_owner=True,
    ),
    Line(
        "tales.heroes",
        "a family's own",
        "user_id = %(family)s",
        select=READERS,
        insert=FAMILY_ADDS,
        update=FAMILY,
        delete=FAMILY,
        inserted=EVERY_COLUMN,
        updated=EVERY_COLUMN,
        binds_owner=True,
    ),
    Line(
        "tales.heroes",
        "ready-made",
        "user_id is null",
        select="- + + + + -",
        insert=NOBODY,
        update="- . . . - -",
        delete="- . . . - -",
        inserted=EVERY_COLUMN,
        updated=EVERY_COLUMN,
        binds_owner=True,
    ),
    Line(
        "tales.stories",
        "",
        "user_id = %(family)s",
        select=READERS,
        insert=SERVICE_AND_FAMILY,
        update=FAMILY,
        delete=FAMILY,
        inserted=EVERY_COLUMN,
        updated=EVERY_COLUMN,
        binds_owner=True,
    ),
    Line(
        "tales.generations",
        "in flight",
        "user_id = %(family)s and status = 'pending'",
        select="- + . + + -",
        insert=SERVICE_AND_FAMILY,
        update="- + . . + -",
        inserted=_ASKED,
        updated=_CANCELLED,
        requested=_QUEUED,
        binds_owner=True,
    ),
    Line(
        "tales.generations",
        "ended",
        "user_id = %(family)s and status <> 'pending'",
        select="- + . + + -",
        insert=SERVICE,
        update="- . . . - -",
        inserted=_ASKED,
        updated=_CANCELLED,
        requested=_QUEUED,
        binds_owner=True,
    ),
    Line(
        "tales.sequels",
        "",
        "user_id = %(family)s",
        select=READERS,
        insert=FAMILY_ADDS,
        inserted=EVERY_COLUMN,
        binds_owner=True,
    ),
    Line("tales.ratings", "", "user_id = %(family)s", select=OWN_OR_ALL),
    Line("tales.attempt_facts", "", "user_id = %(family)s", select=OWN_OR_ALL, binds_owner=True),
    Line("tales.report_costs", "", "user_id = %(family)s", select=OWN_OR_ALL, binds_owner=True),
    *(
        Line(f"tales.{name}", "", "user_id = %(family)s", select=OWN_OR_ALL, binds_owner=True)
        for name in ("attempt_cells", "attempt_marks", "course_steps")
    ),
    # Only an admin reads what was drawn.
    Line("tales.drawn_cells", "", "user_id = %(family)s", select=ADMIN_READS, binds_owner=True),
    *(
        Line(f"tales.rollup_{name}", "", "true", select=ADMIN_READS, insert=SERVICE, delete=SERVICE)
        for name in ("cells", "marks", "courses")
    ),
    Line("tales.cost_questions", "", "true", select=SERVICE, insert=SERVICE, update=SERVICE),
    Line("tales.rollup_users", "", "user_id = %(family)s", select=ADMIN_READS, insert=SERVICE, delete=SERVICE),
    Line("tales.rollup_state", "", "true", select=ADMIN_READS, update=SERVICE),
    Line("tales.rollup_changes", "", "true", select=SERVICE, delete=SERVICE),
    Line(
        "tales.prices",
        "in force",
        "valid_from <= now()",
        select=ADMIN_READS,
        insert="- - - - + -",
        update="- . . . + -",
        inserted=_PRICE | {"model", "valid_from"},
        updated=_PRICE,
    ),
    Line(
        "tales.prices",
        "not in force yet",
        "valid_from > now()",
        select=ADMIN_READS,
        insert="- - - + + -",
        update=ADMIN_READS,
        inserted=_PRICE | {"model", "valid_from"},
        updated=_PRICE,
    ),
    Line("tales.change_log", "", "true", select=ADMIN_READS),
    Line("tales.price_periods", "", "true", select=ADMIN_READS),
    # Of a family's own calls too: what models charge is the operator's to know.
    Line("tales.attempt_estimates", "", "user_id = %(family)s", select=ADMIN_READS, binds_owner=True),
    Line(
        "tales.budgets",
        "",
        "true",
        select=ADMIN_READS,
        insert="- - - + + -",
        update=ADMIN_READS,
        delete=SERVICE,
        inserted=frozenset({"scope", "user_id", "model", "period", "limit_usd", "warn_share"}),
        updated=frozenset({"limit_usd", "warn_share"}),
    ),
    Line("tales.budget_spending", "", "true", select=ADMIN_READS, insert=SERVICE, update=SERVICE, delete=SERVICE),
    Line("tales.budget_reservations", "", "true", select=SERVICE, insert=SERVICE, update=SERVICE),
    # Sums without a user: tests/infrastructure/postgres/test_report_views.py holds them against the rows that each may
    # read.
    *(
        Line(f"tales.report_{name}", "", "true", select=EVERY_USER, binds_owner=True, is_secured=False)
        for name in ("models", "retries", "timeouts")
    ),
    Line(
        "tales.prompt_templates",
        "",
        "true",
        select=ADMIN_READS,
        insert="- - - + + -",
        update=ADMIN_READS,
        inserted=frozenset({"version", "story_type", "language", "model", "number", "template", "note"}),
        updated=frozenset({"state", "weight", "template", "note"}),
    ),
    Line("tales.prompt_choices", "", "true", select=ADMIN_READS, insert=SERVICE),
    Line(
        "tales.prompt_goals",
        "",
        "true",
        select=ADMIN_READS,
        insert="- - - + + -",
        update=ADMIN_READS,
        inserted=frozenset(
            {
                *("story_type", "language", "measure", "models"),
                *("floor_percent", "least_success_percent", "window_days"),
            }
        ),
        updated=frozenset({"ended_at"}),
    ),
    Line("tales.goal_snapshots", "", "true", select=ADMIN_READS, insert=SERVICE, delete=SERVICE),
    Line("tales.live_text", "", "true", select=SERVICE, insert=SERVICE, update=SERVICE, delete=SERVICE),
    Line(
        "tales.idempotency_keys",
        "",
        "user_id = %(family)s",
        select=SERVICE,
        insert=SERVICE,
        delete=SERVICE,
        binds_owner=True,
    ),
    Line(
        "tales.request_rates",
        "",
        "user_id = %(family)s",
        select=SERVICE,
        insert=SERVICE,
        update=SERVICE,
        delete=SERVICE,
        binds_owner=True,
    ),
    Line(
        "tales.turns",
        "",
        "user_id = %(family)s",
        select=SERVICE,
        insert=SERVICE,
        update=SERVICE,
        delete=SERVICE,
        binds_owner=True,
    ),
    Line("tales.audit_log", "", "user_id = %(family)s", select=SERVICE, insert=SERVICE, binds_owner=True),
    Line("tales.workers", "", "true", select=SERVICE, insert=SERVICE, update=SERVICE, delete=SERVICE, binds_owner=True),
    _set_aside("tales.stories_unowned", is_permanent=False),
    _set_aside("tales.stories_quarantined", is_permanent=False),
    _set_aside("tales.generations_archive", is_permanent=False),
    Line("tales_internal.schema_version", "", "true", select=LOGIN, is_secured=False),
    _set_aside("tales_internal.finished_steps", is_secured=False),
    _set_aside("tales_internal.archive_file", is_secured=False, is_permanent=False),
)

SCHEMA_USERS = {
    "tales": frozenset({"anon", "authenticated", "service_role", "tales_app", "tales_requester"}),
    "auth": frozenset({"anon", "authenticated", "service_role", "tales_requester"}),
    "tales_internal": frozenset({"tales_app"}),
}
"""Who may look into each schema. Nobody but the owner makes anything in one."""
