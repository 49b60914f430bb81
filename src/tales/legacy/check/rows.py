"""Rows that break a new rule, counted by cause (decision 5)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sqlalchemy import Connection, Text, TextClause, cast, func, select, text

from tales.infrastructure.migrations.steps import revisions
from tales.legacy.report import QUARANTINE, Cause, CheckOptions

_EXAMPLES = 5
_STORIES = text("tales.stories as story")
_RULE = re.compile(r"create function tales_migration\.misfits\(.*?\$\$(.*?)\$\$", re.DOTALL)

_ORPHAN = "misfits && array['user_id_missing', 'user_id_unknown']"
_INVALID = (
    "misfits && array['story_type_missing', 'story_type_unknown', 'story_length_not_positive', "
    "'created_at_out_of_range', 'model_used_too_long']"
)

_BACK = "and come back on `down`"
_KEPT = "; what was there before is remembered, and comes back on `down`"
_UNOWNED = f"are set aside whole in tales.stories_unowned, {_BACK}"
_SET_ASIDE = f"are set aside whole in tales.stories_quarantined, {_BACK}"
_OF_ORPHANS = {QUARANTINE: _UNOWNED, "assign": f"go to the user that was named{_KEPT}"}
_CHOOSE_ORPHANS = "Choose --orphans quarantine or --orphans assign=<user id>."
_CHOOSE_QUARANTINE = "Choose --invalid quarantine: a story type cannot be NULL."
_BY_HAND = "There is no rule for it. Mend it with the statement, or your own."


@dataclass(frozen=True, slots=True)
class _Rule:
    """One new rule. `broken` is SQL over `tales.stories as story`, and `misfits`."""

    name: str
    what: str
    broken: str
    rule: str | None = None
    """What happens whatever is chosen."""
    orphans: dict[str, str] = field(default_factory=dict)
    invalid: dict[str, str] = field(default_factory=dict)
    """What happens by which choice."""
    todo: str = ""
    statements: tuple[str, ...] = ()

    def under(self, options: CheckOptions) -> str | None:
        """What `up` does about it under the operator's choices."""
        orphans = (options.orphans or "").partition("=")[0]
        return self.rule or self.orphans.get(orphans) or self.invalid.get(options.invalid or "")


def _misfit(cause: str) -> str:
    return f"'{cause}' = any (misfits)"


def _dangling(name: str, table: str) -> str:
    return f"story.{name} is not null and not exists (select from {table} as t where t.id = story.{name})"


def _missing(name: str, becomes: str) -> _Rule:
    return _Rule(f"{name}_missing", f"Stories without {name}", f"story.{name} is null", rule=f"get {becomes}{_KEPT}")


def _untold(name: str) -> _Rule:
    mend = f"set {name} = '' where {name} is null;"
    return _Rule(
        f"{name}_missing",
        f"Stories without {name}, which the service needs",
        f"story.{name} is null",
        todo=_BY_HAND,
        statements=(f"update tales.stories {mend}",),
    )


RULES = (
    _Rule(
        "user_id_missing",
        "Stories without a user",
        _misfit("user_id_missing"),
        orphans=_OF_ORPHANS,
        todo=_CHOOSE_ORPHANS,
    ),
    _Rule(
        "user_id_unknown",
        "Stories of a user who is not in auth.users",
        _misfit("user_id_unknown"),
        orphans=_OF_ORPHANS,
        todo=_CHOOSE_ORPHANS,
    ),
    _Rule(
        "story_length_not_positive",
        "Stories with a length of 0 or less",
        _misfit("story_length_not_positive"),
        invalid={"null": f"get NULL{_KEPT}", QUARANTINE: _SET_ASIDE},
        todo="Choose --invalid null or --invalid quarantine.",
    ),
    _Rule(
        "created_at_out_of_range",
        "Stories whose created_at no calendar has: infinity, before the year 1, after 9999",
        _misfit("created_at_out_of_range"),
        invalid={"null": f"get the time of their last change, or 1970{_KEPT}", QUARANTINE: _SET_ASIDE},
        todo="Choose --invalid null or --invalid quarantine.",
    ),
    _Rule(
        "model_used_too_long",
        "Stories whose model_used has more than 1,600 bytes, which no index of generations can hold",
        _misfit("model_used_too_long"),
        invalid={"null": f"get 'unknown'{_KEPT}", QUARANTINE: _SET_ASIDE},
        todo="Choose --invalid null or --invalid quarantine.",
    ),
    _Rule(
        "story_type_unknown",
        "Stories of a type that is none of child, hero, combined",
        _misfit("story_type_unknown"),
        invalid={QUARANTINE: _SET_ASIDE},
        todo=_CHOOSE_QUARANTINE,
    ),
    _Rule(
        "story_type_missing",
        "Stories without a type",
        _misfit("story_type_missing"),
        invalid={QUARANTINE: _SET_ASIDE},
        todo=_CHOOSE_QUARANTINE,
    ),
    _missing("model_used", "'unknown'"),
    _missing("moral", "'unknown'"),
    _missing("created_at", "the time of their last change, or 1970"),
    _untold("title"),
    _untold("content"),
)
FAMILY = tuple(
    _Rule(
        f"{name}_unknown",
        f"Stories whose {name} is not in {table}",
        _dangling(name, table),
        rule="keep it; their generations get NULL",
    )
    for name, table in (("child_id", "tales.children"), ("hero_id", "tales.heroes"))
)


