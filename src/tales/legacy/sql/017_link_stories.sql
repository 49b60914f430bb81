-- Links stories to their attempts batch by batch, while the old and the new application serve side by side: what
-- either writes, the other reads. Up to the step `contract`; from there on the old one no longer works. Comes after
-- `expand` of 017.
-- squawk-ignore-file adding-not-nullable-field, ban-drop-column, ban-drop-table, ban-drop-constraint
-- squawk-ignore-file ban-drop-function
-- squawk-ignore-file constraint-missing-not-valid, ban-drop-view

-- step: sync

-- Before a write: a story of the old application is linked to the copy that it is about to get; one of the new
-- application gets what the old one reads, out of its attempt.
create function tales_migration.link_written_story() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
    copy constant uuid := tales_migration.generation_id_of(new.id);
    attempt tales.generations;
    kept tales.stories;
begin
    if tales_migration.is_own_write() then
        if tg_op = 'UPDATE' then
            -- Whatever triggers of others, that this role may not mute, have made of it.
            kept := old;
            kept.generation_id := new.generation_id;
            kept.generation_attempt := new.generation_attempt;
            kept.created_at := new.created_at;
            kept.user_id := new.user_id;
            return kept;
        end if;
        return new;
    end if;

    -- Every story has a time here; what it had instead is saved for the way down. Where a copy depends on it, a time
    -- that is none needs the operator's choice: it stays as it is, and its story gets no copy.
    if new.created_at is null or (tales_migration.valid_time(new.created_at) is null
        and (new.generation_id <> copy
            or (select 'created_at_out_of_range' = any (accepted) from tales_migration.choices)))
    then
        insert into tales_migration.saved_originals values (new.id, 'created_at', to_jsonb(new.created_at))
        on conflict (story_id, column_name) do update set old_value = excluded.old_value;
        new.created_at := tales_migration.story_time(new.created_at, new.updated_at);
    elsif tg_op = 'UPDATE' and new.created_at is distinct from old.created_at then
        delete from tales_migration.saved_originals where story_id = new.id and column_name = 'created_at';
    end if;
    if tg_op = 'UPDATE' and new.user_id is distinct from old.user_id then
        delete from tales_migration.saved_originals where story_id = new.id and column_name = 'user_id';
        -- Attempts of the new application stay with whom they were made for.
        new.generation_id := null;
    end if;
    if tg_op = 'UPDATE' and new.id <> old.id then
        update tales_migration.saved_originals set story_id = new.id where story_id = old.id;
        if new.generation_id = tales_migration.generation_id_of(old.id) then
            new.generation_id := null;
        end if;
    end if;

    if tg_op = 'UPDATE' and new.generation_id = copy
        and (new.user_id, new.story_type, new.story_length, new.created_at, new.model_used)
            is not distinct from (old.user_id, old.story_type, old.story_length, old.created_at, old.model_used)
    then
        return new;
    elsif new.generation_id is null or new.generation_id = copy then
        new.generation_id := case when tales_migration.wants_copy(new) then copy end;
        new.generation_attempt := case when new.generation_id is not null then 1 end;
    elsif tg_op = 'INSERT' then
        select * into attempt from tales.generations
        where generation_id = new.generation_id and attempt_number = new.generation_attempt;
        new.model_used := attempt.model_used;
        new.full_response := attempt.full_response;
        new.generation_info := attempt.generation_info;
        new.story_type := coalesce(attempt.story_type, new.story_type);
        new.story_length := attempt.story_length;
        new.moral := attempt.moral;
        new.hero_appearance := attempt.hero_appearance;
        new.relationship_description := attempt.relationship_description;
    end if;
    return new;
end
$$;

-- After a write of the old application: its story's copy is kept in step. An attempt of the new application never
-- changes, so what the old one changes of its story is saved for the way down.
create function tales_migration.sync_linked_story() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    if tales_migration.is_own_write() then
        return null;
    elsif tg_op = 'INSERT' then
        if new.generation_id = tales_migration.generation_id_of(new.id) then
            perform tales_migration.write_copies(array[new.id], are_new => true);
        end if;
        return null;
    elsif tg_nargs = 1 then
        if not tales_migration.looks_same(old, new) then
            return null;
        end if;
    elsif tales_migration.looks_same(old, new) then
        if new.generation_id is not distinct from old.generation_id then
            return null;
        elsif new.generation_id = tales_migration.generation_id_of(new.id) then
            perform from tales.generations where generation_id = new.generation_id and attempt_number = 1;
            if found then
                return null;
            end if;
        end if;
    end if;

    if new.generation_id is null then
        perform tales_migration.drop_copy(new.id);
    elsif new.generation_id = tales_migration.generation_id_of(new.id) then
        perform tales_migration.write_copies(array[new.id]);
    else
        perform tales_migration.save_differences(array[new.id]);
    end if;
    if new.id <> old.id then
        perform tales_migration.drop_copy(old.id);
    end if;
    return null;
