-- A story names the very attempt that wrote it, and loses what generations now hold (decision 1).
--
-- The foreign key is composite, because generation_id alone is not unique in generations; unique in stories, because
-- a generation gives one story at most.
--
-- Up to the step `contract` the old and the new application serve side by side: what either writes, the other reads. From
-- there on the old one no longer works. Steps: see 016.
-- squawk-ignore-file adding-not-nullable-field, ban-drop-column, ban-drop-table, ban-drop-constraint, ban-drop-function
-- squawk-ignore-file constraint-missing-not-valid

-- step: expand

alter table tales.stories no force row level security;
alter table tales.generations no force row level security;

alter table tales.stories
    add column generation_id uuid,
    add column generation_attempt integer;

-- How the columns are defined that will be dropped: `down` makes them as they were.
create table tales.legacy_columns as
select a.attnum as position, a.attname::text as column_name, format_type(a.atttypid, a.atttypmod) as type,
    a.attnotnull as is_not_null, pg_get_expr(d.adbin, d.adrelid) as default_value,
    array(
        select format('grant %s (%I) on tales.stories to %s%s', privilege_type, a.attname,
            case when grantee = 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end,
            case when is_grantable then ' with grant option' end)
        from aclexplode(a.attacl)
        union all
        select format('comment on column tales.stories.%I is %L', a.attname, comment)
        from col_description(a.attrelid, a.attnum) as comment where comment is not null
    ) as statements
from pg_catalog.pg_attribute as a
left join pg_catalog.pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
where a.attrelid = 'tales.stories'::regclass
    and a.attname in ('model_used', 'full_response', 'generation_info', 'story_type', 'story_length', 'moral',
        'hero_appearance', 'relationship_description');
alter table tales.legacy_columns add primary key (column_name);
alter table tales.legacy_columns enable row level security;

-- A column that is not ours, NOT NULL and without a default, would refuse every new row, as the new application does not
-- know it. It is relaxed if the operator agrees (set tales.relax = 'on'; `tales migrate up --yes`), and `down` restores it.
create table tales.relaxed_columns (
    table_name text not null,
    column_name text not null,
    primary key (table_name, column_name)
);
alter table tales.relaxed_columns enable row level security;

do $$
declare
    extra record;
begin
    for extra in
        select c.relname, a.attname
        from pg_catalog.pg_attribute as a
        join pg_catalog.pg_class as c on c.oid = a.attrelid
        where a.attrelid in ('tales.stories'::regclass, 'tales.children'::regclass, 'tales.heroes'::regclass)
            and a.attnum > 0 and a.attnotnull and not a.atthasdef and not a.attisdropped and a.attidentity = ''
            and a.attname not in (
                'id', 'user_id', 'name', 'age', 'interests', 'gender', 'appearance', 'title', 'content', 'child_id',
                'hero_id', 'rating', 'created_at', 'updated_at', 'model_used', 'full_response', 'generation_info',
                'story_type', 'story_length', 'moral', 'hero_appearance', 'relationship_description'
            )
    loop
        if coalesce(current_setting('tales.relax', true), '') <> 'on' then
            raise exception 'tales.%.% is NOT NULL without a default, and would refuse new rows. Say --yes to relax it.',
                extra.relname, extra.attname using errcode = 'check_violation';
        end if;
        execute format('alter table tales.%I alter column %I drop not null', extra.relname, extra.attname);
        insert into tales.relaxed_columns values (extra.relname, extra.attname);
    end loop;
end
$$;

-- Before a write: a story of the old application is linked to the copy that it is about to get; one of the new
-- application gets what the old one reads, out of its attempt.
create function tales.bridge_story() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
    copy uuid := tales.migrated_generation_id(new.id);
    attempt tales.generations;
begin
    if tales.is_moving() then
        return new;
    end if;

    -- Every story has a time here; that it had none is noted for the way back.
    if new.created_at is null then
        insert into tales.migration_notes values (new.id, 'created_at', null) on conflict do nothing;
        new.created_at := coalesce(new.updated_at, 'epoch');
    elsif tg_op = 'UPDATE' and new.created_at is distinct from old.created_at then
        delete from tales.migration_notes where story_id = new.id and column_name = 'created_at';
    end if;
    if tg_op = 'UPDATE' and new.user_id is distinct from old.user_id then
        delete from tales.migration_notes where story_id = new.id and column_name = 'user_id';
        -- Attempts of the new application stay with whom they were made for.
        new.generation_id := null;
    end if;
    if tg_op = 'UPDATE' and new.id <> old.id then
        update tales.migration_notes set story_id = new.id where story_id = old.id;
        if new.generation_id = tales.migrated_generation_id(old.id) then
            new.generation_id := null;
        end if;
    end if;

    if tg_op = 'UPDATE' and new.generation_id = copy and (new.user_id, new.story_type, new.story_length)
        is not distinct from (old.user_id, old.story_type, old.story_length)
    then
        return new;
    elsif new.generation_id is null or new.generation_id = copy then
        new.generation_id := case
            when tales.wants_copy(new.id, new.user_id, new.story_type, new.story_length) then copy
        end;
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

