-- Every legacy story gets the attempt that wrote it: attempt 1, a success, of origin 'migrated' (decisions 3 to 6).
--
-- This file and 017 are the whole move, for a time when nobody writes stories. `tales migrate up` runs the same rules
-- while others write: src/tales/legacy/sql. What cannot be moved as it is has a rule, or stops the migration. The
-- operator's choices are settings:
--   set tales.orphans = 'quarantine' | 'assign=<user id>'   for stories without a user
--   set tales.invalid = 'null' | 'quarantine'               for values that a check of generations refuses
-- Nothing is lost: what is changed is kept in saved_originals, stories without a place are kept whole, and `down` puts
-- all of it back. What only the move needs is in schema tales_migration, which `tales migrate finish` drops.
--
-- A line `-- step:` begins a part that `tales migrate` runs in a transaction of its own, and does not run again when
-- the migration is resumed. psql takes these lines for comments.

-- step: rules

create schema if not exists tales_migration;

-- What the operator chose for stories that do not fit, and which misfits need no more than that. One row.
create table tales_migration.choices (
    only_row boolean primary key default true check (only_row),
    orphans text not null,
    invalid text not null,
    accepted text[] generated always as (
        case invalid when 'null'
            then array['story_length_not_positive', 'created_at_out_of_range', 'model_used_too_long']
            else array[]::text[] end
    ) stored
);
insert into tales_migration.choices (orphans, invalid)
select coalesce(current_setting('tales.orphans', true), ''), coalesce(current_setting('tales.invalid', true), '');

-- Why a story does not fit into generations, in the words of `tales migrate check`, which reads the rule from this
-- file.
create function tales_migration.misfits(story tales.stories, has_user boolean) returns text[]
language sql stable as $$
    select array_remove(array[
        case when story.user_id is null then 'user_id_missing' when not has_user then 'user_id_unknown' end,
        case when story.story_type is null then 'story_type_missing'
            when story.story_type::text not in ('child', 'hero', 'combined') then 'story_type_unknown' end,
        case when story.story_length <= 0 then 'story_length_not_positive' end,
        -- Infinity, before the year 1, after 9999: no program could show it.
        case when story.created_at not between '0001-01-02Z' and '9999-12-30Z' then 'created_at_out_of_range' end,
        -- An entry of an index has 2,704 bytes; beside the longest `served_model` (029), these are left for this name.
        case when octet_length(story.model_used::text) > 1600 then 'model_used_too_long' end
    ], null)
$$;

-- Whether the owner may see every user. Where it may not, the foreign key of generations decides.
create function tales_migration.sees_users() returns boolean
language sql stable
return has_table_privilege('auth.users', 'select') and not row_security_active('auth.users');

create function tales_migration.is_user(id uuid) returns boolean
language plpgsql stable set search_path = '' as $$
begin
    if id is null or not tales_migration.sees_users() then
        return id is not null;
    end if;
    return exists (select from auth.users as u where u.id = is_user.id);
end
$$;

-- All users that stories may have, at once: to ask for each by itself takes longer than to read both tables.
create function tales_migration.users() returns setof uuid
language plpgsql stable set search_path = '' as $$
begin
    if tales_migration.sees_users() then
        return query select id from auth.users;
    else
        return query select distinct user_id from tales.stories;
    end if;
end
$$;

-- Stop where a story does not fit and the operator did not choose.
create function tales_migration.refuse_misfits() returns void
language plpgsql set search_path = '' as $$
declare
    choice tales_migration.choices;
    found record;
