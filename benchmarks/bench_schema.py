"""What each index, trigger, policy and computed column of generations and stories costs a generation.

`python -m benchmarks.bench_schema [--rounds 5] [--only NAME ...] [--try NAME=SQL ...] [--json FILE]`

A generation is what a story needs of these tables and no more: an attempt is inserted as its user, claimed as the
service, and ended by one commit with its story. pgbench sends that, prepared, from 8 clients. Each variant is a
database of its own without one part; they take turns, so that what else the machine does falls on all of them. Beside
them stands the plain schema of the specification, without roles, policies and claims. Differences of a few hundredths
are noise.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import psutil
import psycopg
from psycopg import sql

from benchmarks.legacy.paragraphs import pool
from benchmarks.measuring import BenchServer, bench_server, say_machine, say_table
from tales.infrastructure.embedded.cluster import programs
from tales.legacy.migrate import migrate_up

CLIENTS = 8
SECONDS = 3
USERS = 1_000
TEXTS = 200
FULL, PLAIN = "as it is", "plain"
"""The two that the others are compared with."""

_PLAIN_SCHEMA = Path(__file__).with_name("plain_schema.sql")
_ATTEMPT = """
insert into tales.generations (generation_id, attempt_number, model_used, status, prompt, user_id, story_type,
    story_length, moral, child_id, language, prompt_version, queue, available_at)
values (:gid, 1, 'openai/gpt-4o-mini', 'pending', :prompt, :uid, 'child', 5, 'kindness', :cid, 'en', 'bedtime-2',
    'bench', now());
"""
_SUCCESS = """
update tales.generations set status = 'success', completed_at = now(), full_response = :response, http_status = 200,
    provider_generation_id = :gid, first_token_at = now()
