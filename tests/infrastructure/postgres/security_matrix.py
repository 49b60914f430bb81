"""Who reaches which rows: one line for each kind of row. The tests and the tables of docs/security.md come out of it.

Each command has one mark for each of `WHO`: `+` reaches the rows, `.` is allowed and finds none, `-` is refused.
A relation, a sequence or a function of ours that is missing here fails the tests.
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


@dataclass(frozen=True, slots=True)
class Function:
    """A function that some role may call, or that runs with its owner's rights (`why_definer`).

    Whoever writes a row sets off its triggers: that asks for no right to call theirs.
    """

    name: str
    callers: frozenset[str] = frozenset()
    why_definer: str = ""


_EVERYBODY = frozenset(ROLES)
_USERS = frozenset({"authenticated", "tales_requester"})
_WRITERS = _USERS | {"service_role"}
_WORKERS = frozenset({"service_role", "tales_app"})

FUNCTIONS = (
    Function("auth.jwt", _EVERYBODY),
    Function("auth.uid", _EVERYBODY),
    Function("auth.role", _EVERYBODY),
    # What a generated column, an index or a trigger calls runs in the name of whoever writes the row.
    Function("tales.json_amount", _WRITERS),
    Function("tales.json_count", _WRITERS),
    Function("tales.json_name", _WRITERS),
    Function("tales.is_error_type", _WRITERS),
    Function("tales.is_sealed", _WRITERS),
    Function("tales.only_forgets", _WRITERS),
    Function("tales.only_seals_response", _WRITERS),
    Function("tales.without_contents", _WRITERS),
    # The queue: each takes on the role that it needs.
    Function("tales.count_requests", _WORKERS),
    Function("tales.first_turn", frozenset({"service_role"})),
    Function("tales.is_queue_full", frozenset({"service_role"})),
    Function("tales.next_turn", frozenset({"service_role"})),
    Function("tales.enqueue_attempts", _WORKERS | {"tales_requester"}),
    Function("tales.claim_attempts", _WORKERS),
    Function("tales.finish_attempts", _WORKERS),
    Function("tales.renew_lease", _WORKERS),
    Function("tales.keep_prompt_choice", _WORKERS | {"tales_requester"}),
    Function("tales.arms_of", frozenset({"service_role"})),
    Function("tales.known_of_arms", frozenset({"service_role"})),
    Function("tales.take_snapshots", frozenset({"service_role"})),
    Function("tales.enqueue_within_budgets", _WORKERS | {"tales_requester"}),
    Function("tales.finish_within_budgets", _WORKERS),
    Function("tales.recount_budgets", frozenset({"service_role"})),
    Function("tales.most_tokens", frozenset({"service_role"})),
    Function("tales.most_cost", frozenset({"service_role"})),
    Function("tales.charge_of", frozenset({"service_role"})),
    Function(
        "tales.lock_budgets",
        _WORKERS | {"tales_requester"},
        why_definer="whoever asks for a story may not read budgets, and waits for the others that do",
    ),
    Function("tales.reserve_budget", why_definer="whoever asks for a story may not write what is spent of budgets"),
    Function("tales.wait_for_budgets", why_definer="whoever cancels may not read budgets"),
    *(
        Function(f"tales.{name}", why_definer="whoever ends or erases attempts may not write what is spent")
        for name in ("settle_attempt", "settle_budget", "release_budget")
    ),
    # What a family's search calls.
    *(
        Function(f"tales.{name}", _USERS)
        for name in ("spaced", "folded", "search_query", "search_patterns", "story_has")
    ),
    Function(
        "tales.session_is_open",
        frozenset({"service_role", "tales_app", "tales_requester"}),
        why_definer="a token is looked at before the user's role is taken on, and users may not look sessions up",
    ),
    Function("tales.check_values", why_definer="whatever role writes, it need not be let call what this calls"),
    Function("tales.keep_rating", why_definer="whoever rates a story may not write what reports count"),
    Function("tales.token_cost", _WRITERS),
    *(
        Function(
            f"tales.{name}", _WRITERS, why_definer="who may delete from a table may lock it whole: families may not"
        )
        for name in ("remove_budget", "take_back_price")
    ),
    *(
        Function(f"tales.{name}", why_definer="no role may add to who has changed what")
        for name in ("log_change", "log_prompt_change")
    ),
    *(
        Function(f"tales.{name}", frozenset({"service_role"}))
        for name in (
            *("refresh_rollups", "forget_rollups", "count_hours", "add_up", "next_month"),
            *("count_users_of_day", "count_users_of_month"),
        )
    ),
    Function("tales.mark", _WRITERS),
    Function("tales.note_changed_rating", why_definer="whoever rates a story may not write what reports count"),
    Function("tales.note_changed_cost", why_definer="no role may add to what is counted anew"),
    Function("tales.note_erased_attempts", why_definer="whoever erases attempts may not write what reports count"),
    Function("tales.forget_live_text", why_definer="whoever erases attempts may not delete their text"),
)
