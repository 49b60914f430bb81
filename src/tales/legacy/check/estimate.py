"""How long the migration takes and what room it needs, from a sample that is measured on the database itself.

The check may not write, so it times what can be done without: it reads a sample of whole blocks, takes the moved
columns off the disk, and computes what the migration computes for each story (its generation id, the generated columns,
a checksum). The migration took 4.1 to 5.8 times as long a story as that, at 10,000 and 100,000 stories of 6 kB, with
and without waiting for the disk. What the sample cannot know is why the result is a range, and may still be wrong: a
sample that was in memory already, a disk that is slower the more others write, extra triggers and indexes, and a
migration that is throttled for the sake of others.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, text

from tales.legacy.report import Estimate, Finding, Severity

# What one story costs, in times of what it costs in the sample.
_SLOWER = (3.0, 12.0)
# Seconds a story, whatever the sample says: eight index entries, four checks of keys, a row written and one rewritten.
_LEAST_A_ROW = (0.00005, 0.0005)

# Bytes a story beside the moved columns: a generation's ids and times, TOAST's own, and its entries in eight indexes.
# 930 were measured.
_FIXED_BYTES = (700, 1100)
# A story that is linked is written anew beside the old one, in times of the table without TOAST and of its indexes:
# all of it, unless autovacuum frees the room of the first batches for the last. 0.4 was measured.
_REWRITTEN = (0.2, 1.2)
# What goes into the write-ahead log, in times of what goes into tables. 1.2 was measured, and 1.7 with page images.
_LOGGED = (1.0, 3.0)

_SAMPLE = text("""
    select count(*) as rows, coalesce(avg(moved), 0)::float as moved, max(length(computed)) as computed
    from (
        select
            coalesce(pg_column_size(s.model_used), 0) + coalesce(pg_column_size(s.full_response), 0)
                + coalesce(pg_column_size(s.generation_info), 0) + coalesce(pg_column_size(s.story_type), 0)
                + coalesce(pg_column_size(s.moral), 0) + coalesce(pg_column_size(s.hero_appearance), 0)
                + coalesce(pg_column_size(s.relationship_description), 0) + 4 as moved,
            md5(concat_ws('|', s.model_used, s.full_response, s.generation_info, s.story_type, s.story_length,
                s.moral, s.hero_appearance, s.relationship_description))
                || sha256(convert_to('tales:migrated-generation:' || s.id, 'UTF8'))
                || concat_ws('|', s.full_response -> 'usage' ->> 'prompt_tokens',
                    s.full_response -> 'usage' ->> 'completion_tokens', s.full_response -> 'usage' ->> 'cost',
                    s.full_response ->> 'provider', s.full_response ->> 'model') as computed
        from tales.stories as s tablesample system (:percent) repeatable (1)
    ) as sample
""")
_SIZES = text("""
    select pg_total_relation_size('tales.stories') as total, pg_relation_size('tales.stories') as main,
        pg_indexes_size('tales.stories') as indexes
""")
# Hidden from roles that may not read all settings; over a socket the server is on this machine.
_DATA_FOLDER = text("""
    select setting from pg_settings where name = 'data_directory' and inet_server_addr() is null
""")


def estimate(connection: Connection, rows: int, sample_rows: int) -> Estimate:
    """The whole of it for `rows` stories, of which about `sample_rows` are read."""
    sizes = connection.execute(_SIZES).one()
    percent = min(100.0, 100.0 * sample_rows / max(rows, 1))
    began = time.perf_counter()
    sample = connection.execute(_SAMPLE, {"percent": percent}).one()
    seconds = time.perf_counter() - began
    if sample.rows == 0 and rows:
        return estimate(connection, rows, rows)
    a_row = seconds / max(sample.rows, 1)
    new_low, new_high = (
        int(rows * (sample.moved + fixed) + rewritten * (sizes.main + sizes.indexes))
        for fixed, rewritten in zip(_FIXED_BYTES, _REWRITTEN, strict=True)
    )
    return Estimate(
        rows=rows,
        sampled_rows=sample.rows,
        sample_seconds=seconds,
        seconds=(
            rows * max(a_row * _SLOWER[0], _LEAST_A_ROW[0]),
            rows * max(a_row * _SLOWER[1], _LEAST_A_ROW[1]),
        ),
        stories_bytes=sizes.total,
        moved_bytes_a_row=sample.moved,
        new_bytes=(new_low, new_high),
        wal_bytes=(int(new_low * _LOGGED[0]), int(new_high * _LOGGED[1])),
        free_bytes=_free_bytes(connection),
    )


def judge_room(found: Estimate) -> Iterator[Finding]:
    """Whether the disk is large enough, where that can be known."""
    needed = found.new_bytes[1] + found.wal_bytes[1]
    if found.free_bytes is not None and found.free_bytes < needed:
        sentence = (
            f"The disk has {found.free_bytes / 1e9:.1f} GB left, and the migration may need {needed / 1e9:.1f} GB. "
            "Make room first."
        )
        yield Finding("disk_short", Severity.WARNING, sentence)


def _free_bytes(connection: Connection) -> int | None:
    folder = connection.execute(_DATA_FOLDER).scalar()
    try:
        return shutil.disk_usage(Path(folder)).free if folder else None
    except OSError:
        return None