where generation_id = :gid and attempt_number = 1 and status = 'pending';
insert into tales.stories (id, title, content, user_id, generation_id, generation_attempt, child_id)
values (:sid, 'Mia and the Star Dragon', :content, :uid, :gid, 1, :cid);
"""
_CLAIM = """
update tales.generations set worker_id = :sid, started_at = clock_timestamp()
where generation_id = :gid and attempt_number = 1 and status = 'pending' and worker_id is null;
"""
# The specification's tables have no such columns.
_FOR_PLAIN = re.compile(
    r", child_id, language, prompt_version, queue, available_at|, :cid, 'en', 'bedtime-2',\n    'bench', now\(\)|"
    r", child_id|, :cid|"
    r", http_status = 200,\n    provider_generation_id = :gid, first_token_at = now\(\)"
)
_BEGIN = """
\\set user random(1, {users})
\\set text random(1, {texts})
select u.id as uid, u.child_id as cid, u.claims, t.prompt, t.response, t.content, uuidv7() as gid, uuidv7() as sid
from bench.users as u, bench.texts as t where u.n = :user and t.n = :text \\gset
"""
_AS_USER = "select set_config('request.jwt.claims', :claims, true), set_config('role', 'tales_requester', true);\n"
_AS_SERVICE = (
    "select set_config('request.jwt.claims', '{\"role\": \"service_role\"}', true),"
    " set_config('role', 'service_role', true);\n"
)
_FILL = """
create schema bench;
create table bench.users (n integer primary key, id uuid, child_id uuid, claims text);
create table bench.texts (n integer primary key, prompt text, response jsonb, content text);
grant usage on schema bench to tales_app;
grant select on all tables in schema bench to tales_app;
insert into bench.users select n, uuidv7(), uuidv7() from generate_series(1, {users}) as n;
update bench.users set claims = json_build_object('sub', id, 'role', 'authenticated', 'app_metadata', '{{}}'::json);
insert into auth.users (id) select id from bench.users;
"""
_CHILDREN = "insert into tales.children (id, user_id, name, age) select child_id, id, 'Mia', 6 from bench.users"
_TABLES = "('tales.generations'::regclass, 'tales.stories'::regclass)"
# What may be missing, by kind: whatever is in the catalog, each by itself and then all of a kind.
_PARTS = {
    "index": f"""
        select relname, format('drop index %s', indexrelid::regclass)
        from pg_index join pg_class as c on c.oid = indexrelid
        where indrelid in {_TABLES} and not exists (select from pg_constraint where conindid = indexrelid)
    """,
    "trigger": f"""
        select tgname, format('drop trigger %I on %s', tgname, tgrelid::regclass) from pg_trigger
        where tgrelid in {_TABLES} and not tgisinternal
    """,
    "foreign key": f"""
        select conname, format('alter table %s drop constraint %I', conrelid::regclass, conname) from pg_constraint
        where conrelid in {_TABLES} and contype = 'f'
    """,
    "computed column": f"""
        select attname, format('alter table %s drop column %I', attrelid::regclass, attname) from pg_attribute
        where attrelid in {_TABLES} and attgenerated <> '' and not attisdropped
    """,
    "check": f"""
        select conname, format('alter table %s drop constraint %I', conrelid::regclass, conname) from pg_constraint
        where conrelid in {_TABLES} and contype = 'c'
    """,
    "row-level security": f"""
        select relname, format('alter table %s disable row level security', oid::regclass) from pg_class
        where oid in {_TABLES}
    """,
}
_TOGETHER = ("check",)
"""Too many, and too small, to be measured one by one."""


@dataclass(slots=True)
class Variant:
    """One form of the schema, as a database, and what it reached."""

    name: str
    change: str
    rates: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    wal_bytes: list[float] = field(default_factory=list)

    @property
    def medians(self) -> tuple[float, float, float]:
        """Of its rounds: generations a second, the server's own milliseconds and bytes of log for each."""
        return statistics.median(self.rates), statistics.median(self.cpu_ms), statistics.median(self.wal_bytes)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_schema", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="parts whose names hold one of these")
    parser.add_argument("--try", nargs="+", default=[], dest="tried", metavar="NAME=SQL", help="changes to try")
    parser.add_argument("--json", type=Path, help="where to keep every figure of every round")
    options = parser.parse_args()
    with bench_server() as place:
        say_machine(place)
        # Pages that are written whole after a checkpoint, and vacuums, would fall on one part by chance.
        for name, value in (("full_page_writes", "off"), ("autovacuum", "off"), ("checkpoint_timeout", "1h")):
            place.execute(f"alter system set {name} = '{value}'")
        place.execute("select pg_reload_conf()")
        _make_template(place)
        variants = [
            Variant(FULL, ""),
            Variant(PLAIN, _PLAIN_SCHEMA.read_text(encoding="utf-8")),
            *(part for part in _parts(place) if not options.only or any(name in part.name for name in options.only)),
            *(Variant(*change.split("=", 1)) for change in options.tried),
        ]
        for variant in variants:
            _make(place, variant)
        for number in range(options.rounds + 1):
            for variant in variants:
                # The first round warms up: it touches every page for the first time.
                _measure(place, variant, options.seconds, counts=number > 0)
    _say(variants, options.rounds, options.json)


def _make_template(place: BenchServer) -> None:
    place.execute("create database {}", "template_bench")
    migrate_up(place.url("template_bench"))
    random = Random(1)
    paragraphs = [piece.text.decode().replace("\\", "") for piece in pool("en", 2_000).paragraphs]
    with psycopg.connect(place.url("template_bench"), autocommit=True) as connection:
        connection.execute("alter role tales_app login")
        for statement in _FILL.format(users=USERS).strip().split(";\n"):
            connection.execute(statement)
        connection.execute(_CHILDREN)
        with connection.cursor() as cursor:
            cursor.executemany(
                "insert into bench.texts values (%s, %s, %s, %s)",
                [(number, *_text(random, paragraphs)) for number in range(1, TEXTS + 1)],
            )
        connection.execute("vacuum analyze")


def _text(random: Random, paragraphs: list[str]) -> tuple[str, str, str]:
    """A prompt of 1 kB, and a response of 3 kB with its story."""
    prompt, content = "", ""
    while len(prompt) < 1_000:
        prompt += random.choice(paragraphs)
    while len(content) < 2_500:
        content += random.choice(paragraphs)
    response = {
        "id": f"gen-{random.getrandbits(60)}",
        "model": "openai/gpt-4o-mini",
        "provider": "OpenAI",
        "usage": {"prompt_tokens": 120, "completion_tokens": 600, "cost": 0.00038},
        "choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": content[:2_500]}}],
    }
    return prompt[:1_000], json.dumps(response), content[:2_500]


