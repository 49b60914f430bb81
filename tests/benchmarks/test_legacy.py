"""Legacy databases are what their plan says, every time."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from benchmarks.legacy import CHECKSUM, LegacyCounts, LegacyPlan, Nastiness, Profile, count_kinds, fill_legacy
from benchmarks.legacy.families import Families
from benchmarks.legacy.languages import LANGUAGES
from benchmarks.legacy.plan import RARE, kinds
from benchmarks.legacy.stories import COLUMNS, Stories
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from tests.fixtures.databases import Database
from tests.fixtures.depth import DEEP

TABLES = ("auth.users", "tales.children", "tales.heroes", "tales.stories")
FIXED_TIMES = {"created_at", "updated_at"}
NATURAL = {
    f"null_{column}" for column in ("child_id", "hero_id", "hero_appearance", "relationship_description", "rating")
}
"""What tidy stories lack, too."""


def fill(database: Database, plan: LegacyPlan) -> LegacyCounts:
    """Empty the database and fill it anew."""
    with database.connect() as connection:
        connection.execute("truncate auth.users cascade")
        connection.execute("delete from tales.heroes")
        return fill_legacy(connection, plan)


def checksum(database: Database) -> list[str]:
    """Of all rows of all tables."""
    statements = [sql.SQL(CHECKSUM).format(sql.Identifier(*table.split("."))) for table in TABLES]
    return [str(next(iter(database.rows(statement)[0].values()))) for statement in statements]


def counted(database: Database) -> dict[str, int]:
    with database.connect() as connection:
        return count_kinds(connection)


def test_a_seed_gives_the_same_rows_every_time_and_another_seed_others(legacy_database: Database) -> None:
    sums = []
    for seed in (7, 7, 8):
        fill(legacy_database, LegacyPlan(rows=200, seed=seed, nastiness=Nastiness.each(0.1)))
        sums.append(checksum(legacy_database))
    assert sums[0] == sums[1]
    assert all(same != other for same, other in zip(sums[1], sums[2], strict=True))


def test_two_seeds_fit_into_one_database(legacy_database: Database) -> None:
    fill_legacy(legacy_database.owner_url, LegacyPlan(rows=20, seed=1))
    fill_legacy(legacy_database.owner_url, LegacyPlan(rows=20, seed=2))
    assert legacy_database.rows("select count(*) from tales.stories")[0]["count"] == 40


PLANS = st.builds(
    LegacyPlan,
    rows=st.integers(0, 60),
    seed=st.integers(0, 2**64),
    nastiness=st.sampled_from([0, 0.02, 0.3, 1]).map(Nastiness.each),
    users=st.none() | st.integers(1, 5),
    profile=st.sampled_from(Profile),
    languages=st.lists(st.sampled_from(sorted(LANGUAGES)), min_size=1, max_size=3).map(tuple),
    huge_bytes=st.just(20_000),
)


@given(PLANS)
@settings(max_examples=25 if DEEP else 8, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_it_counts_is_what_sql_counts(legacy_database: Database, plan: LegacyPlan) -> None:
    counts = fill(legacy_database, plan)
    assert counts.kinds == counted(legacy_database)
    for table, rows_made in zip(TABLES, (counts.users, counts.children, counts.heroes, counts.stories), strict=True):
        count = sql.SQL("select count(*) from {}").format(sql.Identifier(*table.split(".")))
        assert legacy_database.rows(count)[0]["count"] == rows_made


@pytest.mark.sampled(3)
@pytest.mark.parametrize("share", [0.1, 0.5])
@pytest.mark.parametrize("kind", sorted(set(kinds()) - NATURAL))
def test_each_kind_comes_with_about_its_share_and_alone(legacy_database: Database, kind: str, share: float) -> None:
    rows = 400
    plan = LegacyPlan(rows=rows, profile=Profile.SHORT, nastiness=Nastiness(**{kind: share}), huge_bytes=2_000, block=9)
    made = fill(legacy_database, plan).kinds
    assert made == counted(legacy_database)
    # Five standard deviations, and more where rows come in blocks.
    width = 5 * (share * (1 - share) / rows) ** 0.5 * (3 if kind == "duplicate_time" else 1)
    assert abs(made[kind] / rows - share) <= width
    assert {other for other in made if made[other]} - NATURAL == {kind}


@pytest.mark.parametrize("kind", sorted(NATURAL))
def test_what_tidy_stories_lack_too_is_lacking_more_often(legacy_database: Database, kind: str) -> None:
    tidy = fill(legacy_database, LegacyPlan(rows=400, nastiness=Nastiness(), profile=Profile.SHORT)).kinds
    some = fill(legacy_database, LegacyPlan(rows=400, nastiness=Nastiness(**{kind: 0.5}), profile=Profile.SHORT)).kinds
    everything = fill(legacy_database, LegacyPlan(rows=9, nastiness=Nastiness(**{kind: 1}))).kinds
    expected = tidy[kind] + (400 - tidy[kind]) / 2
    assert abs(some[kind] - expected) < 50
    assert everything[kind] == 9


def test_a_share_of_all_kinds_together(legacy_database: Database) -> None:
    plan = LegacyPlan(rows=5_000, profile=Profile.SHORT, nastiness=Nastiness.spread(0.2), block=9)
    made = fill(legacy_database, plan).kinds
    spoilt = 0.2 * plan.rows * len(set(kinds()) - NATURAL) / len(kinds())
    assert 0.8 * spoilt < sum(rows for kind, rows in made.items() if kind not in NATURAL) < 1.2 * spoilt
    assert all(rows for kind, rows in made.items() if kind not in {*RARE, "null_story_type"})


def test_every_story_has_one_time_when_all_are_duplicates(legacy_database: Database) -> None:
    plan = LegacyPlan(rows=60, nastiness=Nastiness(duplicate_time=1), block=4)
    assert fill(legacy_database, plan).kinds["duplicate_time"] >= 59
    blocks = legacy_database.rows("select count(*) from tales.stories group by created_at")
    assert {block["count"] for block in blocks} <= {1, 2, 3, 4}


def test_a_story_without_a_type_needs_a_column_that_allows_it(legacy_database: Database) -> None:
    not_null = "select is_nullable from information_schema.columns where column_name = 'story_type'"
    fill(legacy_database, LegacyPlan(rows=9, nastiness=Nastiness.each(1)))
    assert legacy_database.rows(not_null) == [{"is_nullable": "NO"}]
    made = fill(legacy_database, LegacyPlan(rows=9, nastiness=Nastiness(null_story_type=1)))
    assert made.kinds["null_story_type"] == 9
    assert legacy_database.rows(not_null) == [{"is_nullable": "YES"}]


def test_what_arrives_is_what_was_sent(legacy_database: Database) -> None:
    plan = LegacyPlan(rows=150, seed=5, nastiness=Nastiness.each(0.15), huge_bytes=5_000)
    fill(legacy_database, plan)
    names = sql.SQL(", ").join(
        sql.SQL("{}::text").format(sql.Identifier(column)) for column in COLUMNS if column not in FIXED_TIMES
    )
    arrived = {row["id"]: row for row in legacy_database.rows(sql.SQL("select {} from tales.stories").format(names))}
    for line in Stories(plan, Families(plan)).lines():
        sent = dict(zip(COLUMNS, [_unescaped(field) for field in line.removesuffix(b"\n").split(b"\t")], strict=True))
        row = arrived.pop(_with_hyphens(sent["id"]))
        for column, value in row.items():
            if column in {"full_response", "generation_info"}:
                assert _parsed(value) == _parsed(sent[column])
            elif column.endswith("id"):
                assert value == _with_hyphens(sent[column])
            else:
                assert value == sent[column]
    assert not arrived


def _unescaped(field: bytes) -> str | None:
    """A field of COPY, read by the rules of PostgreSQL's manual."""
    if field == rb"\N":
        return None
    escapes = {ord("n"): b"\n", ord("r"): b"\r", ord("t"): b"\t", ord("\\"): b"\\"}
    parts, rest = [], field
    while b"\\" in rest:
        plain, _, rest = rest.partition(b"\\")
        parts += [plain, escapes[rest[0]]]
        rest = rest[1:]
    return b"".join([*parts, rest]).decode()


