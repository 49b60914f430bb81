-- The schema that everything lives in, and the three roles that a request can run as.
-- Supabase has these roles already: they are left as they are. A role belongs to the whole cluster.

create schema if not exists tales;

do $$
declare
    role_name text;
    -- From PostgreSQL 16 on, to be a member is not yet to be allowed to take the role on.
    may_take_on text := case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end;
begin
    foreach role_name in array array['anon', 'authenticated', 'service_role'] loop
        -- Another migrator of the cluster may be as far at the same time.
        begin
            if to_regrole(role_name) is null then
                execute format('create role %I nologin noinherit', role_name);
            end if;
        exception when duplicate_object or unique_violation then null;
        end;
        -- Whoever migrates may take these roles on: the service does so for each request.
        if not pg_has_role(current_user, role_name, may_take_on) then
            execute format('grant %I to %I', role_name, current_user);
        end if;
    end loop;
end
$$;

grant usage on schema tales to anon, authenticated, service_role;