begin
    select * into choice from tales_migration.choices;
    if starts_with(choice.orphans, 'assign=') and not tales_migration.is_user(substring(choice.orphans from 8)::uuid)
    then
        raise exception 'There is no user % to assign stories to. Choose another for --orphans assign=<user id>.',
            substring(choice.orphans from 8) using errcode = 'check_violation';
    end if;

    select
        count(*) filter (where misfit in ('user_id_missing', 'user_id_unknown')) as orphans,
        count(*) filter (where misfit in ('story_type_missing', 'story_type_unknown')) as types,
        count(*) filter (where misfit = 'story_length_not_positive') as lengths,
        count(*) filter (where misfit = 'created_at_out_of_range') as times,
        count(*) filter (where misfit = 'model_used_too_long') as models
    into found
    from tales.stories as s
    left join tales_migration.users() as u on u = s.user_id
    cross join unnest(tales_migration.misfits(s, u is not null)) as misfit;

    if found.orphans > 0 and choice.orphans <> 'quarantine' and not starts_with(choice.orphans, 'assign=') then
        raise exception '% stories have no user. Choose --orphans quarantine or --orphans assign=<user id>.',
            found.orphans using errcode = 'check_violation';
    elsif found.types > 0 and choice.invalid <> 'quarantine' then
        raise exception '% stories have a story_type that is not allowed. Choose --invalid quarantine.', found.types
            using errcode = 'check_violation';
    elsif found.lengths > 0 and choice.invalid not in ('null', 'quarantine') then
        raise exception '% stories have a story_length that is not allowed. '
            'Choose --invalid null or --invalid quarantine.', found.lengths using errcode = 'check_violation';
    elsif found.times > 0 and choice.invalid not in ('null', 'quarantine') then
        raise exception '% stories have a created_at that no calendar has. '
            'Choose --invalid null or --invalid quarantine.', found.times using errcode = 'check_violation';
    elsif found.models > 0 and choice.invalid not in ('null', 'quarantine') then
        raise exception '% stories have a model_used that no index can hold. '
            'Choose --invalid null or --invalid quarantine.', found.models using errcode = 'check_violation';
    end if;
end
$$;

-- step: check

select tales_migration.refuse_misfits();

-- step: prepare

-- Which tables bind their owner to their policies: it moves every family's rows until 017 has ended.
create table tales_migration.forced_tables as
select relname::text as table_name from pg_catalog.pg_class
where relnamespace = 'tales'::regnamespace and relname in ('stories', 'children', 'heroes') and relforcerowsecurity;
alter table tales.stories no force row level security;
alter table tales.generations no force row level security;

-- SHA-256 of a fixed text and the story's id, with the bits of a UUID of version 8 (RFC 9562, section 5.8): every step
-- can be repeated, and none needs a mapping (decision 6). No search_path is set, so that the planner can put the
-- expression in place of a call.
create function tales_migration.uuid_of_version_8(bytes bytea) returns uuid
language sql immutable parallel safe
return encode(set_byte(set_byte(substring(bytes for 16),
    6, get_byte(bytes, 6) & 15 | 128), 8, get_byte(bytes, 8) & 63 | 128), 'hex')::uuid;

create function tales_migration.generation_id_of(story_id uuid) returns uuid
language sql immutable parallel safe
return tales_migration.uuid_of_version_8(sha256(('tales:migrated-generation:' || story_id::text)::bytea));

-- A time that every program can show, or NULL: `misfits` has the same range.
create function tales_migration.valid_time(value timestamptz) returns timestamptz
language sql immutable parallel safe
return case when value between '0001-01-02Z' and '9999-12-30Z' then value end;

-- The name of a model that every index of generations can hold, or NULL: `misfits` has the same limit.
create function tales_migration.valid_model(value text) returns text
language sql immutable parallel safe
return case when octet_length(value) <= 1600 then value end;

-- When a story came about, as its attempt has it.
create function tales_migration.story_time(created_at timestamptz, updated_at timestamptz) returns timestamptz
language sql immutable parallel safe
return coalesce(tales_migration.valid_time(created_at), tales_migration.valid_time(updated_at), 'epoch');

-- What is not as it was in the legacy table, by story and column, with the value that it had there.
create table tales_migration.saved_originals (
    story_id uuid not null,
    column_name text not null,
    old_value jsonb,
    primary key (story_id, column_name)
);

-- What the legacy table could not hold when a migration was taken back (017 down); empty the first time. It is erased
-- with its user, like any other row.
create table if not exists tales.generations_archive (
    like tales.generations,
    story_id uuid,
    foreign key (user_id) references auth.users (id) on delete cascade,
    foreign key (child_id) references tales.children (id) on delete set null,
    foreign key (hero_id) references tales.heroes (id) on delete set null
);
create index if not exists generations_archive_story_id_idx on tales.generations_archive (story_id);
alter table tales.generations_archive enable row level security;
-- It has no key by which a publication of all tables could tell what is deleted.
alter table tales.generations_archive replica identity full;

