"""The steps by which a database with stories moves while others write: those of 015 to 017, and those beside them.

What the plain files do in one statement is done here batch by batch, under triggers that keep the copies in step; what
both do is written once, in the plain files.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, text

from tales.infrastructure.migrations.steps import WHOLE, Revision, Step, read_steps

MOVE = ("015", "016", "017")
"""The revisions that touch legacy stories."""

SQL = Path(__file__).parent / "sql"
_BESIDE = {"015": "015_sync_stories.sql", "016": "016_copy_stories.sql", "017": "017_link_stories.sql"}

# By revision: a step's own file, and its name there. Names are those under which finished steps are remembered.
_PLAIN, _ONLINE = "plain", "online"
_STEPS = {
    "015": ((_PLAIN, WHOLE), ("016", "rules"), ("016", "prepare"), (_ONLINE, "sync")),
    "016": ((_PLAIN, "check"), (_PLAIN, "restore"), (_ONLINE, "functions"), (_ONLINE, "copy"), (_PLAIN, "analyze")),
    "017": (
        (_PLAIN, "expand"),
        *(
            (_ONLINE, name)
            for name in ("sync", "link", "index", "constrain", "validate", "resolve", "strays", "verify")
        ),
        *((_ONLINE, name) for name in ("contract", "prove", "not_null")),
        (_PLAIN, "finish"),
    ),
}

_HAS_STORIES = text("select exists (select from tales.stories)")
_HAS_PROGRESS = text("select to_regclass('tales_migration.progress') is not null")


def online_steps(revision: Revision, all_revisions: tuple[Revision, ...]) -> tuple[Step, ...]:
    """What is done for one revision of the move, in order."""
    plain = {r.number: {step.name: step for step in r.steps} for r in all_revisions if r.number in MOVE}
    online = {step.name: step for step in read_steps(SQL / _BESIDE[revision.number])}
    return tuple(
        online[name] if where == _ONLINE else plain[revision.number if where == _PLAIN else where][name]
        for where, name in _STEPS[revision.number]
    )


def has_stories(connection: Connection) -> bool:
    """Whether somebody's stories are in the way of a move under locks."""
    return bool(connection.execute(_HAS_STORIES).scalar_one())


def keeps_copies(connection: Connection) -> bool:
    """Whether an online move has begun: then every write of a story sees to its copy."""
    return bool(connection.execute(_HAS_PROGRESS).scalar_one())
