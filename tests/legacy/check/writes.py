"""What an operator may have put beside the tables: what refuses or changes the service's writes, and what does not."""

from __future__ import annotations


def trigger(
    body: str, fires: str = "before insert", table: str = "stories", each: str = "row", kind: str = "trigger"
) -> tuple[str, ...]:
    """Statements that put a trigger `t` with this body on a table."""
    return (
        f"create function tales.f() returns trigger language plpgsql as $$ {body} $$",
        f"create {kind} t {fires} on tales.{table} {{}} for each {each} execute function tales.f()".format(
            "deferrable initially deferred" if kind != "trigger" else ""
        ),
    )


RAISE = "begin raise exception 'no'; end"

REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "a trigger that fails": (trigger(RAISE), "trigger t on tales.stories"),
    "a trigger that fails for a user who signed in": (
        trigger("begin if auth.uid() is not null then raise exception 'no'; end if; return new; end", table="heroes"),
        "trigger t on tales.heroes",
    ),
    "a trigger that fails for whoever has not signed in": (
        trigger("begin if auth.uid() is null then raise exception 'no'; end if; return new; end"),
        "trigger t on tales.stories",
    ),
    "a trigger of a statement": (
        trigger(RAISE, "after insert", "children", "statement"),
        "trigger t on tales.children",
    ),
    "a trigger at the end of a transaction": (
        trigger(RAISE, "after insert", "stories", kind="constraint trigger"),
        "trigger t on tales.stories",
    ),
    "a trigger of a change": (trigger(RAISE, "before update", "heroes"), "trigger t on tales.heroes"),
    "a trigger of a rating": (trigger(RAISE, "before update of rating"), "trigger t on tales.stories"),
    "a trigger of a deletion": (trigger(RAISE, "before delete", "children"), "trigger t on tales.children"),
    "a trigger that is felt when a child is forgotten": (
        trigger(
            "begin if old.child_id is not null and new.child_id is null then raise exception 'no'; end if;"
            " return new; end",
            "before update",
        ),
        "trigger t on tales.stories",
    ),
    "a trigger that names a table without its schema": (
        (
            "create table tales.log (what text)",
            *trigger("begin insert into log values (tg_op); return new; end", "after insert", "children"),
            "alter function tales.f() security definer",
        ),
        "trigger t on tales.children",
    ),
    "a trigger whose own write is refused": (
        (
            "create table tales.log (what text check (what <> 'INSERT'))",
            *trigger("begin insert into tales.log values (tg_op); return new; end", "after insert", "heroes"),
            "alter function tales.f() security definer",
        ),
        "trigger t on tales.heroes",
    ),
    "an exclusion constraint": (
        ("alter table tales.stories add constraint once exclude using btree (title with =)",),
        "exclusion constraint once on tales.stories",
    ),
    "an index that holds no long text": (
        ("create index by_text on tales.stories (content)",),
        "index tales.by_text",
    ),
    "a check of the alphabet": (
        ("alter table tales.children add constraint latin check (name ~ '^[A-Za-z ]+$')",),
        "check latin on tales.children",
    ),
    "a check of bytes": (
        ("alter table tales.heroes add constraint small check (octet_length(appearance) <= 1000)",),
        "check small on tales.heroes",
    ),
}  # fmt: skip
"""By kind: what makes it, and what it is called. What is read out of the catalog alone says nothing of these."""

CHANGED: dict[str, tuple[tuple[str, ...], str, str]] = {
    "a trigger that takes the user of the session": (
        trigger("begin new.user_id := auth.uid(); return new; end"),
        "write_changed",
        "changes user_id",
    ),
    "a trigger that cuts the text": (
        trigger("begin new.content := left(new.content, 500); return new; end"),
        "write_changed",
        "changes content",
    ),
    "a trigger that changes a title afterwards": (
        (
            *trigger("begin update tales.stories set title = 'x' where id = new.id; return new; end", "after insert"),
            "alter function tales.f() security definer",
        ),
        "write_changed",
        "changes title",
    ),
    "a trigger that gives another id": (
        trigger("begin new.id := gen_random_uuid(); return new; end"),
        "write_lost",
        "vanish",
    ),
    "a trigger that drops the row": (
        trigger("begin new := null; return new; end"),
        "write_lost",
        "vanish",
    ),
    "a trigger that drops a change": (
        trigger("begin return old; end", "before update"),
        "write_lost",
        "a change of a story come to nothing",
    ),
    "a trigger that drops a deletion": (
        trigger("declare gone tales.stories; begin gone := null; return gone; end", "before delete"),
        "write_lost",
        "the deletion of a story come to nothing",
    ),
}
"""By kind: what makes it, how it is found, and what it is said to do."""

HARMLESS: dict[str, tuple[str, ...]] = {
    "a time": trigger("begin new.updated_at := now(); return new; end", "before insert or update"),
    "a column of its own": (
        "alter table tales.stories add column words integer not null default 0",
        *trigger("begin new.words := length(new.content); return new; end", "before insert or update"),
    ),
    "outer white space": trigger("begin new.title := btrim(new.title); return new; end"),
    "the user of a child": trigger("begin new.user_id := auth.uid(); return new; end", table="children"),
    "a log": (
        "create table tales.log (what text)",
        *trigger("begin insert into tales.log values (tg_op); return new; end", "after insert or update"),
        "alter function tales.f() security definer set search_path = tales, pg_temp",
    ),
    "other rows": trigger("begin if new.rating = 1 then raise exception 'no'; end if; return new; end"),
    "columns that must be filled": (
        "create type tales.mood as enum ('calm', 'wild')",
        "alter table tales.children add column school text not null default 'x' check (school <> '')",
        "alter table tales.children add column mood tales.mood not null default 'calm'",
        "alter table tales.children add column tags text[] not null default '{}'",
        "alter table tales.children add column born date not null default now()",
        *(f"alter table tales.children alter {name} drop default" for name in ("school", "mood", "tags", "born")),
    ),
    "a story by somebody": (
        "create table tales.authors (id integer primary key)",
        "insert into tales.authors values (7)",
        "alter table tales.stories add column author integer references tales.authors (id)",
    ),
}
"""By what they change: triggers and columns that the old application relies on, and nobody suffers from."""