def _parts(place: BenchServer) -> Iterator[Variant]:
    with psycopg.connect(place.url("template_bench"), autocommit=True) as connection:
        for kind, query in _PARTS.items():
            found = connection.execute(sql.SQL(query + " order by 1")).fetchall()
            if kind not in _TOGETHER:
                yield from (Variant(f"{kind} {name}", change) for name, change in found)
            yield Variant(f"{kind}, all {len(found)}", ";".join(change for _, change in found))


def _database(variant: Variant) -> str:
    return "bench_" + re.sub(r"\W", "_", variant.name)[:50]


def _make(place: BenchServer, variant: Variant) -> None:
    place.execute("create database {} template template_bench", _database(variant))
    with psycopg.connect(place.url(_database(variant)), autocommit=True) as connection:
        for change in filter(str.strip, variant.change.split(";")):
            connection.execute(sql.SQL(change))
    script = _BEGIN.format(users=USERS, texts=TEXTS)
    if variant.name == PLAIN:
        script += _FOR_PLAIN.sub("", _ATTEMPT + f"begin;\n{_SUCCESS}commit;\n")
    else:
        for statements in (_AS_USER + _ATTEMPT, _AS_SERVICE + _CLAIM, _AS_SERVICE + _SUCCESS):
            script += f"begin;\n{statements}commit;\n"
    (place.home / f"{_database(variant)}.sql").write_text(script, encoding="utf-8")


def _measure(place: BenchServer, variant: Variant, seconds: float, *, counts: bool) -> None:
    database = _database(variant)
    url = psycopg.conninfo.conninfo_to_dict(place.url(database))
    log, cpu = _written(place), _used(place)
    command: list[Any] = [
        *(programs() / "pgbench", "-n", "-M", "prepared", "-c", CLIENTS, "-j", 2, "-T", round(seconds)),
        *("-f", place.home / f"{database}.sql", "-h", url["host"], "-p", url["port"]),
        *("-U", "postgres" if variant.name == PLAIN else "tales_app", database),
    ]
    found = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout
    if not counts:
        return
    number = re.search(r"transactions actually processed: (\d+)", found)
    rate = re.search(r"tps = ([\d.]+)", found)
    assert number is not None, found
    assert rate is not None, found
    variant.rates.append(float(rate[1]))
    variant.cpu_ms.append((_used(place) - cpu) * 1000 / int(number[1]))
    variant.wal_bytes.append((_written(place) - log) / int(number[1]))


def _written(place: BenchServer) -> int:
    with psycopg.connect(place.superuser_url) as connection:
        found = connection.execute("select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint").fetchone()
    assert found is not None
    return int(found[0])


def _used(place: BenchServer) -> float:
    """Seconds of processor time that the server's sessions have taken, up to the last one that has ended."""
    with psycopg.connect(place.superuser_url) as connection:
        found = connection.execute("select split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::integer").fetchone()
    assert found is not None
    times = psutil.Process(found[0]).cpu_times()
    return float(times.children_user + times.children_system)


def _say(variants: list[Variant], rounds: int, file: Path | None) -> None:
    (rate, cpu, log), (plain, *_) = variants[0].medians, variants[1].medians
    print(f"{rounds} rounds, {CLIENTS} clients, prepared; medians. Without each of these:\n")
    say_table(
        ("without", "generations/s", "spread", "of the whole's", "of plain's", "CPU, ms", "", "log, bytes", ""),
        [
            (
                variant.name,
                f"{(own := variant.medians)[0]:,.0f}",
                f"{min(variant.rates):,.0f} to {max(variant.rates):,.0f}",
                f"{own[0] / rate:.2f}",
                f"{own[0] / plain:.2f}",
                f"{own[1]:.2f}",
                f"{own[1] - cpu:+.2f}",
                f"{own[2]:,.0f}",
                f"{own[2] - log:+,.0f}",
            )
            for variant in variants
        ],
    )
    if file is not None:
        figures = [
            {"without": v.name, "rates": v.rates, "cpu_ms": v.cpu_ms, "wal_bytes": v.wal_bytes} for v in variants
        ]
        file.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
