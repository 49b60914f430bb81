-- Sessions, so that a sign-in can be prolonged and ended, and counts of attempts to get in, so that no password can be
-- guessed by trying. For users whom Tales itself signs in (not on Supabase). Tokens are kept as SHA-256 hashes, the
-- addresses of mail and network as such by a key that is in no database. Only the service reaches these tables.

-- A session that has ended is deleted, and its refresh tokens with it.
create table tales.sessions (
    id uuid not null,
    user_id uuid not null,
    refresh_token_hash bytea not null,
    client_hash bytea not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,

    constraint sessions_pkey primary key (id),
    constraint sessions_user_id_fkey foreign key (user_id) references tales.accounts (user_id) on delete cascade,
    constraint sessions_refresh_token_hash_key unique (refresh_token_hash),
    constraint sessions_token_is_kept_as_a_hash check (octet_length(refresh_token_hash) = 32),
    constraint sessions_client_is_kept_as_a_hash check (octet_length(client_hash) = 32),
    constraint sessions_end_after_they_began check (expires_at > created_at)
);

create index sessions_user_id on tales.sessions (user_id);
create index sessions_expires_at on tales.sessions (expires_at);

-- What was a session's refresh token once. Whoever brings one has a copy of it, or was robbed of it (RFC 9700,
-- section 4.14.2).
create table tales.replaced_refresh_tokens (
    token_hash bytea not null,
    session_id uuid not null,
    replaced_at timestamptz not null,

    constraint replaced_refresh_tokens_pkey primary key (token_hash),
    constraint replaced_refresh_tokens_session_id_fkey foreign key (session_id)
        references tales.sessions (id) on delete cascade,
    constraint replaced_refresh_tokens_are_kept_as_hashes check (octet_length(token_hash) = 32)
);

create index replaced_refresh_tokens_session_id on tales.replaced_refresh_tokens (session_id);

-- Sign-ups, mails that were asked for, and sign-ins that have not succeeded, by address and client. A client that has
-- to wait has a turn, which nobody else can take.
create table tales.login_attempts (
    kind text not null,
    address_hash bytea not null,
    client_hash bytea not null,
    attempts bigint not null,
    last_at timestamptz not null,
    turn_at timestamptz,

    constraint login_attempts_pkey primary key (kind, address_hash, client_hash),
    constraint login_attempts_kind_is_known check (kind in ('sign_in', 'sign_up', 'mail')),
    constraint login_attempts_are_not_negative check (attempts >= 0),
    constraint login_attempts_address_is_kept_as_a_hash check (octet_length(address_hash) = 32),
    constraint login_attempts_client_is_kept_as_a_hash check (octet_length(client_hash) = 32)
);

create index login_attempts_client on tales.login_attempts (kind, client_hash);
create index login_attempts_last_at on tales.login_attempts (last_at);

-- Not forced: the look-up below runs as the owner.
alter table tales.sessions enable row level security;
alter table tales.replaced_refresh_tokens enable row level security;
alter table tales.replaced_refresh_tokens force row level security;
alter table tales.login_attempts enable row level security;
alter table tales.login_attempts force row level security;

create policy "the service keeps sessions" on tales.sessions
    for all to service_role using (true) with check (true);
create policy "the service keeps replaced refresh tokens" on tales.replaced_refresh_tokens
    for all to service_role using (true) with check (true);
create policy "the service counts attempts" on tales.login_attempts
    for all to service_role using (true) with check (true);
create policy "the service changes accounts" on tales.accounts
    for update to service_role using (true) with check (true);

grant select, insert, delete, update (refresh_token_hash, expires_at) on tales.sessions to service_role;
grant select, insert on tales.replaced_refresh_tokens to service_role;
grant select, insert, delete, update (attempts, last_at, turn_at) on tales.login_attempts to service_role;
grant update (email, password_hash, is_admin) on tales.accounts to service_role;

-- Each transaction of a user asks this before it takes on the user's role, so that what a session has been given ends
-- with it, at once.
create function tales.session_is_open(session_id uuid) returns boolean
language sql stable security definer set search_path = ''
return exists (select from tales.sessions where id = session_id);

revoke execute on function tales.session_is_open (uuid) from public;
grant execute on function tales.session_is_open (uuid) to tales_app;
grant usage on schema tales to tales_app;

-- An empty `sub` is nobody, not an error. Supabase's own function is left as it is, and so are its users.
do $$
begin
    if obj_description(to_regnamespace('auth'), 'pg_namespace') = 'Made by Tales' then
        create or replace function auth.uid() returns uuid language sql stable set search_path = ''
        return nullif(auth.jwt() ->> 'sub', '')::uuid;

        create policy "the service changes addresses" on auth.users
            for update to service_role using (true) with check (true);
        grant update (email) on auth.users to service_role;
    end if;
end
$$;
