-- Users, and who the present request is from, in the shape of Supabase's `auth` schema.
-- Where that schema exists (on Supabase), nothing is changed.

do $$
begin
    if to_regnamespace('auth') is not null then
        return;
    end if;

    create schema auth;
    comment on schema auth is 'Made by Tales';
    grant usage on schema auth to anon, authenticated, service_role;

    create table auth.users (
        id uuid primary key,
        email text,
        created_at timestamptz not null default now()
    );
    alter table auth.users enable row level security;

    -- The claims of the token that the request came with; an empty object without one.
    create function auth.jwt() returns jsonb language sql stable set search_path = ''
    return coalesce(nullif(current_setting('request.jwt.claims', true), ''), '{}')::jsonb;

    create function auth.uid() returns uuid language sql stable set search_path = ''
    return (auth.jwt() ->> 'sub')::uuid;

    create function auth.role() returns text language sql stable set search_path = ''
    return auth.jwt() ->> 'role';

    -- As everywhere by default; an owner may have taken that default away.
    grant execute on function auth.jwt(), auth.uid(), auth.role() to public;

    create policy "the service reads users" on auth.users for select to service_role using (true);
    create policy "the service adds users" on auth.users for insert to service_role with check (true);
    grant select, insert on auth.users to service_role;
end
$$;
