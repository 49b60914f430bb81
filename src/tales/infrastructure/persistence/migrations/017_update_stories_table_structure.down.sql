-- Stories hold again what the legacy table held. What it cannot hold (other attempts, prompts) goes to an archive, from
-- which 016 brings it back. Also from the middle of 017: then the old columns are there still, and as they should be.

alter table tales.stories no force row level security;
alter table tales.generations no force row level security;

create table if not exists tales.generations_archive (
    like tales.generations,
    story_id uuid,
    foreign key (user_id) references auth.users (id) on delete cascade,
    foreign key (child_id) references tales.children (id) on delete set null,
    foreign key (hero_id) references tales.heroes (id) on delete set null
);
create index if not exists generations_archive_story_id_idx on tales.generations_archive (story_id);
alter table tales.generations_archive enable row level security;

delete from tales.generations_archive;
insert into tales.generations_archive
select g.*, s.id
from tales.generations as g
left join tales.stories as s on s.generation_id = g.generation_id and s.generation_attempt = g.attempt_number
where g.origin = 'live' or s.id is null or g.reconciled_cost_usd is not null;

drop trigger if exists zz_stories_bridge on tales.stories;
drop trigger if exists "0_stories_bridge" on tales.stories;
drop trigger if exists "0_stories_bridge_response" on tales.stories;
drop trigger if exists stories_keep_generation on tales.stories;
drop trigger if exists stories_keep_response on tales.stories;
drop trigger if exists stories_check_attempt on tales.stories;
drop function if exists tales.check_story_attempt();
drop function if exists tales.refuse_differing_stories();
drop function if exists tales.compare_stories();
drop function if exists tales.bridge_story();
drop function if exists tales.bridge_generation();
drop function if exists tales.link_next_stories(integer);
drop function if exists tales.link_stories(uuid[]);
drop function if exists tales.settle_next_stories(integer);
drop function if exists tales.settle_unlinked(uuid[]);
drop function if exists tales.note_differences(uuid[]);

alter table tales.stories
    alter column user_id drop not null,
    alter column created_at drop not null;

select tales.say_moving(true);

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

    for legacy in select * from tales.legacy_columns order by position loop
        execute format('alter table tales.stories add column %I %s', legacy.column_name, legacy.type);
    end loop;

    -- As the attempt has it, or as it was before the migration changed it.
    update tales.stories as s
    set model_used = case when n.notes ? 'model_used' then n.notes ->> 'model_used' else g.model_used end,
        full_response = case when n.notes ? 'full_response' then n.notes #> '{full_response,0}' else g.full_response end,
        generation_info = case when n.notes ? 'generation_info' then n.notes #> '{generation_info,0}' else g.generation_info end,
        story_type = case when n.notes ? 'story_type' then n.notes ->> 'story_type' else g.story_type end,
        story_length = case when n.notes ? 'story_length' then (n.notes ->> 'story_length')::integer else g.story_length end,
        moral = case when n.notes ? 'moral' then n.notes ->> 'moral' else g.moral end,
        hero_appearance = case when n.notes ? 'hero_appearance'
            then n.notes ->> 'hero_appearance' else g.hero_appearance end,
        relationship_description = case when n.notes ? 'relationship_description'
            then n.notes ->> 'relationship_description' else g.relationship_description end
    from tales.stories as t
    join tales.generations as g on g.generation_id = t.generation_id and g.attempt_number = t.generation_attempt
    left join (
        select story_id, jsonb_object_agg(column_name, old_value) as notes
        from tales.migration_notes
        group by story_id
    ) as n on n.story_id = t.id
    where t.id = s.id;

    for legacy in select * from tales.legacy_columns loop
        if legacy.is_not_null then
            execute format('alter table tales.stories alter column %I set not null', legacy.column_name);
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

update tales.stories as s set created_at = null
from tales.migration_notes as n
where n.story_id = s.id and n.column_name = 'created_at';

select tales.say_moving(false);

alter table tales.stories
    drop constraint if exists stories_complete,
    drop constraint if exists stories_generation_fkey,
    drop constraint if exists stories_generation_id_key;
drop index if exists tales.stories_generation_id_key;
alter table tales.stories
    drop column if exists generation_id,
    drop column if exists generation_attempt;

-- A column that was relaxed is NOT NULL again, unless rows that were written since have nothing there.
do $$
declare
    relaxed record;
    empty bigint;
begin
    if to_regclass('tales.relaxed_columns') is null then
        return;
    end if;
    for relaxed in select table_name, column_name from tales.relaxed_columns loop
        execute format('select count(*) from tales.%I where %I is null', relaxed.table_name, relaxed.column_name) into empty;
        if empty = 0 then
            execute format('alter table tales.%I alter column %I set not null', relaxed.table_name, relaxed.column_name);
        else
            raise warning 'tales.%.% stays without NOT NULL: % rows have no value there. Fill them, then set it yourself.',
                relaxed.table_name, relaxed.column_name, empty;
        end if;
    end loop;
    drop table tales.relaxed_columns;
end
$$;

drop table if exists tales.legacy_columns;
update tales.migration_state set linked_up_to = default, stories_file = default;
create trigger stories_keep_generation after insert or update or delete on tales.stories
    for each row execute function tales.keep_generation();
create trigger stories_keep_response after update of full_response, generation_info on tales.stories
    for each row execute function tales.keep_generation('named');
