-- The role that the service signs in with, and the one that asks for generations in a user's name. Neither bypasses
-- row-level security. tales_app has no rights of its own on a family's rows: it takes on the role of each request.
-- tales_requester is the user (it inherits authenticated, and is bound by the same policies), and may also say of a new
-- attempt that the service has made it: in which queue it waits, and who has claimed it.
-- tales_app cannot sign in until an operator allows it: alter role tales_app login password '...'.

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

grant insert (queue, available_at, worker_id, started_at) on tales.generations to tales_requester;
