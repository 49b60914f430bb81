-- The role that the service signs in with, and the one that asks for generations in a user's name. Neither bypasses
-- row-level security. tales_app has no rights of its own on a family's rows: it takes on the role of each request.
-- tales_requester is the user (it inherits authenticated, and is bound by the same policies), and may also say of a
-- new attempt that the service has made it: in which queue it waits for its turn, and who has claimed it. tales_app
-- cannot sign in until an operator allows it: alter role tales_app login password '...'.

do $$
declare
    role_name text;
    may_take_on text := case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end;
begin
    foreach role_name in array array['tales_app', 'tales_requester'] loop
        -- Another migrator of the cluster may be as far at the same time.
        begin
            if to_regrole(role_name) is null then
                execute format('create role %I nologin %s', role_name,
                    case role_name when 'tales_requester' then 'inherit' else 'noinherit' end);
            end if;
        exception when duplicate_object or unique_violation then null;
        end;
        if not pg_has_role(current_user, role_name, may_take_on) then
            execute format('grant %I to %I', role_name, current_user);
        end if;
    end loop;

    -- Roles belong to the cluster: another database's owner may have granted these already.
    if not pg_has_role('tales_requester', 'authenticated', 'usage') then
        grant authenticated to tales_requester;
    end if;
    foreach role_name in array array['anon', 'authenticated', 'service_role', 'tales_requester'] loop
        if not pg_has_role('tales_app', role_name, may_take_on) then
            execute format('grant %I to tales_app', role_name);
        end if;
    end loop;
end
$$;

grant insert (queue, available_at, turn, worker_id, started_at) on tales.generations to tales_requester;

-- What follows changes nothing in a database that our own 001 to 014 made. In one of another origin the service could
-- not read or write the old tables: these roles were granted nothing, or there is no policy for them, or a column
-- refuses the rows that the service writes. 018 down changes all of it back: how is kept in a table that is there only
-- then. `tales migrate check` says beforehand what will be done.
do $$
declare
    change record;
    statement text;
