"""Where a database stands whose migrations were not run by Tales: recognised by its shape.

A team's legacy database, or one built by psql, has no version table of ours.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

from tales.domain.errors import TalesError

_COLUMNS = text("""
    select c.relname || '.' || a.attname
    from pg_catalog.pg_class as c
    join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relkind in ('r', 'p') and (c.relnamespace = to_regnamespace('tales')
        or (c.relnamespace = to_regnamespace('tales_migration') and to_regnamespace('tales') is not null))
""")
# 024, 026 and 033 make neither a table nor a column; what 027 makes may stay on the way down.
_FUNCTIONS = text("select proname || '()' from pg_catalog.pg_proc where pronamespace = to_regnamespace('tales')")

_STORY_COLUMNS = (
    *("id", "title", "content", "child_id", "hero_id", "created_at", "updated_at", "rating", "user_id"),
    *("model_used", "full_response", "generation_info", "story_type", "story_length", "moral"),
    *("hero_appearance", "relationship_description"),
)
LEGACY_COLUMNS = frozenset(f"stories.{name}" for name in _STORY_COLUMNS) | {"children.id", "heroes.id"}
# What tells a revision from those before it, the newest first. Up to the last step of 017 both shapes are there.
_MARKS = {
    "036": "log_prompt_change()",
    "035": "change_log.changed_at",
    "034": "prompt_goals.models",
    "033": "check_sizes()",
    "032": "rollup_cells.grain",
    "031": "prompt_templates.version",
    "030": "budgets.limit_usd",
    "029": "prices.valid_from",
    "028": "ratings.rating",
    "027": "keep_audit_log()",
    "026": "is_error_type()",
    "025": "workers.heartbeat_at",
    "024": "check_story_family()",
    "023": "live_text.begins_at",
    "022": "sequels.generation_id",
    "021": "idempotency_keys.key",
    "020": "sessions.refresh_token_hash",
    "019": "accounts.password_hash",
    "017": "stories.generation_id",
    "016": "saved_originals.story_id",
    "015": "generations.generation_id",
}


class UnknownShape(TalesError):
    """This database has a schema `tales` that Tales does not know."""

    code = "unknown_shape"


def detect_revision(connection: Connection) -> str | None:
    """The revision that a database without our version table stands at; None when it has no schema `tales`.

    Raises: UnknownShape, naming what is missing.
    """
    columns = frozenset(connection.execute(_COLUMNS).scalars())
    if not columns:
        return None
    shape = columns | frozenset(connection.execute(_FUNCTIONS).scalars())
    for revision, mark in _MARKS.items():
        if mark in shape and (revision < "017" or "stories.model_used" not in columns):
            return revision
    if missing := sorted(LEGACY_COLUMNS - columns):
        names = ", ".join(missing)
        raise UnknownShape(f"The schema tales is neither Tales' own nor the legacy one: it has no {names}.")
    return "014"