-- After a write of the old application: its story's copy is kept in step (015). An attempt of the new application never
-- changes, so what the old one changes of its story is noted for the way back.
create function tales.bridge_generation() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    if tales.is_moving() then
        return null;
    elsif tg_op = 'INSERT' then
        if new.generation_id = tales.migrated_generation_id(new.id) then
            perform tales.write_copy(null, new);
        end if;
        return null;
    elsif tg_nargs = 1 then
        if not tales.looks_same_for_copy(old, new) then
            return null;
        end if;
    elsif tales.looks_same_for_copy(old, new) then
        if new.generation_id is not distinct from old.generation_id then
            return null;
        elsif new.generation_id = tales.migrated_generation_id(new.id) then
            perform from tales.generations where generation_id = new.generation_id and attempt_number = 1;
            if found then
                return null;
            end if;
        end if;
    end if;

    if new.generation_id is null then
        perform tales.drop_copy(new.id);
    elsif new.generation_id = tales.migrated_generation_id(new.id) then
        perform tales.write_copy(old, new);
    else
        perform tales.note_differences(array[new.id]);
    end if;
    if new.id <> old.id then
        perform tales.drop_copy(old.id);
    end if;
    return null;
end
$$;

-- What of these stories is not as in the attempt that they name: only the old application can have written that. JSON is
-- noted in an array, to tell its null from none.
create function tales.note_differences(ids uuid[]) returns void
language plpgsql set search_path = '' as $$
begin
    delete from tales.migration_notes where story_id = any (ids) and column_name not in ('created_at', 'user_id');
    insert into tales.migration_notes
    select s.id, note.column_name, note.old_value
    from tales.stories as s
    join tales.generations as g on g.generation_id = s.generation_id and g.attempt_number = s.generation_attempt
    cross join lateral (values
        ('model_used', to_jsonb(s.model_used), s.model_used is distinct from g.model_used),
        ('full_response', case when s.full_response is not null then jsonb_build_array(s.full_response) end,
            s.full_response is distinct from g.full_response),
        ('generation_info', case when s.generation_info is not null then jsonb_build_array(s.generation_info) end,
            s.generation_info is distinct from g.generation_info),
        ('story_type', to_jsonb(s.story_type), s.story_type is distinct from g.story_type),
        ('story_length', to_jsonb(s.story_length), s.story_length is distinct from g.story_length),
        ('moral', to_jsonb(s.moral), s.moral is distinct from g.moral),
        ('hero_appearance', to_jsonb(s.hero_appearance), s.hero_appearance is distinct from g.hero_appearance),
        ('relationship_description', to_jsonb(s.relationship_description),
            s.relationship_description is distinct from g.relationship_description)
    ) as note (column_name, old_value, is_needed)
    where s.id = any (ids) and note.is_needed;
end
$$;

-- A story is written by a success of its own user. Success is final, so a plain look is free of races.
create function tales.check_story_attempt() returns trigger
language plpgsql set search_path = '' as $$
begin
    if not exists (
        select from tales.generations
        where generation_id = new.generation_id
            and attempt_number = new.generation_attempt
            and status = 'success'
            and user_id = new.user_id
    ) then
        raise exception 'a story needs a successful attempt of the same user'
            using errcode = 'check_violation', constraint = 'stories_written_by_success', table = 'stories';
    end if;
    return new;
end
$$;

drop trigger stories_keep_generation on tales.stories;
drop trigger stories_keep_response on tales.stories;
-- Triggers run in the order of their names. This one sees what the old application's own have made of a story ...
create trigger zz_stories_bridge before insert or update on tales.stories
    for each row execute function tales.bridge_story();
-- ... and this one makes the generation before those of foreign keys, which begin with "RI", look for it.
create trigger "0_stories_bridge" after insert or update on tales.stories
    for each row execute function tales.bridge_generation();
create trigger "0_stories_bridge_response" after update of full_response, generation_info on tales.stories
    for each row execute function tales.bridge_generation('named');
create trigger stories_keep_generation after delete on tales.stories
    for each row execute function tales.keep_generation();