-- The attempt that each story gets; attempts that an archive has kept come back as they were (017).
create view tales_migration.copies as
select
    s.id as story_id, tales_migration.generation_id_of(s.id) as generation_id, 1 as attempt_number,
    coalesce(tales_migration.valid_model(s.model_used), 'unknown') as model_used, s.full_response,
    'success' as status, s.user_id, s.story_type,
    case when s.story_length > 0 then s.story_length end as story_length, s.hero_appearance,
    s.relationship_description, coalesce(s.moral, 'unknown') as moral,
    tales_migration.story_time(s.created_at, s.updated_at) as created_at,
    tales_migration.story_time(s.created_at, s.updated_at) as completed_at, 'migrated' as origin, s.generation_info,
    c.id as child_id, h.id as hero_id, a.reconciled_cost_usd
from tales.stories as s
left join tales.children as c on c.id = s.child_id
left join tales.heroes as h on h.id = s.hero_id
left join tales.generations_archive as a on a.story_id = s.id and a.user_id = s.user_id
where a.origin is distinct from 'live';

-- What a copy cannot hold as the story has it.
create function tales_migration.originals_of(story tales.stories) returns table (column_name text, old_value jsonb)
language sql stable as $$
    select original.column_name, original.old_value
    from (values
        ('model_used', coalesce(to_jsonb(story.model_used), 'null'),
            tales_migration.valid_model(story.model_used) is null),
        ('moral', 'null', story.moral is null),
        ('created_at', to_jsonb(story.created_at), tales_migration.valid_time(story.created_at) is null),
        ('story_length', to_jsonb(story.story_length), story.story_length <= 0)
    ) as original (column_name, old_value, is_needed)
    where original.is_needed
$$;

-- Whether the migration itself is writing. Its own writes are not those of a user: what keeps copies in step lets them
-- pass, and triggers of others (that set updated_at, say) are muted. Not every role may do the latter: `tales migrate
-- check` says so beforehand. Until the transaction ends, or the session.
create function tales_migration.is_own_write() returns boolean
language sql stable
return coalesce(current_setting('tales.own_write', true) = 'on', false);

create function tales_migration.set_own_write(own boolean, until_session_ends boolean default false) returns void
language plpgsql set search_path = '' as $$
begin
    if own = tales_migration.is_own_write() then
        return;
    end if;
    perform set_config('tales.own_write', case when own then 'on' else 'off' end, not until_session_ends);
    perform set_config('session_replication_role', case when own then 'replica' else 'origin' end,
        not until_session_ends);
exception when insufficient_privilege then
    perform set_config('tales.own_write', case when own then 'on' else 'off' end, not until_session_ends);
end
$$;

-- Mute the triggers of others on stories, and put them back as they were: for a time under a lock, as it is for
-- everybody.
create table tales_migration.muted_triggers (trigger_name text primary key, is_always boolean);
create function tales_migration.mute_triggers(mute boolean) returns void
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

-- Move stories that have no place in the new model, whole, to a table that is made when the first of them comes. They
-- are erased with their user, like any other. By name, as stories may have got columns since.
create function tales_migration.set_aside(ids uuid[], table_name text) returns void
language plpgsql set search_path = '' as $$
declare
    place constant text := format('tales.%I', table_name);
    columns text;
begin
    if cardinality(ids) = 0 then
        return;
    end if;
    if to_regclass(place) is null then
        execute format('create table %s (like tales.stories, primary key (id), '
            'foreign key (child_id) references tales.children (id) on delete set null, '
            'foreign key (hero_id) references tales.heroes (id) on delete set null)', place);
        if table_name = 'stories_quarantined' then
            execute format('alter table %s add foreign key (user_id) references auth.users (id) on delete cascade',
                place);
        end if;
        execute format('alter table %s enable row level security', place);
    end if;
    select string_agg(quote_ident(attname), ', ') into columns
    from pg_catalog.pg_attribute
    where attrelid = place::regclass and attnum > 0 and not attisdropped;
    execute format('insert into %s (%s) select %s from tales.stories where id = any ($1)', place, columns, columns)
        using ids;
    -- 017 has filled this in.
    execute format('update %s set created_at = (old_value #>> ''{}'')::timestamptz '
        'from tales_migration.saved_originals '
        'where id = any ($1) and story_id = id and column_name = ''created_at''', place) using ids;
    delete from tales.stories where id = any (ids);
