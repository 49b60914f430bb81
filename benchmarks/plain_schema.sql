-- The tables as the specification names them, and nothing else: what bench_schema.py compares with. In place of
-- Tales' own.
drop schema tales cascade;
create schema tales;
create table tales.generations (
    generation_id uuid not null,
    attempt_number integer not null,
    model_used text not null,
    full_response jsonb,
    status text not null check (status in ('pending', 'success', 'failed', 'timeout')),
    prompt text not null,
    user_id uuid not null references auth.users (id) on delete cascade,
    story_type text not null check (story_type in ('child', 'hero', 'combined')),
    story_length integer,
    hero_appearance text,
    relationship_description text,
    moral text not null,
    error_message text,
    created_at timestamptz default now(),
    completed_at timestamptz,
    primary key (generation_id, attempt_number)
);
create index on tales.generations (user_id);
create index on tales.generations (status);
create index on tales.generations (created_at);
create index on tales.generations (model_used);
create table tales.stories (
    id uuid primary key,
    title text,
    content text,
    user_id uuid references auth.users (id) on delete cascade,
    generation_id uuid unique,
    generation_attempt integer,
    rating integer,
    created_at timestamptz default now(),
    foreign key (generation_id, generation_attempt) references tales.generations (generation_id, attempt_number)
);