end
$$;

drop trigger zz_stories_keep_own_write on tales.stories;
drop trigger stories_sync on tales.stories;
drop trigger stories_sync_json on tales.stories;
-- Triggers run in the order of their names. This one sees what the old application's own have made of a story ...
create trigger zz_stories_link before insert or update on tales.stories
    for each row execute function tales_migration.link_written_story();
-- ... and this one makes the generation before those of foreign keys, which begin with "RI", look for it.
create trigger "0_stories_sync" after insert or update on tales.stories
    for each row execute function tales_migration.sync_linked_story();
create trigger "0_stories_sync_json" after update of full_response, generation_info on tales.stories
    for each row execute function tales_migration.sync_linked_story('named');
create trigger stories_sync after delete on tales.stories
    for each row execute function tales_migration.sync_story();
create trigger stories_check_attempt
    after insert or update of generation_id, generation_attempt, user_id on tales.stories
    for each row when (new.generation_id is not null) execute function tales.check_story_attempt();

-- Link these stories, as far as they have a generation and are not linked yet. Every condition is on the story itself:
-- one that another has just changed is judged by what it has become. Whoever calls it writes as the migration.
create function tales_migration.link_stories(ids uuid[]) returns void
language plpgsql set search_path = '' as $$
declare
    allowed constant text[] := (select accepted from tales_migration.choices);
begin
    perform tales_migration.link_archived_stories(ids);
    update tales.stories as s
    set generation_id = g.generation_id,
        generation_attempt = g.attempt_number,
        created_at = tales_migration.story_time(s.created_at, s.updated_at)
    from tales.generations as g
    where s.id = any (ids) and s.generation_id is null
        -- That there is such a user, the copy proves.
        and tales_migration.misfits(s, true) <@ allowed
        and g.generation_id = tales_migration.generation_id_of(s.id) and g.attempt_number = 1
        and g.user_id = s.user_id;
end
$$;

-- Link the next stories, `most` at a time, to the attempts that wrote them; how many they were. One that is written
-- meanwhile is linked by that write; whatever is left, `resolve` finds. The session writes as the migration from the
-- first batch to the last: to say so again and again costs every plan that it has made.
create function tales_migration.link_batch(most integer) returns integer
language plpgsql set search_path = '' as $$
declare
    next record;
begin
    next := tales_migration.next_stories((select linked_up_to from tales_migration.progress), most);
    perform tales_migration.set_own_write(next.ids is not null, until_session_ends => true);
    if next.ids is null then
        return 0;
    end if;
    perform tales_migration.link_stories(next.ids);
    update tales_migration.progress set linked_up_to = next.place;
    return cardinality(next.ids);
end
$$;

create function tales_migration.resolve_unlinked(ids uuid[]) returns void
language plpgsql set search_path = '' as $$
begin
    -- Left over where a story ceased to fit while it was copied.
    delete from tales.generations as g using unnest(ids) as story (id)
    where g.generation_id = tales_migration.generation_id_of(story.id) and g.origin = 'migrated';
    perform tales_migration.resolve_misfits(ids);
    perform tales_migration.copy_stories(ids);
    perform tales_migration.set_own_write(true);
    perform tales_migration.link_stories(ids);
    perform tales_migration.set_own_write(false);
end
$$;

-- Resolve the next stories that could not be linked, `most` at a time; how many they were. One that stays without an
-- attempt would come next for ever, and is refused.
create function tales_migration.resolve_batch(most integer) returns integer
language plpgsql set search_path = '' as $$
declare
    ids uuid[];