def _judged(*, with_users: bool) -> TextClause:
    """All stories, each with its `misfits` as 016 itself judges them. Without users, whoever is named is one."""
    (copying,) = (revision for revision in revisions() if revision.number == "016")
    rule = _RULE.search(copying.path.read_text(encoding="utf-8"))
    assert rule is not None
    users = "left join auth.users as u on u.id = story.user_id" if with_users else ""
    has_user = "u.id is not null" if with_users else "true"
    return text(f"""tales.stories as story {users} cross join lateral (select {has_user} as has_user) as known
        cross join lateral ({rule[1]}) as judged (misfits)""")


def count_rows(connection: Connection) -> int:
    """How many stories there are."""
    return connection.execute(select(func.count()).select_from(_STORIES)).scalar_one()


def broken_rows(connection: Connection, options: CheckOptions, *, with_users: bool) -> tuple[Cause, ...]:
    """Every cause that has rows. `with_users`: auth.users can be read."""
    judged = _judged(with_users=with_users)
    one_pass = select(*(func.count().filter(text(rule.broken)).label(rule.name) for rule in RULES))
    counts: dict[str, int] = dict(connection.execute(one_pass.select_from(judged)).mappings().one())
    # Each a join of its own: beside the others it would be a look-up a row.
    references = (*FAMILY, *_cannot_be_set_aside(options))
    for rule in references:
        counting = select(func.count()).select_from(judged).where(text(rule.broken))
        counts[rule.name] = connection.execute(counting).scalar_one()
    return tuple(
        _cause(connection, judged, rule, counts[rule.name], options)
        for rule in (*RULES, *references)
        if counts[rule.name]
    )


def _cannot_be_set_aside(options: CheckOptions) -> tuple[_Rule, ...]:
    """Where stories are set aside, foreign keys keep those with an unknown child or hero out."""
    aside = [_ORPHAN] if options.orphans == QUARANTINE else []
    if options.invalid == QUARANTINE:
        aside += [_INVALID]
    if not aside:
        return ()
    return tuple(
        _Rule(
            f"{name}_keeps_from_quarantine",
            f"Stories to be set aside whose {name} is not in {table}, so that they cannot be",
            f"({' or '.join(aside)}) and {_dangling(name, table)}",
            todo=_BY_HAND,
            statements=(_forget(name, table),),
        )
        for name, table in (("child_id", "tales.children"), ("hero_id", "tales.heroes"))
    )


def _forget(name: str, table: str) -> str:
    condition = f"set {name} = null where {_dangling(name, table)};"
    return f"update tales.stories as story {condition}"


def _cause(connection: Connection, judged: TextClause, rule: _Rule, rows: int, options: CheckOptions) -> Cause:
    ids = select(cast(text("story.id"), Text)).select_from(judged).where(text(rule.broken))
    examples = connection.execute(ids.order_by(text("story.id")).limit(_EXAMPLES)).scalars().all()
    return Cause(rule.name, rule.what, rows, tuple(map(str, examples)), rule.under(options), rule.todo, rule.statements)
