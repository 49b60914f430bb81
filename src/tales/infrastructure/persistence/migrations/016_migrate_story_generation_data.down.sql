-- The stories that were set aside come back; what was moved is in the stories again (017 down).

alter table tales.stories no force row level security;
alter table tales.generations no force row level security;

-- By name: 017 down has added the old columns at the end.
do $$
declare
    set_aside text;
    columns text;
begin
    foreach set_aside in array array['stories_unowned', 'stories_quarantined'] loop
        select string_agg(quote_ident(attname), ', ') into columns
        from pg_catalog.pg_attribute
        where attrelid = format('tales.%I', set_aside)::regclass and attnum > 0 and not attisdropped;
        execute format('insert into tales.stories (%s) select %s from tales.%I', columns, columns, set_aside);
    end loop;
end
$$;

delete from tales.generations;

-- An archive that holds nothing is none.
do $$
begin
    if not exists (select from tales.generations_archive) then
        drop table tales.generations_archive;
    end if;
end
$$;

drop table tales.stories_quarantined;
drop table tales.stories_unowned;
drop table tales.migration_notes;
drop function tales.migrated_generation_id(uuid);

alter table tales.generations force row level security;
