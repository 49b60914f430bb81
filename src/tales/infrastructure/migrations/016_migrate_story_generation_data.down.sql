-- The stories that were set aside come back; what was moved is in the stories still, or again (017 down).

alter table tales.stories no force row level security;
alter table tales.generations no force row level security;

-- What keeps copies in step goes first, where `tales migrate` has made it: nothing of this is a write of an
-- application. Triggers of others are muted until it is done.
do $$
declare
    trigger record;
begin
    for trigger in
        select tgname
        from pg_catalog.pg_trigger as t
        join pg_catalog.pg_proc as p on p.oid = t.tgfoid
        where t.tgrelid = 'tales.stories'::regclass and p.pronamespace = to_regnamespace('tales_migration')
    loop
        execute format('drop trigger %I on tales.stories', trigger.tgname);
    end loop;
end
$$;
select tales_migration.mute_triggers(true);

update tales.stories as s set user_id = (o.old_value #>> '{}')::uuid
from tales_migration.saved_originals as o
where o.story_id = s.id and o.column_name = 'user_id';

-- By name: 017 down has added the old columns at the end. What a column computes is computed again.
do $$
declare
    set_aside text;
    columns text;
begin
    foreach set_aside in array array['stories_unowned', 'stories_quarantined'] loop
        if to_regclass(format('tales.%I', set_aside)) is null then
            continue;
        end if;
        select string_agg(quote_ident(kept.attname), ', ') into columns
        from pg_catalog.pg_attribute as kept
        join pg_catalog.pg_attribute as story on story.attname = kept.attname
        where kept.attrelid = format('tales.%I', set_aside)::regclass and story.attrelid = 'tales.stories'::regclass
            and kept.attnum > 0 and not kept.attisdropped and story.attgenerated = '';
        execute format('insert into tales.stories (%s) overriding system value select %s from tales.%I',
            columns, columns, set_aside);
        execute format('drop table tales.%I', set_aside);
    end loop;
end
$$;

delete from tales.generations;

select tales_migration.mute_triggers(false);

do $$
declare
    forced record;
begin
    for forced in select table_name from tales_migration.forced_tables loop
        execute format('alter table tales.%I force row level security', forced.table_name);
    end loop;
end
$$;

drop trigger generations_guard_ended on tales.generations;
drop schema tales_migration cascade;
create trigger generations_guard_ended before update on tales.generations
    for each row when (old.status <> 'pending') execute function tales.guard_attempt();

-- An archive that holds nothing is none.
do $$
begin
    if to_regclass('tales.generations_archive') is not null then
        if not exists (select from tales.generations_archive) then
            drop table tales.generations_archive;
        end if;
    end if;
end
$$;
