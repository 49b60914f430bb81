-- Every legacy story gets the attempt that wrote it: attempt 1, a success, of origin 'migrated' (decisions 3 to 6).
--
-- What cannot be moved as it is has a rule, or stops the migration. The operator's choices are settings:
--   set tales.orphans = 'quarantine' | 'assign=<user id>'   for stories without a user
--   set tales.invalid = 'null' | 'quarantine'               for values that a check of generations refuses
-- Nothing is dropped: old values are kept in migration_notes, quarantined stories whole, and `down` puts them back.
--
-- A line `-- step:` begins a part that `tales migrate` runs in a transaction of its own, and does not run again when the
-- migration is resumed. A part that repeats a function is run batch by batch, with pauses; psql runs it at once.

-- step: prepare

alter table tales.stories no force row level security;
alter table tales.generations no force row level security;

update tales.migration_state
set orphans = coalesce(current_setting('tales.orphans', true), ''),
    invalid = coalesce(current_setting('tales.invalid', true), '');

-- Stories that have no place in the new model, whole. They are erased with their user, like any other.
create table tales.stories_unowned (
    like tales.stories,
    primary key (id),
    foreign key (child_id) references tales.children (id) on delete set null,
    foreign key (hero_id) references tales.heroes (id) on delete set null
);
create table tales.stories_quarantined (
    like tales.stories,
    primary key (id),
    foreign key (user_id) references auth.users (id) on delete cascade,
    foreign key (child_id) references tales.children (id) on delete set null,
    foreign key (hero_id) references tales.heroes (id) on delete set null
);
alter table tales.stories_unowned enable row level security;
alter table tales.stories_quarantined enable row level security;

-- The migration's own writes are not those of a user: our triggers let them pass, and those of others (that set
-- updated_at, say) are muted. Not every role may do the latter: `tales migrate check` says so beforehand.
-- Until the transaction ends, or the session: to mute and to unmute costs every plan that the session has made.
create function tales.say_moving(moving boolean, until_session_ends boolean default false) returns void
language plpgsql set search_path = '' as $$
begin
    if moving = tales.is_moving() then
        return;
    end if;
    perform set_config('tales.moving', case when moving then 'on' else 'off' end, not until_session_ends);
    perform set_config('session_replication_role', case when moving then 'replica' else 'origin' end, not until_session_ends);
exception when insufficient_privilege then
    perform set_config('tales.moving', case when moving then 'on' else 'off' end, not until_session_ends);
end
$$;

-- Move stories to one of these tables; by name, because 017 adds columns that they do not have.
create function tales.set_aside(ids uuid[], place regclass) returns void
language plpgsql set search_path = '' as $$
declare
    columns text;
begin
    if cardinality(ids) = 0 then
        return;
    end if;
    select string_agg(quote_ident(attname), ', ') into columns
    from pg_catalog.pg_attribute
    where attrelid = place and attnum > 0 and not attisdropped and attgenerated = '';
    execute format('insert into %s (%s) select %s from tales.stories where id = any ($1)', place, columns, columns) using ids;
    -- 017 has filled this in.
    execute format('update %s set created_at = null where id in (select story_id from tales.migration_notes '
        'where story_id = any ($1) and column_name = ''created_at'')', place) using ids;
    delete from tales.stories where id = any (ids);
end
$$;

-- Do with these stories what the operator chose, where they have no place as they are. Each is locked before it is
-- judged: what another has just written to it counts.
create function tales.settle_stories(ids uuid[]) returns void
language plpgsql set search_path = '' as $$
declare
    choice tales.migration_state;
    orphans uuid[];
begin
    select * into choice from tales.migration_state;
    orphans := array(
        select s.id from tales.stories as s
        where s.id = any (ids) and not tales.is_user(s.user_id)
            and (choice.orphans = 'quarantine' or (choice.invalid = 'quarantine'
                and (s.story_length <= 0 or s.story_type is null or s.story_type not in ('child', 'hero', 'combined'))))
        order by s.id for update
    );
    if choice.orphans <> '' then
        perform tales.set_aside(orphans, 'tales.stories_unowned');
    end if;
    if starts_with(choice.orphans, 'assign=') then
        orphans := array(
            select s.id from tales.stories as s
            where s.id = any (ids) and not tales.is_user(s.user_id) order by s.id for update
        );
        insert into tales.migration_notes
        select id, 'user_id', to_jsonb(user_id) from tales.stories where id = any (orphans)
        on conflict do nothing;
        perform tales.say_moving(true);
        update tales.stories set user_id = substring(choice.orphans from 8)::uuid where id = any (orphans);
        perform tales.say_moving(false);
    end if;

    if choice.invalid = 'quarantine' then
        perform tales.set_aside(array(
            select s.id from tales.stories as s
            where s.id = any (ids) and tales.is_user(s.user_id)
                and (s.story_length <= 0 or s.story_type is null or s.story_type not in ('child', 'hero', 'combined'))
            order by s.id for update
        ), 'tales.stories_quarantined');
    end if;
end
$$;

-- The next stories, `most` at a time, as they lie in the table: in the order of a key each would touch pages of its own,
-- in the table and in its indexes, and the log would grow to several times the table. A place is taken once, so equal
-- times neither loop nor skip. A story that is written meanwhile changes its place, but every write sees to the story
-- itself (015, 017); so does that of one that comes to lie behind the end. Where the table was rewritten (VACUUM FULL,
-- say), the places are new ones, and it begins again.
create function tales.next_stories(passed tid, most integer, out ids uuid[], out place tid)
language plpgsql set search_path = '' set enable_seqscan = off as $$
declare
    state tales.migration_state;
