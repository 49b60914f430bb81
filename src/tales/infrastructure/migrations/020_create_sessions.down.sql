do $$
begin
    if obj_description(to_regnamespace('auth'), 'pg_namespace') = 'Made by Tales' then
        create or replace function auth.uid() returns uuid language sql stable set search_path = ''
        return (auth.jwt() ->> 'sub')::uuid;

        revoke update (email) on auth.users from service_role;
        drop policy "the service changes addresses" on auth.users;
    end if;
end
$$;

revoke update (email, password_hash, is_admin) on tales.accounts from service_role;
drop policy "the service changes accounts" on tales.accounts;
revoke usage on schema tales from tales_app;
drop table tales.login_attempts;
drop table tales.replaced_refresh_tokens;
drop function tales.session_is_open (uuid);
drop table tales.sessions;
