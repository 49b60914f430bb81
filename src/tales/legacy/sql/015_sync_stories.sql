-- While the old application writes stories, their attempts are kept in step (dual write). Comes after 015 and the
-- steps `rules` and `prepare` of 016, and before any story is copied.

-- step: sync

-- How far the move is. One row.
create table tales_migration.progress (
    only_row boolean primary key default true check (only_row),
    copied_up_to tid not null default '(0,0)',
    linked_up_to tid not null default '(0,0)',
    stories_file oid,
    stories_end tid
);
insert into tales_migration.progress default values;

-- Whether the owner may change a copy: it moves each, until the old columns are gone. Whose it is and since when,
-- only as the old application's own write of the story says it (a trigger's statement).
create function tales_migration.may_rewrite(keeps_owner_and_time boolean) returns boolean
language sql stable
return (keeps_owner_and_time or pg_trigger_depth() > 0) and pg_has_role(current_user,
    (select relowner from pg_catalog.pg_class where oid = 'tales.generations'::regclass), 'member');

grant execute on function tales_migration.may_rewrite(boolean) to public;

drop trigger generations_guard_ended on tales.generations;
create trigger generations_guard_ended before update on tales.generations
    for each row when (old.status <> 'pending' and not (
        old.origin = 'migrated' and new.origin = 'migrated'
        and (new.generation_id, new.attempt_number) = (old.generation_id, old.attempt_number)
        and tales_migration.may_rewrite((new.user_id, new.created_at) = (old.user_id, old.created_at))
    )) execute function tales.guard_attempt();

-- Whether a story is to have a copy: one that fits, and that an archive has no attempt of for the same user (017).
create function tales_migration.wants_copy(story tales.stories) returns boolean
language plpgsql stable set search_path = '' as $$
begin
    return tales_migration.misfits(story, tales_migration.is_user(story.user_id))
            <@ (select accepted from tales_migration.choices)
        and not exists (
            select from tales.generations_archive as a
            where a.story_id = story.id and a.user_id = story.user_id and a.origin = 'live'
        );
end
$$;

-- The hours that the copies of these stories lie in are to be counted again, once there are rollups (032): they may
-- have been counted. Called before and after a copy is changed, as it may move from one hour to another.
create function tales_migration.note_hours(ids uuid[]) returns void
language plpgsql set search_path = '' as $$
begin
    if to_regclass('tales.rollup_changes') is not null then
        insert into tales.rollup_changes (hour)
        select distinct date_trunc('hour', g.created_at, 'UTC')
        from unnest(ids) as story (id)
        join tales.generations as g
            on g.generation_id = tales_migration.generation_id_of(story.id) and g.attempt_number = 1
        where g.origin = 'migrated';
    end if;
end
$$;

-- Write the copies of these stories as the stories are now. One plan serves every call; it is made while generations
-- is empty, and must serve when it is not: rows are found by their key alone, and no table is read whole. So the keys
-- are worked out first: as a join, the plan of an empty table reads all copies and compares.
create function tales_migration.write_copies(ids uuid[], are_new boolean default false) returns void
language plpgsql set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
    keys constant uuid[] := array(select tales_migration.generation_id_of(id) from unnest(ids) as id);
    updated integer := 0;
    inserted integer;
begin
    for round in 1..2 loop
        -- Most stories that are written again have a copy by then, and those that are new have none.
        if not are_new or round = 2 then
            perform tales_migration.note_hours(ids);
            update tales.generations as g set
                model_used = c.model_used, full_response = c.full_response, user_id = c.user_id,
                story_type = c.story_type, story_length = c.story_length, hero_appearance = c.hero_appearance,
                relationship_description = c.relationship_description, moral = c.moral, created_at = c.created_at,
                completed_at = c.completed_at, generation_info = c.generation_info, child_id = c.child_id,
                hero_id = c.hero_id
            from tales_migration.copies as c
            where c.story_id = any (ids) and g.generation_id = any (keys)
                and g.generation_id = c.generation_id and g.attempt_number = c.attempt_number;
            get diagnostics updated = row_count;
            exit when updated = cardinality(ids);
        end if;
        insert into tales.generations (
            generation_id, attempt_number, model_used, full_response, status, user_id, story_type, story_length,
            hero_appearance, relationship_description, moral, created_at, completed_at, origin, generation_info,
            child_id, hero_id, reconciled_cost_usd
        )
        select
            generation_id, attempt_number, model_used, full_response, status, user_id, story_type, story_length,
            hero_appearance, relationship_description, moral, created_at, completed_at, origin, generation_info,
            child_id, hero_id, reconciled_cost_usd
        from tales_migration.copies
        where story_id = any (ids)
        -- On whatever index: where the move copies this story at this very moment, another one may say so first. Then
        -- it has been waited for, and its copy is written again.
        on conflict do nothing;
        get diagnostics inserted = row_count;
        exit when updated + inserted = cardinality(ids);
    end loop;
    perform tales_migration.note_hours(ids);

    -- What an operator's choice or 017 changed of these two, the story itself does not tell. Not before the copy is
    -- written: whoever copies this story at the same moment has been waited for by then, and has saved what it was.
    delete from tales_migration.saved_originals
    where story_id = any (ids) and column_name not in ('created_at', 'user_id');
    insert into tales_migration.saved_originals
    select s.id, original.column_name, original.old_value
    from tales.stories as s
    cross join lateral tales_migration.originals_of(s) as original
    where s.id = any (ids)
    on conflict (story_id, column_name) do update set old_value = excluded.old_value;