create trigger stories_check_attempt
    after insert or update of generation_id, generation_attempt, user_id on tales.stories
    for each row when (new.generation_id is not null) execute function tales.check_story_attempt();

-- Link the next stories, `most` at a time, to the attempts that wrote them; how many they were. One that is written
-- meanwhile is linked by that write; whatever is left, `settle` finds. The session is moving from the first batch to the
-- last.
create function tales.link_next_stories(most integer) returns integer
language plpgsql set search_path = '' as $$
declare
    next record;
begin
    next := tales.next_stories((select linked_up_to from tales.migration_state), most);
    perform tales.say_moving(next.ids is not null, until_session_ends => true);
    if next.ids is null then
        return 0;
    end if;
    perform tales.link_stories(next.ids);
    update tales.migration_state set linked_up_to = next.place;
    return cardinality(next.ids);
end
$$;

-- Link these stories, as far as they have a generation and are not linked yet. Every condition is on the story itself:
-- one that another has just changed is judged by what it has become. Whoever calls it is moving.
create function tales.link_stories(ids uuid[]) returns void
language plpgsql set search_path = '' as $$
declare
    archived uuid[];
begin
    archived := array(select story_id from tales.generations_archive where story_id = any (ids) and origin = 'live');
    if cardinality(archived) > 0 then
        insert into tales.migration_notes
        select id, 'created_at', null from tales.stories where id = any (archived) and created_at is null for no key update
        on conflict do nothing;
        update tales.stories as s
        set generation_id = g.generation_id,
            generation_attempt = g.attempt_number,
            created_at = coalesce(s.created_at, s.updated_at, 'epoch')
        from tales.generations_archive as a
        join tales.generations as g using (generation_id, attempt_number)
        where s.id = any (archived) and s.generation_id is null
            and a.story_id = s.id and g.user_id = s.user_id;
        perform tales.note_differences(archived);
    end if;
    update tales.stories as s
    set generation_id = g.generation_id,
        generation_attempt = g.attempt_number,
        created_at = coalesce(s.created_at, s.updated_at, 'epoch')
    from tales.generations as g
    where s.id = any (ids) and s.generation_id is null
        -- That there is such a user, the copy proves.
        and tales.is_valid(s.story_type, s.story_length)
        and g.generation_id = tales.migrated_generation_id(s.id) and g.attempt_number = 1 and g.user_id = s.user_id;
end
$$;

-- Give the next stories that could not be linked their place, `most` at a time; how many they were. One that stays
-- without would come next for ever, and is refused.
create function tales.settle_next_stories(most integer) returns integer
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
        perform tales.settle_unlinked(ids);
        if exists (select from tales.stories where id = any (ids) and generation_id is null) then
            perform tales.refuse_unsettled_stories();
            raise exception 'some stories have no generation, such as %', ids[1] using errcode = 'check_violation';
        end if;
    end if;
    return cardinality(ids);
end
$$;

create function tales.settle_unlinked(ids uuid[]) returns void
language plpgsql set search_path = '' as $$
begin
    -- Left over where a story lost its place while it was copied.
    delete from tales.generations as g using unnest(ids) as story (id)
    where g.generation_id = tales.migrated_generation_id(story.id) and g.origin = 'migrated';
    perform tales.settle_stories(ids);
    perform tales.copy_stories(ids);
    perform tales.say_moving(true);
    perform tales.link_stories(ids);
    perform tales.say_moving(false);
end
$$;

-- Compare every linked story with the attempt that it is linked to, by a checksum of each row on either side: what the
-- legacy columns hold with what `down` would put there. `differing` are stories that are not the same.
create function tales.compare_stories()
returns table (stories bigint, linked bigint, differing bigint, examples uuid[], checksum bigint)
language sql stable set search_path = ''
begin atomic
    with both_sides as (
        select
            s.id,
            s.generation_id is not null as is_linked,
            hash_record_extended(row(s.model_used, s.full_response, s.generation_info, s.story_type, s.story_length,
                s.moral, s.hero_appearance, s.relationship_description), 0) as legacy,
            hash_record_extended(row(
                case when n.notes ? 'model_used' then n.notes ->> 'model_used' else g.model_used end,
                case when n.notes ? 'full_response' then n.notes #> '{full_response,0}' else g.full_response end,
                case when n.notes ? 'generation_info'
                    then n.notes #> '{generation_info,0}' else g.generation_info end,
                case when n.notes ? 'story_type' then n.notes ->> 'story_type' else g.story_type end,
                case when n.notes ? 'story_length' then (n.notes ->> 'story_length')::integer else g.story_length end,
                case when n.notes ? 'moral' then n.notes ->> 'moral' else g.moral end,
                case when n.notes ? 'hero_appearance' then n.notes ->> 'hero_appearance' else g.hero_appearance end,
                case when n.notes ? 'relationship_description'
                    then n.notes ->> 'relationship_description' else g.relationship_description end
            ), 0) as moved
        from tales.stories as s
        left join tales.generations as g
            on g.generation_id = s.generation_id and g.attempt_number = s.generation_attempt
        left join (
            select story_id, jsonb_object_agg(column_name, old_value) as notes
            from tales.migration_notes
            group by story_id
        ) as n on n.story_id = s.id
    )
    -- In no order: so that several processes can share the work.
    select
        count(*), count(*) filter (where is_linked), count(*) filter (where is_linked and legacy <> moved),
        (array_agg(id) filter (where is_linked and legacy <> moved))[1:5], bit_xor(moved)
    from both_sides;
