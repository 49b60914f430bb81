"""An empty database as Supabase gives it: `auth` is the platform's, and whoever migrates is no superuser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from tales.infrastructure.postgres.urls import libpq_url

_PLATFORM = Path(__file__).with_name("supabase.sql")
_TAKEN_ON = ("anon", "authenticated", "service_role")


def supabase_sql() -> str:
    """What the platform has made before a project's first migration: its roles, `auth` and `extensions`."""
    return _PLATFORM.read_text(encoding="utf-8")


def prepare_supabase(platform: psycopg.Connection[Any], owner: str, *, bypass_rls: bool = True) -> None:
    """Shape the empty database of `platform` (a superuser's connection) like Supabase's, and give it to `owner`.

    The role is made if it does not exist, with the rights of Supabase's `postgres`: no superuser, may make roles, may
    use `auth` but owns nothing there. Its BYPASSRLS is Supabase's as well; without it (`bypass_rls=False`) policies
    bind it, as they bind the owner on other managed servers, and it cannot add users.
    """
    platform.execute(supabase_sql().encode())
    role = sql.Identifier(owner)
    if not platform.execute("select from pg_roles where rolname = %s", [owner]).rowcount:
        bypass = sql.SQL("bypassrls" if bypass_rls else "nobypassrls")
        platform.execute(sql.SQL("create role {} login nosuperuser createrole {}").format(role, bypass))
    taken_on = sql.SQL(", ").join(map(sql.Identifier, _TAKEN_ON))
    # With the admin option: from PostgreSQL 16 on, CREATEROLE alone may not grant them to others, and Supabase adds it.
    platform.execute(sql.SQL("grant {} to {} with admin option").format(taken_on, role))
    platform.execute(sql.SQL("alter database {} owner to {}").format(sql.Identifier(platform.info.dbname), role))
    platform.execute(sql.SQL("grant usage on schema auth, extensions to {}").format(role))
    platform.execute(sql.SQL("grant all on auth.users to {}").format(role))


def url_as(platform_url: str, owner: str) -> str:
    """The superuser's URL, for connections that run as `owner` from their first statement on."""
    url = make_url(libpq_url(platform_url)).update_query_dict({"options": f"-crole={owner}"})
    return url.render_as_string(hide_password=False)