begin
    select * into state from tales.migration_state;
    if state.stories_file is distinct from pg_relation_filenode('tales.stories') then
        passed := '(0,0)';
        update tales.migration_state
        set stories_file = pg_relation_filenode('tales.stories'),
            stories_end = format('(%s,0)', pg_relation_size('tales.stories') / current_setting('block_size')::integer)::tid
        returning * into state;
    end if;
    select array_agg(next.id), max(next.place) into ids, place
    from (
        select s.id, s.ctid as place from tales.stories as s
        where s.ctid > passed and s.ctid < state.stories_end
        limit most
    ) as next;
end
$$;

-- Copy the next stories, `most` at a time; how many they were. Locked against deletion until they are copied. What could
-- not be copied either has been, by a write, or has no place.
create function tales.copy_next_stories(most integer) returns integer
language plpgsql set search_path = '' as $$
declare
    next record;
    left_out uuid[];
begin
    next := tales.next_stories((select copied_up_to from tales.migration_state), most);
    if next.ids is null then
        return 0;
    end if;
    perform from tales.stories where id = any (next.ids) order by id for key share;
    left_out := tales.copy_stories(next.ids);
    if cardinality(left_out) > 0 then
        perform tales.settle_stories(left_out);
        perform tales.copy_stories(left_out);
    end if;
    update tales.migration_state set copied_up_to = next.place;
    return cardinality(next.ids);
end
$$;

-- Stop where a story has no place and the operator did not choose.
create function tales.refuse_unsettled_stories() returns void
language plpgsql set search_path = '' as $$
declare
    choice tales.migration_state;
    refused bigint;
begin
    select * into choice from tales.migration_state;
    if choice.orphans <> 'quarantine' and not starts_with(choice.orphans, 'assign=') then
        -- All at once: to ask for each user by itself would take longer than to read the table.
        if tales.sees_users() then
            select count(*) into refused
            from tales.stories as s
            left join auth.users as u on u.id = s.user_id
            where u.id is null;
        else
            select count(*) into refused from tales.stories where user_id is null;
        end if;
        if refused > 0 then
            raise exception '% stories have no user. Choose --orphans quarantine or --orphans assign=<user id>.', refused
                using errcode = 'check_violation';
        end if;
    end if;
    if starts_with(choice.orphans, 'assign=') and not tales.is_user(substring(choice.orphans from 8)::uuid) then
        raise exception 'There is no user % to assign stories to. Choose another for --orphans assign=<user id>.',
            substring(choice.orphans from 8) using errcode = 'check_violation';
    end if;
    if choice.invalid <> 'quarantine' then
        select count(*) into refused from tales.stories
        where story_type is null or story_type not in ('child', 'hero', 'combined');
        if refused > 0 then
            raise exception '% stories have a story_type that is not allowed. Choose --invalid quarantine.', refused
                using errcode = 'check_violation';
        end if;
        select count(*) into refused from tales.stories where story_length <= 0 and choice.invalid <> 'null';
        if refused > 0 then
            raise exception '% stories have a story_length that is not allowed. Choose --invalid null or --invalid quarantine.',
                refused using errcode = 'check_violation';
        end if;
    end if;
end
$$;

revoke execute on function
    tales.say_moving(boolean, boolean), tales.set_aside(uuid[], regclass), tales.settle_stories(uuid[]), tales.next_stories(tid, integer),
    tales.copy_next_stories(integer),
    tales.refuse_unsettled_stories()
from public;

-- step: check

-- In a step of its own: to count takes as long as there are stories, and holds no lock here.
select tales.refuse_unsettled_stories();

-- step: restore

-- What an earlier way back set aside comes first, but for what was copied from a story, and will be again.
insert into tales.generations (
    generation_id, attempt_number, model_used, full_response, status, prompt, user_id, story_type, story_length,
    hero_appearance, relationship_description, moral, error_message, created_at, completed_at, origin, generation_info,
    child_id, hero_id, language, prompt_version, started_at, first_token_at, error_type, http_status,
    provider_generation_id, reconciled_cost_usd, queue, available_at, worker_id
)
select
    generation_id, attempt_number, model_used, full_response, status, prompt, user_id, story_type, story_length,
    hero_appearance, relationship_description, moral, error_message, created_at, completed_at, origin, generation_info,
    child_id, hero_id, language, prompt_version, started_at, first_token_at, error_type, http_status,
    provider_generation_id, reconciled_cost_usd, queue, available_at, worker_id
from tales.generations_archive as a
where origin = 'live' or not exists (select from tales.stories as s where s.id = a.story_id)
order by generation_id, attempt_number;

-- The one id that comes after no other.
select tales.settle_stories(array['00000000-0000-0000-0000-000000000000'::uuid]);
select tales.copy_stories(array['00000000-0000-0000-0000-000000000000'::uuid]);

-- step: copy, repeat tales.copy_next_stories

do $$ begin while tales.copy_next_stories(10000) > 0 loop end loop; end $$;

-- step: analyze

-- 017 looks each of them up, and would read the whole table if it took it for an empty one.
analyze tales.generations (generation_id, attempt_number, user_id);
