"""What the database alone can do, by pgbench: over the specification's plain tables, and with our own statements."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.generations.provider import BODY, STORY, TITLE
from benchmarks.measuring import BenchServer
from tales.infrastructure.embedded.cluster import programs

CLIENTS = 8
USERS = 1000
PROMPT = "Write a bedtime story for Mia, who is 6 years old and likes dragons. The moral is kindness. About 600 words."

# As the specification describes them, and the indexes that it names; no policies, no triggers.
_PLAIN = f"""
create table users (id uuid primary key);
insert into users select md5(n::text)::uuid from generate_series(1, {USERS}) as n;
create table generations (
    generation_id uuid, attempt_number integer check (attempt_number >= 1), model_used text not null,
    full_response jsonb, status text not null check (status in ('pending', 'success', 'failed', 'timeout')),
    prompt text not null, user_id uuid not null references users (id) on delete cascade,
    story_type text not null check (story_type in ('child', 'hero', 'combined')), story_length integer,
    hero_appearance text, relationship_description text, moral text not null, error_message text,
    created_at timestamptz default now(), completed_at timestamptz,
    primary key (generation_id, attempt_number)
);
create index on generations (user_id);
create index on generations (status);
create index on generations (created_at);
create index on generations (model_used);
create table stories (
    id uuid primary key default gen_random_uuid(), title text, content text, child_id uuid, hero_id uuid,
    created_at timestamptz default now(), updated_at timestamptz, rating integer,
    user_id uuid references users (id) on delete cascade, generation_id uuid unique, attempt integer,
    foreign key (generation_id, attempt) references generations (generation_id, attempt_number) on delete restrict
);
"""
_PLAIN_SCRIPT = f"""\\set r random(1, {USERS})
select md5(:r::text)::uuid as user_id, gen_random_uuid() as id \\gset
insert into generations (generation_id, attempt_number, model_used, status, prompt, user_id, story_type, story_length,
    moral) values (':id', 1, 'bench/story', 'pending', %(prompt)s, ':user_id', 'child', 5, 'kindness');
begin;
update generations set status = 'success', completed_at = now(), full_response = %(response)s
where generation_id = ':id' and attempt_number = 1;
insert into stories (title, content, user_id, generation_id, attempt)
values (%(title)s, %(story)s, ':user_id', ':id', 1);
commit;
"""
# What a request and an answer have beside their ids.
_OWN_SCRIPT = """select * from bench.asked(:batch) \\gset
select count(*) from tales.enqueue_attempts(:requests::jsonb);
select count(*) from tales.finish_attempts(:results::jsonb);
"""
_OWN = f"""
create schema if not exists bench;
grant usage on schema bench to tales_app;
create table bench.families as select u.id as user_id, gen_random_uuid() as child_id
from (select gen_random_uuid() as id from generate_series(1, {USERS})) as u;
insert into auth.users (id) select user_id from bench.families;
insert into tales.children (id, user_id, name, age) select child_id, user_id, 'Mia', 6 from bench.families;
grant select on bench.families to tales_app;
create table bench.answer (request jsonb, result jsonb);
grant select on bench.answer to tales_app;
create function bench.asked(batch integer, out requests text, out results text) language sql volatile as $$
    select
        jsonb_agg(a.request || jsonb_build_object('generation_id', f.id, 'user_id', f.user_id, 'child_id', f.child_id,
            'claims', jsonb_build_object('sub', f.user_id, 'role', 'authenticated')::text))::text,
        jsonb_agg(a.result || jsonb_build_object('generation_id', f.id, 'user_id', f.user_id,
            'story_id', gen_random_uuid()))::text
    from (
        select *, gen_random_uuid() as id from bench.families where random() < 0.05 limit batch
    ) as f cross join bench.answer as a
$$;
"""


class PlainTables:
    """The limit: the same statements over tables that guarantee next to nothing."""

    def __init__(self, place: BenchServer) -> None:
        place.execute("create database {}", "plain")
        self._url = place.url("plain")
        self._script = place.home / "plain.sql"
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(_PLAIN)
            values = {"prompt": PROMPT, "response": BODY.decode(), "title": TITLE, "story": STORY}
            literals = {name: psycopg.sql.Literal(value).as_string(connection) for name, value in values.items()}
        self._script.write_text(_PLAIN_SCRIPT % literals, encoding="utf-8")

    def measure(self, seconds: float) -> dict[str, Any]:
        """Generations a second."""
        return {"per_second": round(pgbench(self._url, self._script, seconds), 1)}


class OwnStatements:
    """The two statements that a generation needs, as the service sends them: so many generations to a statement."""

    def __init__(self, place: BenchServer, url: str) -> None:
        self._url = url.replace("//postgres@", "//tales_app@", 1)
        self._script = place.home / "own.sql"
        self._script.write_text(_OWN_SCRIPT, encoding="utf-8")
        worker = "00000000-0000-7000-8000-000000000001"
        request = {
            "attempt_number": 1, "model_used": "bench/story", "prompt": PROMPT * 4, "prompt_version": "bench",
            "story_type": "child", "story_length": 5, "moral": "kindness", "language": "en", "queue": "bench",
            "worker_id": worker, "started_at": "2026-01-01T00:00:00Z",
        }  # fmt: skip
        result = {
            "attempt_number": 1, "worker_id": worker, "status": "success", "completed_at": "2026-01-01T00:00:01Z",
            "full_response": json.loads(BODY), "http_status": 200, "provider_generation_id": "gen-1",
            "title": TITLE, "content": STORY,
        }  # fmt: skip
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_OWN)
            connection.execute("insert into bench.answer values (%s, %s)", [json.dumps(request), json.dumps(result)])

    def measure(self, seconds: float, batch: int) -> dict[str, Any]:
        """Generations a second."""
        return {"per_second": round(batch * pgbench(self._url, self._script, seconds, batch=batch), 1)}


def pgbench(url: str, script: Path, seconds: float, **variables: int) -> float:
    """Transactions a second; statements with `variables` are prepared. Raises: RuntimeError when one fails."""
    command = [str(programs() / "pgbench"), "-n", "-f", str(script), "-c", str(CLIENTS), "-j", "1"]
    command += ["-M", "prepared"] if variables else []
    command += ["-T", str(max(1, round(seconds)))]
    command += [part for name, value in variables.items() for part in ("-D", f"{name}={value}")]
    done = subprocess.run([*command, url], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    failed = re.search(r"number of failed transactions: (\d+)", done.stdout)
    if found is None or (failed is not None and failed[1] != "0"):
        raise RuntimeError(done.stdout)
    return float(found[1])
