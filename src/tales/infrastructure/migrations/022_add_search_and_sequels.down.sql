-- Which story carries on which stays, if any does, and so do the ready-made heroes that stories or attempts are
-- about: the way up finds them again.

-- The owner is bound by the policies too, and would see none of them.
alter table tales.stories no force row level security;
alter table tales.generations no force row level security;
alter table tales.heroes no force row level security;
-- One by one: a table that is not ours may refer to one of them.
do $$
declare
    ready_made record;
begin
    for ready_made in
        select h.id from tales.heroes as h
        where h.user_id is null
            and h.id between '00000000-0000-8000-8000-000000000101' and '00000000-0000-8000-8000-000000000106'
            and not exists (select from tales.stories where hero_id = h.id)
            and not exists (select from tales.generations where hero_id = h.id)
    loop
        begin
            delete from tales.heroes where id = ready_made.id;
        exception when foreign_key_violation or restrict_violation then null;
        end;
    end loop;
end
$$;
alter table tales.stories force row level security;
alter table tales.generations force row level security;
do $$
begin
    if not exists (
        select from pg_catalog.pg_attribute
        where attrelid = 'tales.stories'::regclass and attname = 'model_used' and not attisdropped
    ) then
        alter table tales.heroes force row level security;
    end if;
end
$$;

do $$
begin
    if obj_description(to_regnamespace('auth'), 'pg_namespace') = 'Made by Tales' then
        revoke delete on auth.users from service_role;
        drop policy if exists "the service erases users" on auth.users;
    end if;
end
$$;

-- An index that replaces no other says so.
do $$
declare
    replaced record;
begin
    for replaced in
        select * from (values
            ('children', 'user_id', 'children_user_id_created_at_idx'),
            ('heroes', 'user_id', 'heroes_user_id_created_at_idx'),
            ('stories', 'child_id', 'stories_child_id_created_at_idx'),
            ('stories', 'hero_id', 'stories_hero_id_created_at_idx')
        ) as r (on_table, column_name, successor)
        where obj_description(to_regclass('tales.' || successor), 'pg_class') is null
    loop
        execute format('create index if not exists %s_%s_idx on tales.%1$s (%2$s)',
            replaced.on_table, replaced.column_name);
    end loop;
end
$$;

create index if not exists generations_user_id_idx
    on tales.generations (user_id, created_at desc, generation_id desc);

drop index if exists tales.children_user_id_created_at_idx;
drop index if exists tales.heroes_user_id_created_at_idx;
drop index if exists tales.heroes_ready_made_idx;
drop index if exists tales.generations_user_id_created_at_idx;
drop index if exists tales.stories_hero_id_created_at_idx;
drop index if exists tales.stories_child_id_created_at_idx;

drop function if exists tales.story_has(text, text, text[], tsquery);
drop function if exists tales.search_patterns(text);
drop function if exists tales.folded(text);
drop function if exists tales.search_query(text);
drop function if exists tales.spaced(text);

do $$
begin
    if to_regclass('tales.sequels') is null then
        return;
    end if;
    alter table tales.sequels no force row level security;
    drop trigger if exists sequels_check_sequel on tales.sequels;
    drop policy if exists "users read their own sequels" on tales.sequels;
    drop policy if exists "users add their own sequels" on tales.sequels;
    drop policy if exists "the service reads sequels" on tales.sequels;
    revoke all on tales.sequels from authenticated, service_role;
    if not exists (select from tales.sequels) then
        drop table tales.sequels;
    end if;
end
$$;
drop function if exists tales.check_sequel();
