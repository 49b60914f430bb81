"""What goes on in the database right now, and would block the migration or be hurt by it. No statement is quoted."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, text

from tales.legacy.report import Finding, Severity

_TRANSACTIONS = text("""
    select pid, usename, coalesce(state, 'unknown') as state, extract(epoch from now() - xact_start)::int as seconds
    from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()
        and now() - xact_start > make_interval(secs => :seconds)
    order by xact_start
    limit 10
""")
# To others than pg_monitor and the like, the sessions of other roles show nothing but that they are there.
_CONCEALED = text("""
    select count(*)
    from pg_stat_activity
    where datname = current_database() and backend_type is null
""")
_PREPARED = text("""
    select quote_literal(gid) as gid, extract(epoch from now() - prepared)::int as seconds
    from pg_prepared_xacts
    where database = current_database()
    order by prepared
    limit 10
""")
_SLOTS = text("""
    select slot_name, active, slot_type, pg_wal_lsn_diff(
        case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end, restart_lsn
    )::bigint as behind
    from pg_replication_slots
    order by slot_name
""")
_STANDBYS = text("""
    select coalesce(nullif(application_name, ''), pid::text) as name, extract(epoch from replay_lag)::int as seconds
    from pg_stat_replication
    order by 1
""")
# Weaker ones are those of every reader and writer: only when they last, and then they are long transactions.
_LOCKS = text("""
    select l.pid, l.mode, c.oid::regclass::text as name
    from pg_locks as l
    join pg_class as c on c.oid = l.relation
    where l.database = (select oid from pg_database where datname = current_database())
        and c.relnamespace = to_regnamespace('tales') and c.relname in ('stories', 'children', 'heroes')
        and l.granted and l.pid is distinct from pg_backend_pid()
        and l.mode not in ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')
    order by 3, 1
    limit 10
""")
_MUCH_LOG = 1024**3
"""Bytes of write-ahead log that a slot holds back."""
_LONG_LAG = 10
"""Seconds; the migration itself pauses while a replica is further behind."""


def watch_activity(connection: Connection, long_transaction: float) -> Iterator[Finding]:
    """Transactions older than `long_transaction` seconds, locks, replicas."""
    for row in connection.execute(_TRANSACTIONS, {"seconds": long_transaction}):
        sentence = (
            f"Process {row.pid} ({row.usename}, {row.state}) has had a transaction open for {row.seconds} s. "
            "The migration waits for it where it needs a lock or builds an index."
        )
        end = (f"select pg_terminate_backend({row.pid});",)
        yield Finding("long_transaction", Severity.WARNING, sentence, end)
    if concealed := connection.execute(_CONCEALED).scalar_one():
        sentence = f"{concealed} sessions cannot be looked at: this role is no member of pg_read_all_stats."
        yield Finding("sessions_concealed", Severity.NOTE, sentence, ("grant pg_read_all_stats to current_user;",))
    for row in connection.execute(_PREPARED):
        yield prepared_transaction(row.gid, row.seconds)
    for row in connection.execute(_SLOTS):
        if not row.active or (row.behind or 0) > _MUCH_LOG:
            held = "an unknown amount" if row.behind is None else f"{row.behind / 1024**2:.0f} MB"
            state = "is slow" if row.active else "is used by nobody"
            sentence = (
                f"The {row.slot_type} replication slot {row.slot_name} {state} and holds back {held} of write-ahead "
                "log. All that the migration writes comes on top."
            )
            yield Finding("slot_behind", Severity.WARNING, sentence)
    for row in connection.execute(_STANDBYS):
        if (row.seconds or 0) > _LONG_LAG:
            yield lagging_standby(row.name, row.seconds)
    for row in connection.execute(_LOCKS):
        sentence = f"Process {row.pid} holds {row.mode} on {row.name} now."
        yield Finding("locked", Severity.WARNING, sentence)


def prepared_transaction(gid: str, seconds: int) -> Finding:
    """A transaction that was prepared and forgotten; `gid` is quoted as in SQL."""
    sentence = f"The prepared transaction {gid} has been open for {seconds} s, and keeps its locks until it is ended."
    return Finding("prepared_transaction", Severity.WARNING, sentence, (f"rollback prepared {gid};",))


def lagging_standby(name: str, seconds: int) -> Finding:
    """A replica that is behind by `seconds`."""
    sentence = f"The standby {name} is {seconds} s behind. The migration pauses while it is further behind than 10 s."
    return Finding("standby_behind", Severity.WARNING, sentence)