def _parsed(document: str | None) -> Any:
    """Numbers as `numeric` has them: JSONB keeps their scale, and writes no exponent."""
    return document and json.loads(document, parse_float=_number, parse_int=_number)


def _number(digits: str) -> str:
    number = f"{Decimal(digits):f}"
    # `numeric` knows no negative zero.
    return number.removeprefix("-") if not Decimal(digits) else number


def _with_hyphens(digits: str | None) -> str | None:
    return digits and "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def test_realistic_stories_have_the_sizes_of_real_ones(legacy_database: Database) -> None:
    counts = fill(legacy_database, LegacyPlan(rows=5_000, nastiness=Nastiness()))
    (sizes,) = legacy_database.rows("""
        select min(octet_length(content)) as shortest, max(octet_length(content)) as longest,
            min(octet_length(full_response::text)) as least, max(octet_length(full_response::text)) as most,
            sum(pg_column_size(content))::float8 / sum(octet_length(content)) as compressed,
            count(distinct user_id) as users,
            max(stories) as most_of_one, count(distinct content) as different
        from (select *, count(*) over (partition by user_id) as stories from tales.stories) as s
    """)
    assert 1_000 < sizes["shortest"] < 3_000
    assert 7_000 < sizes["longest"] < 10_000
    assert 1_500 < sizes["least"] < 4_000
    assert 14_000 < sizes["most"] < 25_000
    # What PostgreSQL makes of real prose: between a third and two thirds.
    assert 0.35 < sizes["compressed"] < 0.7
    assert sizes["different"] == 5_000
    assert counts.users == 125
    assert sizes["most_of_one"] > 5 * 5_000 / 125
    assert sizes["users"] > 100


def test_a_plan_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="share"):
        Nastiness(orphan=1.5)
    with pytest.raises(ValueError, match="family"):
        LegacyPlan(rows=1, users=0)
    with pytest.raises(ValueError, match="xx"):
        LegacyPlan(rows=1, languages=("xx",))
    with pytest.raises(ValueError, match="skew"):
        LegacyPlan(rows=1, skew=1)


def test_one_transaction_when_the_caller_is_in_one(legacy_database: Database) -> None:
    with psycopg.connect(legacy_database.owner_url) as connection:
        fill_legacy(connection, LegacyPlan(rows=5))
        connection.rollback()
    assert legacy_database.rows("select from tales.stories") == []