end
$$;

-- Do with these stories what the operator chose, where they do not fit. Each is locked before it is judged: what
-- another has just written to it counts. One that another is writing is left to that write, which may wait for this
-- batch, and to the step `resolve` of 017.
create function tales_migration.resolve_misfits(ids uuid[]) returns void
language plpgsql set search_path = '' as $$
declare
    choice tales_migration.choices;
    orphan constant text[] := array['user_id_missing', 'user_id_unknown'];
    orphans uuid[];
begin
    select * into choice from tales_migration.choices;
    orphans := array(
        select s.id from tales.stories as s
        where s.id = any (ids) and tales_migration.misfits(s, tales_migration.is_user(s.user_id)) && orphan
            and (choice.orphans = 'quarantine'
                or (choice.invalid = 'quarantine' and not tales_migration.misfits(s, true) <@ orphan))
        order by s.id for update skip locked
    );
    if choice.orphans <> '' then
        perform tales_migration.set_aside(orphans, 'stories_unowned');
    end if;
    if starts_with(choice.orphans, 'assign=') then
        orphans := array(
            select s.id from tales.stories as s
            where s.id = any (ids) and not tales_migration.is_user(s.user_id) order by s.id for update skip locked
        );
        insert into tales_migration.saved_originals
        select id, 'user_id', to_jsonb(user_id) from tales.stories where id = any (orphans)
        on conflict do nothing;
        perform tales_migration.set_own_write(true);
        update tales.stories set user_id = substring(choice.orphans from 8)::uuid where id = any (orphans);
        perform tales_migration.set_own_write(false);
    end if;

    if choice.invalid = 'quarantine' then
        perform tales_migration.set_aside(array(
            select s.id from tales.stories as s
            where s.id = any (ids) and tales_migration.is_user(s.user_id)
                and tales_migration.misfits(s, true) <> '{}'
            order by s.id for update skip locked
        ), 'stories_quarantined');
    end if;
end
$$;

-- step: restore

-- What an earlier `down` has archived comes first, but for what was copied from a story, and will be again.
do $$
declare
    columns text;
begin
    select string_agg(quote_ident(attname), ', ') into columns
    from pg_catalog.pg_attribute as g
    where attrelid = 'tales.generations'::regclass and attnum > 0 and not attisdropped and attgenerated = ''
        and exists (
            select from pg_catalog.pg_attribute
            where attrelid = 'tales.generations_archive'::regclass and attname = g.attname and not attisdropped
        );
    execute format('insert into tales.generations (%s) select %s from tales.generations_archive as a '
        'where origin = ''live'' or not exists (select from tales.stories as s where s.id = a.story_id) '
        'order by generation_id, attempt_number', columns, columns);
end
$$;

-- step: copy

select tales_migration.resolve_misfits(array(
    select s.id from tales.stories as s
    left join tales_migration.users() as u on u = s.user_id
    where tales_migration.misfits(s, u is not null) <> '{}'
    for update of s
));

insert into tales.generations (
    generation_id, attempt_number, model_used, full_response, status, user_id, story_type, story_length,
    hero_appearance, relationship_description, moral, created_at, completed_at, origin, generation_info,
    child_id, hero_id, reconciled_cost_usd
)
select
    generation_id, attempt_number, model_used, full_response, status, user_id, story_type, story_length,
    hero_appearance, relationship_description, moral, created_at, completed_at, origin, generation_info,
    child_id, hero_id, reconciled_cost_usd
from tales_migration.copies;

insert into tales_migration.saved_originals
select s.id, original.column_name, original.old_value
from tales.stories as s
cross join lateral tales_migration.originals_of(s) as original
on conflict do nothing;

-- step: analyze

-- 017 looks each of them up, and would read the whole table if it took it for an empty one.
analyze tales.generations (generation_id, attempt_number, user_id);
