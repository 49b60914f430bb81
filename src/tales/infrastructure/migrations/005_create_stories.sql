-- Stories as families read them (specification, "Story Content Fields").

create table tales.stories (
    id uuid primary key default gen_random_uuid(),
    title text not null,
    content text not null,
    child_id uuid references tales.children (id) on delete set null,
    hero_id uuid references tales.heroes (id) on delete set null,
    created_at timestamptz default now(),
    updated_at timestamptz default now(),
    user_id uuid references auth.users (id) on delete cascade
);
