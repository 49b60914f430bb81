-- The children of a family.

create table tales.children (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references auth.users (id) on delete cascade,
    name text not null,
    age integer not null check (age between 0 and 17),
    interests text[] not null default '{}',
    gender text,
    created_at timestamptz not null default now()
);

create index children_user_id_idx on tales.children (user_id);
