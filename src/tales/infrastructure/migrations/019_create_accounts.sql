-- Users who sign in with an address and a password, where Tales itself keeps them (not on Supabase).
-- Only the service reaches this table.

create table tales.accounts (
    user_id uuid not null,
    email text not null,
    password_hash text not null,
    is_admin boolean not null default false,
    created_at timestamptz not null default now(),

    constraint accounts_pkey primary key (user_id),
    constraint accounts_user_id_fkey foreign key (user_id) references auth.users (id) on delete cascade,
    constraint accounts_email_is_lower_case check (email = lower(email)),
    constraint accounts_email_key unique (email)
);

alter table tales.accounts enable row level security;
alter table tales.accounts force row level security;

create policy "the service reads accounts" on tales.accounts
    for select to service_role using (true);
create policy "the service adds accounts" on tales.accounts
    for insert to service_role with check (true);

grant select, insert on tales.accounts to service_role;
