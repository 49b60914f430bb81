-- A story names the very attempt that wrote it, and loses what generations now hold (decision 1).
--
-- The foreign key is composite, because generation_id alone is not unique in generations; unique in stories, because a
-- generation gives one story at most. Before anything is dropped, every story is compared with its attempt. For a time
-- when nobody writes stories: see 016.
-- squawk-ignore-file adding-not-nullable-field, ban-drop-column, ban-drop-table, ban-drop-constraint
-- squawk-ignore-file ban-drop-function
-- squawk-ignore-file constraint-missing-not-valid, adding-foreign-key-constraint, disallowed-unique-constraint

-- step: expand

alter table tales.stories no force row level security;
alter table tales.generations no force row level security;

alter table tales.stories
    add column generation_id uuid,
    add column generation_attempt integer;

-- How the columns are defined that will be dropped: `down` makes them as they were.
create table tales_migration.dropped_columns as
select a.attnum as position, a.attname::text as column_name,
    format_type(a.atttypid, a.atttypmod) || case when a.attcollation <> t.typcollation
        then ' collate ' || a.attcollation::regcollation else '' end as type,
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
join pg_catalog.pg_type as t on t.oid = a.atttypid
left join pg_catalog.pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
where a.attrelid = 'tales.stories'::regclass
    and a.attname in ('model_used', 'full_response', 'generation_info', 'story_type', 'story_length', 'moral',
        'hero_appearance', 'relationship_description');
alter table tales_migration.dropped_columns add primary key (column_name);

-- What PostgreSQL drops with a column, without a word: indexes, constraints and statistics, in the order of their
-- making.
create table tales_migration.dropped_with_columns as
with dropped as (
    select classid, objid from pg_catalog.pg_depend
    where refclassid = 'pg_catalog.pg_class'::regclass and refobjid = 'tales.stories'::regclass and refobjsubid in (
        select a.attnum from pg_catalog.pg_attribute as a
        join tales_migration.dropped_columns as d on d.column_name = a.attname
        where a.attrelid = 'tales.stories'::regclass
    )
)
select i.indexrelid as made, pg_get_indexdef(i.indexrelid) as statement
from pg_catalog.pg_index as i
where i.indexrelid in (select objid from dropped where classid = 'pg_catalog.pg_class'::regclass)
    and not exists (select from pg_catalog.pg_constraint where conindid = i.indexrelid and conrelid = i.indrelid)
union
select oid, format('alter table tales.stories add constraint %I %s', conname, pg_get_constraintdef(oid))
from pg_catalog.pg_constraint
where conrelid = 'tales.stories'::regclass and contype <> 'n'
    and oid in (select objid from dropped where classid = 'pg_catalog.pg_constraint'::regclass)
union
select oid, pg_get_statisticsobjdef(oid)
from pg_catalog.pg_statistic_ext
where stxrelid = 'tales.stories'::regclass
    and oid in (select objid from dropped where classid = 'pg_catalog.pg_statistic_ext'::regclass);

-- A column that is not ours, NOT NULL and without a default, would refuse every new row, as the new application does
-- not know it. It loses its NOT NULL if the operator agrees (set tales.drop_not_null = 'on'; `tales migrate up
-- --yes`), and `down` restores it.
create table tales_migration.relaxed_not_nulls (
    table_name text not null,
    column_name text not null,
    primary key (table_name, column_name)
);
insert into tales_migration.relaxed_not_nulls
select 'stories', attname
from pg_catalog.pg_attribute
where attrelid = 'tales.stories'::regclass and attname in ('user_id', 'created_at') and attnotnull;

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
        if coalesce(current_setting('tales.drop_not_null', true), '') <> 'on' then
            raise exception 'tales.%.% is NOT NULL without a default, and would refuse new rows. '
                'Say --yes to drop that.', extra.relname, extra.attname using errcode = 'check_violation';
        end if;
        execute format('alter table tales.%I alter column %I drop not null', extra.relname, extra.attname);
        insert into tales_migration.relaxed_not_nulls values (extra.relname, extra.attname);
    end loop;
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

-- What of these stories is not as in the attempt that they name: only the old application can have written that. JSON
-- is saved in an array, to tell its null from none.
create function tales_migration.save_differences(ids uuid[]) returns void
language plpgsql set search_path = '' as $$
begin
    delete from tales_migration.saved_originals
    where story_id = any (ids) and column_name not in ('created_at', 'user_id');
    insert into tales_migration.saved_originals
    select s.id, original.column_name, original.old_value
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
    ) as original (column_name, old_value, is_needed)
    where s.id = any (ids) and original.is_needed;
