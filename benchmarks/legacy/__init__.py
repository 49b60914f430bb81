"""Legacy databases (migration 014) of any size, for tests and benchmarks."""

from __future__ import annotations

from benchmarks.legacy.census import CHECKSUM, KINDS, count_kinds
from benchmarks.legacy.extras import add_extras, extras_sql
from benchmarks.legacy.load import fill_legacy
from benchmarks.legacy.plan import Extras, LegacyCounts, LegacyPlan, Nastiness, Profile
from benchmarks.legacy.supabase import prepare_supabase, supabase_sql, url_as

__all__ = [
    "CHECKSUM",
    "KINDS",
    "Extras",
    "LegacyCounts",
    "LegacyPlan",
    "Nastiness",
    "Profile",
    "add_extras",
    "count_kinds",
    "extras_sql",
    "fill_legacy",
    "prepare_supabase",
    "supabase_sql",
    "url_as",
]
