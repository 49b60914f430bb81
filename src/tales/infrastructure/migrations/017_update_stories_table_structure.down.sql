-- Stories hold again what the legacy table held. What it cannot hold (other attempts, prompts) goes to an archive,
-- from which 016 brings it back. Also from the middle of 017: then the old columns are there still, and as they
-- should be.

-- Nothing is put back where the way down was given up.
do $$
begin
    if to_regclass('tales_migration.dropped_columns') is null
        and exists (select from tales.generations where origin = 'migrated')
    then
        raise exception 'the way down was given up by `tales migrate finish`: what stories held before is not kept'
            using errcode = 'object_not_in_prerequisite_state';
    end if;
end
$$;

alter table tales.stories no force row level security;
alter table tales.generations no force row level security;
alter table tales.children no force row level security;
alter table tales.heroes no force row level security;

-- A database that never held a legacy story keeps nothing of one: its columns are those of 005 to 010.
create schema if not exists tales_migration;
create table if not exists tales_migration.forced_tables (table_name text);
create table if not exists tales_migration.muted_triggers (trigger_name text primary key, is_always boolean);
create table if not exists tales_migration.dropped_with_columns (made oid, statement text);
create table if not exists tales_migration.saved_originals (
    story_id uuid not null,
    column_name text not null,
    old_value jsonb,
    primary key (story_id, column_name)
);
do $$
begin
    if to_regclass('tales_migration.dropped_columns') is null then
        create table tales_migration.dropped_columns as
        select * from (values
            (1, 'model_used', 'text', false, null, array[]::text[]),
            (2, 'full_response', 'jsonb', false, null, '{}'),
            (3, 'generation_info', 'jsonb', false, null, '{}'),
            (4, 'story_type', 'text', true, '''child''::text', '{}'),
            (5, 'story_length', 'integer', false, null, '{}'),
            (6, 'moral', 'text', false, null, '{}'),
            (7, 'hero_appearance', 'text', false, null, '{}'),
            (8, 'relationship_description', 'text', false, null, '{}')
        ) as columns (position, column_name, type, is_not_null, default_value, statements);
    end if;
end
$$;

create table if not exists tales.generations_archive (
    like tales.generations,
    story_id uuid,
    foreign key (user_id) references auth.users (id) on delete cascade,
    foreign key (child_id) references tales.children (id) on delete set null,
    foreign key (hero_id) references tales.heroes (id) on delete set null
);
create index if not exists generations_archive_story_id_idx on tales.generations_archive (story_id);
alter table tales.generations_archive enable row level security;
alter table tales.generations_archive replica identity full;

delete from tales.generations_archive;
insert into tales.generations_archive
select g.*, s.id
from tales.generations as g
left join tales.stories as s on s.generation_id = g.generation_id and s.generation_attempt = g.attempt_number
where g.origin = 'live' or s.id is null or g.reconciled_cost_usd is not null;

-- What keeps both applications' writes in step goes first, where `tales migrate` has made it: nothing of this is a
-- write of an application.
drop trigger if exists zz_stories_link on tales.stories;
drop trigger if exists zz_stories_keep_own_write on tales.stories;
drop trigger if exists "0_stories_sync" on tales.stories;
drop trigger if exists "0_stories_sync_json" on tales.stories;
drop trigger if exists stories_sync on tales.stories;
drop trigger if exists stories_sync_json on tales.stories;
drop trigger if exists stories_check_attempt on tales.stories;
drop function if exists tales.check_story_attempt();
-- Triggers of others are muted until it is done. The function is that of 016, which a database that never held a
-- legacy story does not have any more.
create or replace function tales_migration.mute_triggers(mute boolean) returns void
language plpgsql set search_path = '' as $$
declare
    found record;
begin
    if not mute then
        for found in delete from tales_migration.muted_triggers returning * loop
            execute format('alter table tales.stories enable %s trigger %I',
                case when found.is_always then 'always' else '' end, found.trigger_name);
        end loop;
        return;
    end if;
    for found in
        select tgname, tgenabled from pg_catalog.pg_trigger
        where tgrelid = 'tales.stories'::regclass and not tgisinternal and tgenabled in ('O', 'A')
    loop
        execute format('alter table tales.stories disable trigger %I', found.tgname);
        insert into tales_migration.muted_triggers values (found.tgname, found.tgenabled = 'A');
    end loop;
end
$$;
select tales_migration.mute_triggers(true);

alter table tales.stories
    alter column user_id drop not null,
    alter column created_at drop not null;

do $$
declare
    legacy record;
    statement text;
begin
    if exists (
        select from pg_catalog.pg_attribute
        where attrelid = 'tales.stories'::regclass and attname = 'model_used' and not attisdropped
    ) then
        return;
    end if;

    for legacy in select * from tales_migration.dropped_columns order by position loop
        execute format('alter table tales.stories add column %I %s', legacy.column_name, legacy.type);
    end loop;

    -- As the attempt has it, or as it was before the migration changed it.
    update tales.stories as s
    set model_used = case when o.saved ? 'model_used' then o.saved ->> 'model_used' else g.model_used end,
        full_response = case when o.saved ? 'full_response'
            then o.saved #> '{full_response,0}' else g.full_response end,
        generation_info = case when o.saved ? 'generation_info'
            then o.saved #> '{generation_info,0}' else g.generation_info end,
        story_type = case when o.saved ? 'story_type' then o.saved ->> 'story_type' else g.story_type end,
        story_length = case when o.saved ? 'story_length'
            then (o.saved ->> 'story_length')::integer else g.story_length end,
        moral = case when o.saved ? 'moral' then o.saved ->> 'moral' else g.moral end,
        hero_appearance = case when o.saved ? 'hero_appearance'
            then o.saved ->> 'hero_appearance' else g.hero_appearance end,
        relationship_description = case when o.saved ? 'relationship_description'
            then o.saved ->> 'relationship_description' else g.relationship_description end
    from tales.stories as t
    join tales.generations as g on g.generation_id = t.generation_id and g.attempt_number = t.generation_attempt
    left join (
        select story_id, jsonb_object_agg(column_name, old_value) as saved
        from tales_migration.saved_originals
        group by story_id
    ) as o on o.story_id = t.id
    where t.id = s.id;

    for legacy in select * from tales_migration.dropped_columns loop
        if legacy.is_not_null then
            begin
                execute format('alter table tales.stories alter column %I set not null', legacy.column_name);
            exception when not_null_violation then
                raise warning 'tales.stories.% stays without NOT NULL: stories have no value there. '
                    'Fill them, then set it yourself.', legacy.column_name;
            end;
        end if;
        if legacy.default_value is not null then
            execute format('alter table tales.stories alter column %I set default %s',
                legacy.column_name, legacy.default_value);
        end if;
        foreach statement in array legacy.statements loop
            begin
                execute statement;
            exception when undefined_object then
                raise warning 'A role that was granted tales.stories.% is gone, and is not granted it again.',
                    legacy.column_name;
            end;
        end loop;
    end loop;
end
$$;

update tales.stories as s set created_at = (o.old_value #>> '{}')::timestamptz
from tales_migration.saved_originals as o
where o.story_id = s.id and o.column_name = 'created_at';

select tales_migration.mute_triggers(false);

-- What went with the columns comes back with them.
do $$
declare
    found record;
begin
    for found in select statement from tales_migration.dropped_with_columns order by made loop
        begin
            execute found.statement;
        exception
            when duplicate_table or duplicate_object then null;
            when others then raise warning 'Not made again: %. %', found.statement, sqlerrm;
        end;
    end loop;
end
$$;

alter table tales.stories
    drop constraint if exists stories_complete,
    drop constraint if exists stories_generation_fkey,
    drop constraint if exists stories_generation_id_key;
drop index if exists tales.stories_generation_id_key;
alter table tales.stories
    drop column if exists generation_id,
    drop column if exists generation_attempt;

-- A column that lost its NOT NULL is NOT NULL again, unless rows that were written since have nothing there.
do $$
declare
    original record;
    empty bigint;
begin
    if to_regclass('tales_migration.relaxed_not_nulls') is null then
        return;
    end if;
    for original in select table_name, column_name from tales_migration.relaxed_not_nulls loop
        execute format('select count(*) from tales.%I where %I is null', original.table_name, original.column_name)
            into empty;
        if empty = 0 then
            execute format('alter table tales.%I alter column %I set not null',
                original.table_name, original.column_name);
        else
            raise warning 'tales.%.% stays without NOT NULL: % rows have no value there. '
                'Fill them, then set it yourself.', original.table_name, original.column_name, empty;
        end if;
    end loop;
    drop table tales_migration.relaxed_not_nulls;
end
$$;

drop table tales_migration.dropped_columns;
drop table tales_migration.dropped_with_columns;
-- Nothing keeps copies in step any more.
drop table if exists tales_migration.progress;
drop function if exists tales_migration.save_differences(uuid[]);
drop function if exists tales_migration.link_archived_stories(uuid[]);
drop function if exists tales_migration.compare_stories();
drop function if exists tales_migration.refuse_differing_stories();
drop function if exists tales_migration.link_written_story();
drop function if exists tales_migration.sync_linked_story();
drop function if exists tales_migration.link_batch(integer);
drop function if exists tales_migration.link_stories(uuid[]);
drop function if exists tales_migration.resolve_batch(integer);
drop function if exists tales_migration.resolve_unlinked(uuid[]);