end
$$;

-- Link those of these stories whose attempt an archive has kept.
create function tales_migration.link_archived_stories(ids uuid[]) returns void
language plpgsql set search_path = '' as $$
declare
    archived constant uuid[] := array(
        select story_id from tales.generations_archive where story_id = any (ids) and origin = 'live'
    );
begin
    if cardinality(archived) = 0 then
        return;
    end if;
    insert into tales_migration.saved_originals
    select id, 'created_at', to_jsonb(created_at) from tales.stories
    where id = any (archived) and tales_migration.valid_time(created_at) is null
    for no key update
    on conflict do nothing;
    update tales.stories as s
    set generation_id = g.generation_id,
        generation_attempt = g.attempt_number,
        created_at = tales_migration.story_time(s.created_at, s.updated_at)
    from tales.generations_archive as a
    join tales.generations as g using (generation_id, attempt_number)
    where s.id = any (archived) and s.generation_id is null and a.story_id = s.id and g.user_id = s.user_id;
    perform tales_migration.save_differences(archived);
end
$$;

-- Compare every linked story with the attempt that it is linked to, by a checksum of each column on either side: what
-- the legacy columns hold with what `down` would put there. `differing` are stories that are not the same. Most of the
-- time goes into unpacking responses. Each table is read in its own order for that, and checksums alone are joined: of
-- whole rows, the join would fill the disk, and look responses up in no order. Of that work the planner knows nothing:
-- the settings have it share it, and `offset 0` keeps each use of a checksum from unpacking the responses anew.
create function tales_migration.compare_stories()
returns table (stories bigint, linked bigint, differing bigint, examples uuid[], checksum bigint)
language sql stable set search_path = '' set parallel_tuple_cost = 0 set enable_mergejoin = off as $$
    with legacy as (
        select s.id, s.generation_id, s.generation_attempt, array[
            hash_record_extended(row(s.model_used), 0),
            hash_record_extended(row(s.full_response), 0),
            hash_record_extended(row(s.generation_info), 0),
            hash_record_extended(row(s.story_type), 0),
            hash_record_extended(row(s.story_length), 0),
            hash_record_extended(row(s.moral), 0),
            hash_record_extended(row(s.hero_appearance), 0),
            hash_record_extended(row(s.relationship_description), 0)
        ] as sums
        from tales.stories as s
        offset 0
    ), attempts as (
        select g.generation_id, g.attempt_number, array[
            hash_record_extended(row(g.model_used), 0),
            hash_record_extended(row(g.full_response), 0),
            hash_record_extended(row(g.generation_info), 0),
            hash_record_extended(row(g.story_type), 0),
            hash_record_extended(row(g.story_length), 0),
            hash_record_extended(row(g.moral), 0),
            hash_record_extended(row(g.hero_appearance), 0),
            hash_record_extended(row(g.relationship_description), 0)
        ] as sums
        from tales.generations as g
        offset 0
    ), both_sides as (
        select
            s.id, s.generation_id is not null as is_linked, s.sums as legacy,
            case when o.saved is null then g.sums else array[
                case when o.saved ? 'model_used'
                    then hash_record_extended(row(o.saved ->> 'model_used'), 0) else g.sums[1] end,
                case when o.saved ? 'full_response'
                    then hash_record_extended(row(o.saved #> '{full_response,0}'), 0) else g.sums[2] end,
                case when o.saved ? 'generation_info'
                    then hash_record_extended(row(o.saved #> '{generation_info,0}'), 0) else g.sums[3] end,
                case when o.saved ? 'story_type'
                    then hash_record_extended(row(o.saved ->> 'story_type'), 0) else g.sums[4] end,
                case when o.saved ? 'story_length'
                    then hash_record_extended(row((o.saved ->> 'story_length')::integer), 0) else g.sums[5] end,
                case when o.saved ? 'moral'
                    then hash_record_extended(row(o.saved ->> 'moral'), 0) else g.sums[6] end,
                case when o.saved ? 'hero_appearance'
                    then hash_record_extended(row(o.saved ->> 'hero_appearance'), 0) else g.sums[7] end,
                case when o.saved ? 'relationship_description'
                    then hash_record_extended(row(o.saved ->> 'relationship_description'), 0) else g.sums[8] end
            ] end as moved
        from legacy as s
        left join attempts as g
            on g.generation_id = s.generation_id and g.attempt_number = s.generation_attempt
        left join (
            select story_id, jsonb_object_agg(column_name, old_value) as saved
            from tales_migration.saved_originals
            group by story_id
        ) as o on o.story_id = s.id
    )
    select
        count(*), count(*) filter (where is_linked),
        count(*) filter (where is_linked and legacy is distinct from moved),
        (array_agg(id) filter (where is_linked and legacy is distinct from moved))[1:5],
        bit_xor(hash_array_extended(moved, 0))
    from both_sides
$$;

-- Stop where a story and its attempt are not the same.
create function tales_migration.refuse_differing_stories() returns void
language plpgsql set search_path = '' as $$
declare
    found record;
begin
    select * into found from tales_migration.compare_stories();
    if found.differing > 0 then
        raise exception '% of % stories differ from their attempts, such as %', found.differing, found.stories,
            found.examples[1] using errcode = 'data_exception';
    end if;
end
$$;

-- step: link

do $$
begin
    perform tales_migration.set_own_write(true);
    perform tales_migration.mute_triggers(true);
    perform tales_migration.link_archived_stories(array(select story_id from tales.generations_archive));
    update tales.stories as s
    set generation_id = g.generation_id,
        generation_attempt = g.attempt_number,
        created_at = tales_migration.story_time(s.created_at, s.updated_at)
    from tales.generations as g
    where s.generation_id is null
        and g.generation_id = tales_migration.generation_id_of(s.id) and g.attempt_number = 1
        and g.user_id = s.user_id;
    perform tales_migration.mute_triggers(false);
    perform tales_migration.set_own_write(false);
end
$$;

alter table tales.stories
    add constraint stories_generation_id_key unique (generation_id),
    add constraint stories_generation_fkey foreign key (generation_id, generation_attempt)
        references tales.generations (generation_id, attempt_number) on delete restrict;

-- step: contract

do $$
declare
    unlinked bigint;
begin
    lock table tales.stories in access exclusive mode;
    select count(*) into unlinked from tales.stories where generation_id is null;
    if unlinked > 0 then
        raise exception '% stories have no attempt. Take 017 and 016 back, then run `tales migrate up`.', unlinked
            using errcode = 'check_violation';
    end if;
    perform tales_migration.refuse_differing_stories();

    -- What `tales migrate` has made to keep copies in step would fail without the old columns.
    drop trigger if exists zz_stories_keep_own_write on tales.stories;
    drop trigger if exists stories_sync on tales.stories;
    drop trigger if exists stories_sync_json on tales.stories;
    drop trigger generations_guard_ended on tales.generations;
    create trigger generations_guard_ended before update on tales.generations
        for each row when (old.status <> 'pending') execute function tales.guard_attempt();

    create trigger stories_check_attempt
        before insert or update of generation_id, generation_attempt, user_id on tales.stories
        for each row execute function tales.check_story_attempt();
    drop view if exists tales_migration.copies;
    alter table tales.stories
        alter column user_id set not null,
        alter column created_at set not null,
        alter column generation_id set not null,
        alter column generation_attempt set not null,
        drop column model_used,
        drop column full_response,
        drop column generation_info,
        drop column story_type,
        drop column story_length,
        drop column moral,
        drop column hero_appearance,
        drop column relationship_description;
end
$$;

-- step: finish

drop table tales.generations_archive;

-- A new database had nothing that would have to be put back, and keeps nothing for it.
do $$
begin
    if not exists (select from tales.stories)
        and not exists (select from tales_migration.relaxed_not_nulls)
        and not exists (select from tales_migration.dropped_with_columns)
        and not exists (select from tales_migration.forced_tables)
        and to_regclass('tales.stories_unowned') is null and to_regclass('tales.stories_quarantined') is null
        and (
            select string_agg(concat_ws(' ', column_name, type, case when is_not_null then 'not null' end,
                default_value), ', ' order by column_name)
            from tales_migration.dropped_columns where statements = '{}'
        ) = 'full_response jsonb, generation_info jsonb, hero_appearance text, model_used text, moral text, '
            'relationship_description text, story_length integer, story_type text not null ''child''::text'
    then
        drop schema tales_migration cascade;
    end if;
end
$$;

-- The owner moves no row any more, and is bound by the policies too from here on.
alter table tales.generations force row level security;
alter table tales.stories force row level security;
alter table tales.children force row level security;
alter table tales.heroes force row level security;