end
$$;

-- A story that is gone, or does not fit any more, has no copy either: only 017 makes attempts outlive their stories.
create function tales_migration.drop_copy(story_id uuid) returns void
language plpgsql set search_path = '' as $$
begin
    -- A copy that is being made at this very moment (`copy_batch`) could not be seen yet.
    lock table tales_migration.progress in row share mode;
    delete from tales.generations
    where generation_id = tales_migration.generation_id_of(drop_copy.story_id)
        and attempt_number = 1 and origin = 'migrated';
    delete from tales_migration.saved_originals as o
    where o.story_id = drop_copy.story_id and o.column_name not in ('created_at', 'user_id');
end
$$;

-- Whether what a copy holds of a story is as it was, as far as that can be seen at a glance: of JSON its size,
-- because a response that lies outside its row would be fetched twice for each new rating. A second trigger sees to
-- the statements that name it.
create function tales_migration.looks_same(before tales.stories, after tales.stories) returns boolean
language sql immutable as $$
    select (before.id, before.model_used, before.story_type, before.story_length, before.moral, before.hero_appearance,
        before.relationship_description, before.user_id, before.child_id, before.hero_id, before.created_at,
        pg_column_size(before.full_response), pg_column_size(before.generation_info))
    is not distinct from (after.id, after.model_used, after.story_type, after.story_length, after.moral,
        after.hero_appearance, after.relationship_description, after.user_id, after.child_id, after.hero_id,
        after.created_at, pg_column_size(after.full_response), pg_column_size(after.generation_info))
$$;

-- Runs after each write of the old application, as the owner: its users have no right to write generations. With an
-- argument, the statement names what may not show at a glance.
create function tales_migration.sync_story() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    if tales_migration.is_own_write() then
        return null;
    elsif tg_op = 'DELETE' then
        perform tales_migration.drop_copy(old.id);
        delete from tales_migration.saved_originals where story_id = old.id;
        return null;
    elsif tg_nargs = 1 then
        if not tales_migration.looks_same(old, new) then
            return null;
        end if;
    elsif tg_op = 'UPDATE' then
        -- Every write moves a story to another place in the table, perhaps to one that the copying has passed.
        if tales_migration.looks_same(old, new) and exists (
            select from tales.generations
            where generation_id = tales_migration.generation_id_of(new.id) and attempt_number = 1
        ) then
            return null;
        end if;
        if new.id <> old.id then
            perform tales_migration.drop_copy(old.id);
            update tales_migration.saved_originals set story_id = new.id where story_id = old.id;
        end if;
    end if;

    if not tales_migration.wants_copy(new) then
        perform tales_migration.drop_copy(new.id);
    else
        perform tales_migration.write_copies(array[new.id], tg_op = 'INSERT');
    end if;
    if tg_op = 'UPDATE'
        and (new.user_id is distinct from old.user_id or new.created_at is distinct from old.created_at)
    then
        delete from tales_migration.saved_originals
        where story_id = new.id
            and (column_name = 'created_at' and tales_migration.valid_time(new.created_at) is not null
            or column_name = 'user_id' and new.user_id is distinct from old.user_id);
    end if;
    return null;
end
$$;

-- Last of all triggers before an update: what triggers of others, that this role may not mute, have made of the
-- migration's own write is undone. All that it writes before 017 is whose a story is.
create function tales_migration.keep_own_write() returns trigger
language plpgsql set search_path = '' as $$
declare
    kept tales.stories := old;
begin
    kept.user_id := new.user_id;
    return kept;
end
$$;

create trigger zz_stories_keep_own_write before update on tales.stories
    for each row when (coalesce(current_setting('tales.own_write', true) = 'on', false))
    execute function tales_migration.keep_own_write();
create trigger stories_sync after insert or update or delete on tales.stories
    for each row execute function tales_migration.sync_story();
create trigger stories_sync_json after update of full_response, generation_info on tales.stories
    for each row execute function tales_migration.sync_story('named');
