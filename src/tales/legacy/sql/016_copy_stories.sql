-- Copies the stories that are there already, batch by batch, while others write. Comes after `restore` of 016.
--
-- `-- step: NAME, repeat FUNCTION` is a part that is run by calling the function with a number of stories, again and
-- again, until it returns 0.

-- step: functions

-- The next stories, `most` at a time, as they lie in the table: in the order of a key each would touch pages of its
-- own, in the table and in its indexes, and the log would grow to several times the table. A place is taken once, so
-- equal times neither loop nor skip. A story that is written meanwhile changes its place, but every write sees to the
-- story itself; so does that of one that comes to lie behind the end. Where the table was rewritten (VACUUM FULL,
-- say), the places are new ones, and it begins again.
create function tales_migration.next_stories(passed tid, most integer, out ids uuid[], out place tid)
language plpgsql set search_path = '' set enable_seqscan = off as $$
declare
    progress tales_migration.progress;
begin
    select * into progress from tales_migration.progress;
    if progress.stories_file is distinct from pg_relation_filenode('tales.stories') then
        passed := '(0,0)';
        update tales_migration.progress
        set stories_file = pg_relation_filenode('tales.stories'),
            stories_end = format('(%s,0)',
                pg_relation_size('tales.stories') / current_setting('block_size')::integer)::tid
        returning * into progress;
    end if;
    select array_agg(next.id), max(next.place) into ids, place
    from (
        select s.id, s.ctid as place from tales.stories as s
        where s.ctid > passed and s.ctid < progress.stories_end
        limit most
    ) as next;
end
$$;

-- Give these stories their copies, as far as they fit and have none yet; which of them have no copy by it.
create function tales_migration.copy_stories(ids uuid[]) returns uuid[]
language plpgsql set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
    allowed constant text[] := (select accepted from tales_migration.choices);
    left_out uuid[];
begin
    with copied as (
        insert into tales.generations (
            generation_id, attempt_number, model_used, full_response, status, user_id, story_type, story_length,
            hero_appearance, relationship_description, moral, created_at, completed_at, origin, generation_info,
            child_id, hero_id, reconciled_cost_usd
        )
        select
            c.generation_id, c.attempt_number, c.model_used, c.full_response, c.status, c.user_id, c.story_type,
            c.story_length, c.hero_appearance, c.relationship_description, c.moral, c.created_at, c.completed_at,
            c.origin, c.generation_info, c.child_id, c.hero_id, c.reconciled_cost_usd
        from tales_migration.copies as c
        join tales.stories as s on s.id = c.story_id
        where c.story_id = any (ids)
            and tales_migration.misfits(s, tales_migration.is_user(s.user_id)) <@ allowed
        -- On whatever index: where the old application writes the same copy at this very moment, another index may say
        -- so first, and one that is not looked at would end the move.
        on conflict do nothing
        returning generation_id
    )
    select array(
        select id from unnest(ids) as id
        where tales_migration.generation_id_of(id) not in (select generation_id from copied)
    ) into left_out;
    perform tales_migration.note_hours(ids);

    insert into tales_migration.saved_originals
    select s.id, original.column_name, original.old_value
    from tales.stories as s
    cross join lateral tales_migration.originals_of(s) as original
    where s.id = any (ids)
    on conflict do nothing;
    return left_out;
end
$$;

-- Copy the next stories, `most` at a time; how many they were. Whoever deletes one meanwhile waits in `drop_copy`, so
-- that it does not come back: a lock on each story would write all pages of the table anew. What could not be copied
-- either has been, by a write, or does not fit.
create function tales_migration.copy_batch(most integer) returns integer
language plpgsql set search_path = '' as $$
declare
    next record;
    left_out uuid[];
begin
    lock table tales_migration.progress in exclusive mode;
    next := tales_migration.next_stories((select copied_up_to from tales_migration.progress), most);
    if next.ids is null then
        return 0;
    end if;
    left_out := tales_migration.copy_stories(next.ids);
    if cardinality(left_out) > 0 then
        perform tales_migration.resolve_misfits(left_out);
        perform tales_migration.copy_stories(left_out);
    end if;
    update tales_migration.progress set copied_up_to = next.place;
    return cardinality(next.ids);
end
$$;

-- The one id that comes after no other.
select tales_migration.resolve_misfits(array['00000000-0000-0000-0000-000000000000'::uuid]);
select tales_migration.copy_stories(array['00000000-0000-0000-0000-000000000000'::uuid]);

-- step: copy, repeat tales_migration.copy_batch
