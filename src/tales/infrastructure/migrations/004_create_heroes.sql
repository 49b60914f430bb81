-- Heroes. One without a user is ready-made: every family sees it, none can change it.

create table tales.heroes (
    id uuid primary key default gen_random_uuid(),
    user_id uuid references auth.users (id) on delete cascade,
    name text not null,
    appearance text,
    created_at timestamptz not null default now()
);

create index heroes_user_id_idx on tales.heroes (user_id);