begin
    ids := array(
        select s.id from tales.stories as s
        where s.generation_id is null
        order by s.id limit most
        for update
    );
    if cardinality(ids) > 0 then
        perform tales_migration.resolve_unlinked(ids);
        if exists (select from tales.stories where id = any (ids) and generation_id is null) then
            perform tales_migration.refuse_misfits();
            raise exception 'some stories have no generation, such as %', ids[1] using errcode = 'check_violation';
        end if;
    end if;
    return cardinality(ids);
end
$$;

select tales_migration.set_own_write(true);
select tales_migration.link_stories(array['00000000-0000-0000-0000-000000000000'::uuid]);
select tales_migration.set_own_write(false);
-- To link is another way through the table.
update tales_migration.progress set stories_file = null;

-- step: link, repeat tales_migration.link_batch

-- step: index, concurrently

create unique index if not exists stories_generation_id_key on tales.stories (generation_id);

-- step: constrain

alter table tales.stories
    add constraint stories_generation_id_key unique using index stories_generation_id_key,
    add constraint stories_generation_fkey foreign key (generation_id, generation_attempt)
        references tales.generations (generation_id, attempt_number) on delete restrict not valid;

-- step: validate

alter table tales.stories validate constraint stories_generation_fkey;
-- So that whoever asks for stories without a generation uses the index.
analyze tales.stories (generation_id, generation_attempt);
analyze tales.generations (generation_id, attempt_number);

-- step: resolve, repeat tales_migration.resolve_batch, again

-- step: strays

-- Copies of stories that somebody deleted who could not see them, in a transaction of REPEATABLE READ that had begun
-- before they were copied. What an archive has kept outlives its story.
delete from tales.generations as g
where g.origin = 'migrated'
    and not exists (select from tales.stories as s where s.generation_id = g.generation_id)
    and not exists (select from tales.generations_archive as a where a.generation_id = g.generation_id);

-- step: verify, again

select tales_migration.refuse_differing_stories();

-- step: contract

-- What the old application has written since, and could not be linked, gets its place now, or stops here: then nothing
-- has happened.
do $$
begin
    lock table tales.stories in access exclusive mode;
    perform tales_migration.resolve_unlinked(array(select id from tales.stories where generation_id is null));
    if exists (select from tales.stories where generation_id is null) then
        raise exception 'stories have been written meanwhile that have no place. Choose --orphans and --invalid'
            using errcode = 'check_violation';
    end if;
end
$$;

drop trigger zz_stories_link on tales.stories;
drop trigger "0_stories_sync" on tales.stories;
drop trigger "0_stories_sync_json" on tales.stories;
drop trigger stories_sync on tales.stories;
drop trigger stories_check_attempt on tales.stories;
create trigger stories_check_attempt
    before insert or update of generation_id, generation_attempt, user_id on tales.stories
    for each row execute function tales.check_story_attempt();

drop trigger generations_guard_ended on tales.generations;
create trigger generations_guard_ended before update on tales.generations
    for each row when (old.status <> 'pending') execute function tales.guard_attempt();

-- By the same commit that ends the triggers: a write of the old application that comes now is refused, and not lost.
drop view tales_migration.copies;
alter table tales.stories
    add constraint stories_complete check (
        generation_id is not null and generation_attempt is not null
        and user_id is not null and created_at is not null
    ) not valid,
    drop column model_used,
    drop column full_response,
    drop column generation_info,
    drop column story_type,
    drop column story_length,
    drop column moral,
    drop column hero_appearance,
    drop column relationship_description;

-- The old application has gone, and with it its rules for values, and what bounded those (033): from here on there are
-- ours alone (024).
drop trigger if exists children_check_sizes on tales.children;
drop trigger if exists heroes_check_sizes on tales.heroes;
drop trigger if exists stories_check_sizes on tales.stories;
do $$
declare
    waiting record;
begin
    for waiting in
        select tgrelid::regclass as on_table, tgname from pg_catalog.pg_trigger
        where tgenabled = 'D'
            and tgfoid in (to_regprocedure('tales.check_values()'), to_regprocedure('tales.take_id()'))
    loop
        execute format('alter table %s enable trigger %I', waiting.on_table, waiting.tgname);
    end loop;
end
$$;

-- step: prove

alter table tales.stories validate constraint stories_complete;

-- step: not_null

-- The proven constraint spares each of these a look at every row.
alter table tales.stories
    alter column user_id set not null,
    alter column created_at set not null,
    alter column generation_id set not null,
    alter column generation_attempt set not null;

alter table tales.stories drop constraint stories_complete;
