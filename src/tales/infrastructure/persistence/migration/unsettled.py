"""Legacy rows that have no place in the new model: counted before anything is changed."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, text

from tales.infrastructure.persistence.migration.run_step import MigrationFailed

_SEES_USERS = text("select has_table_privilege('auth.users', 'select') and not row_security_active('auth.users')")
_COUNT = text("""
    select
        count(*) filter (where user_id is null) as orphans,
        count(*) filter (where story_type is null or story_type not in ('child', 'hero', 'combined')) as types,
        count(*) filter (where story_length <= 0) as lengths
    from tales.stories
""")
_COUNT_STRANGERS = text("""
    select count(*) from tales.stories as s
    where user_id is not null and not exists (select from auth.users as u where u.id = s.user_id)
""")
_IS_USER = text("select exists (select from auth.users where id::text = :id)")


def refuse_unsettled_stories(connection: Connection, choices: Mapping[str, str]) -> None:
    """Pass when every legacy story has a rule. 016 refuses the same in SQL. Raises: MigrationFailed."""
    orphans, invalid = choices.get("tales.orphans", ""), choices.get("tales.invalid", "")
    found = connection.execute(_COUNT).one()
    without_user = found.orphans
    if connection.execute(_SEES_USERS).scalar_one():
        without_user += connection.execute(_COUNT_STRANGERS).scalar_one()
        assigned = orphans.removeprefix("assign=")
        if assigned != orphans and not connection.execute(_IS_USER, {"id": assigned}).scalar_one():
            raise MigrationFailed(f"There is no user {assigned} to assign stories to. Choose another.")
    if without_user and orphans != "quarantine" and not orphans.startswith("assign="):
        raise MigrationFailed(
            f"{without_user} stories have no user. Choose --orphans quarantine or --orphans assign=<user id>."
        )
    if found.types and invalid != "quarantine":
        raise MigrationFailed(
            f"{found.types} stories have a story_type that is not allowed. Choose --invalid quarantine."
        )
    if found.lengths and invalid not in {"null", "quarantine"}:
        raise MigrationFailed(
            f"{found.lengths} stories have a story_length that is not allowed. "
            "Choose --invalid null or --invalid quarantine."
        )