end;

-- Stop where a story and its attempt are not the same.
create function tales.refuse_differing_stories() returns void
language plpgsql set search_path = '' as $$
declare
    found record;
begin
    select * into found from tales.compare_stories();
    if found.differing > 0 then
        raise exception '% of % stories differ from their attempts, such as %', found.differing, found.stories,
            found.examples[1] using errcode = 'data_exception';
    end if;
end
$$;

revoke execute on function
    tales.compare_stories(), tales.refuse_differing_stories(), tales.bridge_story(), tales.bridge_generation(),
    tales.note_differences(uuid[]), tales.link_next_stories(integer), tales.link_stories(uuid[]),
    tales.settle_next_stories(integer), tales.settle_unlinked(uuid[])
from public;

select tales.say_moving(true);
select tales.link_stories(array['00000000-0000-0000-0000-000000000000'::uuid]);
select tales.say_moving(false);
-- To link is another way through the table.
update tales.migration_state set stories_file = null;

-- step: link, repeat tales.link_next_stories

do $$ begin while tales.link_next_stories(10000) > 0 loop end loop; end $$;

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

-- step: settle, repeat tales.settle_next_stories, again

do $$ begin while tales.settle_next_stories(10000) > 0 loop end loop; end $$;

-- step: verify, again

select tales.refuse_differing_stories();

-- step: contract

-- What the old application has written since, and could not be linked, gets its place now, or stops here: then nothing
-- has happened.
do $$
declare
    unlinked uuid[];
begin
    lock table tales.stories in access exclusive mode;

    unlinked := array(select id from tales.stories where generation_id is null);
    perform tales.settle_unlinked(unlinked);
    if exists (select from tales.stories where generation_id is null) then
        raise exception 'stories have been written meanwhile that have no place. Choose --orphans and --invalid'
            using errcode = 'check_violation';
    end if;

    drop trigger zz_stories_bridge on tales.stories;
    drop trigger "0_stories_bridge" on tales.stories;
    drop trigger "0_stories_bridge_response" on tales.stories;
    drop trigger stories_keep_generation on tales.stories;
    drop trigger stories_check_attempt on tales.stories;
    create trigger stories_check_attempt
        before insert or update of generation_id, generation_attempt, user_id on tales.stories
        for each row execute function tales.check_story_attempt();

    alter table tales.stories
        add constraint stories_complete check (
            generation_id is not null and generation_attempt is not null
            and user_id is not null and created_at is not null
        ) not valid;
end
$$;

-- By the same commit that ends the triggers: a write of the old application that comes now is refused, and not lost.
drop function tales.refuse_differing_stories();
drop function tales.compare_stories();
alter table tales.stories
    drop column model_used,
    drop column full_response,
    drop column generation_info,
    drop column story_type,
    drop column story_length,
    drop column moral,
    drop column hero_appearance,
    drop column relationship_description;

-- step: prove

alter table tales.stories validate constraint stories_complete;

-- step: drop

-- The proven constraint spares each of these a look at every row.
alter table tales.stories
    alter column user_id set not null,
    alter column created_at set not null,
    alter column generation_id set not null,
    alter column generation_attempt set not null;

alter table tales.stories drop constraint stories_complete;

drop function tales.bridge_story();
drop function tales.bridge_generation();
drop function tales.link_next_stories(integer);
drop function tales.link_stories(uuid[]);
drop function tales.settle_next_stories(integer);
drop function tales.settle_unlinked(uuid[]);
drop function tales.note_differences(uuid[]);
drop table tales.generations_archive;

-- From here on the owner is bound by the policies too.
alter table tales.generations force row level security;
alter table tales.stories force row level security;
