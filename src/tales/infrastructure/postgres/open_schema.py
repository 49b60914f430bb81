"""Whether others may create in the schema that PostgreSQL searches by default.

No connection of ours searches it (`session`). Other programs do: psql, a REST endpoint, an old application.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import LiteralString

from tales.infrastructure.postgres.errors import translated_errors
from tales.infrastructure.postgres.session import connect
from tales.infrastructure.postgres.urls import libpq_url

# The owners of the schema and of the database, and superusers, need no grant.
MAY_CREATE: LiteralString = """
    select coalesce(pg_catalog.quote_ident(r.rolname), 'public') as role
    from pg_catalog.pg_namespace as n
    join pg_catalog.pg_database as d on d.datname = pg_catalog.current_database()
    cross join pg_catalog.aclexplode(n.nspacl) as acl
    left join pg_catalog.pg_roles as r on r.oid = acl.grantee
    where n.nspname = 'public' and acl.privilege_type = 'CREATE' and acl.grantee <> n.nspowner
        and not coalesce(
            r.rolsuper or pg_catalog.pg_has_role(r.oid, n.nspowner, 'usage')
            or pg_catalog.pg_has_role(r.oid, d.datdba, 'usage'), false)
    order by 1
"""


@dataclass(frozen=True, slots=True)
class OpenSchema:
    """Schema public, in which these roles may create."""

    roles: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """What is wrong."""
        who = "everybody" if "public" in self.roles else ", ".join(self.roles)
        return (
            f"Schema public is searched by default, and {who} may create functions and operators in it, which run with "
            "the rights of whoever finds them. Tales does not look there; other programs do. Close it."
        )

    @property
    def statement(self) -> str:
        """How to close it."""
        return f"revoke create on schema public from {', '.join(self.roles)};"


def find_open_schema(url: str) -> OpenSchema | None:
    """What is open in the database at `url`; None where nothing is. Raises: Unavailable."""
    with translated_errors(), connect(libpq_url(url)) as connection:
        roles = tuple(role for (role,) in connection.execute(MAY_CREATE).fetchall())
    return OpenSchema(roles) if roles else None
