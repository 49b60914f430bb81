-- The text of attempts in flight, for clients that follow them from another process than the one that makes the call.
--
-- It lasts as long as its attempt is pending; what lasts is the attempt's own response. So the table is unlogged: a
-- write waits for no disk, and what a crash of the server loses is shown again once the attempt has ended. Only the
-- service reaches it. It has no foreign key to generations: the check would lock the attempt for every piece of text,
-- and write that lock into the log.

create unlogged table tales.live_text (
    generation_id uuid not null,
    attempt_number integer not null,
    begins_at integer not null,
    text text not null,

    constraint live_text_pkey primary key (generation_id, attempt_number, begins_at),
    constraint live_text_begins_at_not_negative check (begins_at >= 0)
);

-- Not forced: when attempts are erased, their text goes in the owner's name, whoever erases them.
alter table tales.live_text enable row level security;

create policy "the service reads live text" on tales.live_text
    for select to service_role using (true);
create policy "the service adds live text" on tales.live_text
    for insert to service_role with check (true);
create policy "the service completes live text" on tales.live_text
    for update to service_role using (true) with check (true);
create policy "the service removes live text" on tales.live_text
    for delete to service_role using (true);

grant select, insert, update, delete on tales.live_text to service_role;

create function tales.forget_live_text() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    delete from tales.live_text as t using erased
    where t.generation_id = erased.generation_id and t.attempt_number = erased.attempt_number;
    return null;
end
$$;

create trigger generations_forget_live_text after delete on tales.generations
    referencing old table as erased
    for each statement execute function tales.forget_live_text();

-- A user cancels through the service or beside it; the process that makes the call must hear of it. Everything else
-- the workers tell themselves, many attempts at once: every NOTIFY holds a lock of the whole cluster until its
-- transaction has reached the disk.
create function tales.tell_of_cancelled_attempt() returns trigger
language plpgsql set search_path = '' as $$
begin
    perform pg_catalog.pg_notify('tales_live', new.generation_id || '/' || new.attempt_number || '!');
    return null;
end
$$;

create trigger generations_tell_of_cancelled_attempt after update of status on tales.generations
    for each row when (old.status = 'pending' and new.error_type = 'cancelled')
    execute function tales.tell_of_cancelled_attempt();

revoke execute on function tales.forget_live_text(), tales.tell_of_cancelled_attempt() from public;