begin
    for change in
        with family (name, oid) as (
            select relname::text, oid from pg_catalog.pg_class
            where relnamespace = 'tales'::regnamespace and relname in ('stories', 'children', 'heroes')
        ),
        columns as (
            select f.name as on_table, a.attname::text as name, a.attnotnull as is_not_null, a.attacl,
                a.atthasdef or a.attidentity <> '' or t.typdefault is not null as is_filled
            from family as f
            join pg_catalog.pg_attribute as a on a.attrelid = f.oid and a.attnum > 0 and not a.attisdropped
            join pg_catalog.pg_type as t on t.oid = a.atttypid
        ),
        wanted_rights (on_table, grantee, privilege) as (
            select t.name, r.grantee, p.privilege
            from (values ('stories'), ('children'), ('heroes')) as t (name)
            cross join (values
                ('authenticated', array['select', 'insert', 'update', 'delete']), ('service_role', array['select'])
            ) as r (grantee, privileges)
            cross join unnest(r.privileges) as p (privilege)
            union all select 'stories', 'service_role', 'insert'
        ),
        wanted_policies (on_table, name, command, grantee, clauses) as (
            select t.name, format('users %s their own %s', c.verb, t.name), c.command, 'authenticated', c.clauses
            from (values ('stories'), ('children'), ('heroes')) as t (name)
            cross join (values
                ('read', 'select', 'using (user_id = (select auth.uid()))'),
                ('add', 'insert', 'with check (user_id = (select auth.uid()))'),
                ('change', 'update',
                    'using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()))'),
                ('delete', 'delete', 'using (user_id = (select auth.uid()))')
            ) as c (verb, command, clauses)
            where (t.name, c.verb) <> ('heroes', 'read')
            union all select 'heroes', 'users read their own and ready-made heroes', 'select', 'authenticated',
                'using (user_id is null or user_id = (select auth.uid()))'
            union all select t.name, format('the service reads %s', t.name), 'select', 'service_role', 'using (true)'
            from (values ('stories'), ('children'), ('heroes')) as t (name)
            union all select 'stories', 'the service adds stories', 'insert', 'service_role', 'with check (true)'
        )
        select * from (
            select 1 as place, null::text as refuses, format('grant usage on schema tales to %I', r.name) as statement,
                array[format('revoke usage on schema tales from %I', r.name)] as undo
            from (values ('anon'), ('authenticated'), ('service_role')) as r (name)
            where not has_schema_privilege(r.name, 'tales', 'usage')
            union all
            -- To take a right on the table away takes that on its columns away as well.
            select 2, null, format('grant %s on tales.%I to %I', w.privilege, w.on_table, w.grantee),
                array[format('revoke %s on tales.%I from %I', w.privilege, w.on_table, w.grantee)] || array(
                    select format('grant %s (%I) on tales.%I to %I%s', w.privilege, c.name, w.on_table, w.grantee,
                        case when a.is_grantable then ' with grant option' else '' end)
                    from columns as c
                    cross join aclexplode(c.attacl) as a
                    where c.on_table = w.on_table and a.grantee = to_regrole(w.grantee)
                        and lower(a.privilege_type) = w.privilege
                )
            from wanted_rights as w
            where not has_table_privilege(w.grantee, format('tales.%I', w.on_table), w.privilege)
            union all
            -- A default that counts; one of an identity column asks for no right.
            select distinct 2, null::text, format('grant usage on sequence %s to %I', s.oid::regclass, w.grantee),
                array[format('revoke usage on sequence %s from %I', s.oid::regclass, w.grantee)]
            from wanted_rights as w
            join family as f on f.name = w.on_table
            join pg_catalog.pg_attrdef as d on d.adrelid = f.oid
            join pg_catalog.pg_depend as p on p.classid = 'pg_catalog.pg_attrdef'::regclass and p.objid = d.oid
            join pg_catalog.pg_class as s on s.oid = p.refobjid and s.relkind = 'S'
            where w.privilege = 'insert' and p.refclassid = 'pg_catalog.pg_class'::regclass
                and not has_sequence_privilege(w.grantee, s.oid, 'usage')
            union all
            select 3, null, format('create policy %I on tales.%I for %s to %I %s',
                    w.name, w.on_table, w.command, w.grantee, w.clauses),
                array[format('drop policy if exists %I on tales.%I', w.name, w.on_table)]
            from wanted_policies as w
            join family as f on f.name = w.on_table
            where not exists (
                select from pg_catalog.pg_policy as p where p.polrelid = f.oid and p.polname = w.name
            )
            union all
            -- Families share these tables: without policies each would see all of them.
            select 4, null, format('alter table tales.%I enable row level security', f.name),
                array[format('alter table tales.%I disable row level security', f.name)]
            from family as f join pg_catalog.pg_class as c on c.oid = f.oid where not c.relrowsecurity
            union all
            -- The service leaves it to the database to say when a row was made.
            select 6, null, format('alter table tales.%I alter column %I set default now()', c.on_table, c.name),
                array[format('alter table tales.%I alter column %I drop default', c.on_table, c.name)]
            from columns as c
            where not c.is_filled and (c.name = 'created_at' or (c.on_table = 'stories' and c.name = 'updated_at'))
            union all
            -- 017 does so for the columns that no table of ours has.
            select 7, format('tales.%s.%s', c.on_table, c.name),
                format('alter table tales.%I alter column %I drop not null', c.on_table, c.name),
                array[format('alter table tales.%I alter column %I set not null', c.on_table, c.name)]
            from columns as c
            where c.is_not_null and case
                when c.name in ('id', 'user_id', 'created_at', 'updated_at')
                    then (c.on_table, c.name) = ('heroes', 'user_id')
                when c.on_table = 'stories' and c.name in ('title', 'content', 'generation_id', 'generation_attempt')
                    then false
                when c.on_table = 'children' and c.name in ('name', 'age', 'interests') then false
                when c.on_table = 'heroes' and c.name = 'name' then false
                -- The service writes NULL into these, whatever their default is.
                when (c.on_table, c.name) in (('stories', 'child_id'), ('stories', 'hero_id'), ('children', 'gender'),
                    ('heroes', 'appearance')) then true
                else not c.is_filled
            end
        ) as changes
        order by place
    loop
        if change.refuses is not null and coalesce(current_setting('tales.drop_not_null', true), '') <> 'on' then
            raise exception '% is NOT NULL, and would refuse new rows. Say --yes to drop that.', change.refuses
                using errcode = 'check_violation';
        end if;
        execute change.statement;
        if to_regclass('tales_migration.undo_statements') is null then
            create schema if not exists tales_migration;
            create table tales_migration.undo_statements (
                number integer generated always as identity primary key,
                undo text not null
            );
        end if;
        foreach statement in array change.undo loop
            insert into tales_migration.undo_statements (undo) values (statement);
        end loop;
    end loop;
end
$$;
