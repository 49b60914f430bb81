-- Who has looked at another family's contents: prompts and responses, as the API and the command line show them.
--
-- A look is inserted by the transaction that reads. Nobody changes or deletes one, the owner neither: ids alone stand
-- here, of nobody and of nothing once a user is erased, so a look outlives both who looked and what was looked at.

-- step: table

create table if not exists tales.looks (
    id uuid not null default gen_random_uuid(),
    looked_at timestamptz not null default now(),
    -- The admin whose token it was; none is the operator, on a machine that reaches the database.
    viewer_id uuid,
    via text not null,
    generation_id uuid not null,
    user_id uuid not null,

    constraint looks_pkey primary key (id),
    constraint looks_via_is_known check (via in ('api', 'command_line')),
    constraint looks_by_somebody check (via <> 'api' or viewer_id is not null)
);
create index if not exists looks_generation_id_idx on tales.looks (generation_id);
create index if not exists looks_looked_at_idx on tales.looks (looked_at);

create function tales.keep_looks() returns trigger
language plpgsql set search_path = '' as $$
begin
    raise exception 'who has looked is kept, and never changes'
        using errcode = 'check_violation', constraint = 'looks_are_kept', table = 'looks';
end
$$;
revoke execute on function tales.keep_looks() from public;

create trigger looks_are_kept before update or delete or truncate on tales.looks
    for each statement execute function tales.keep_looks();

alter table tales.looks enable row level security;
alter table tales.looks force row level security;

create policy "the service reads looks" on tales.looks for select to service_role using (true);
create policy "the service records looks" on tales.looks for insert to service_role with check (true);
grant select, insert on tales.looks to service_role;

-- step: error_type_index, concurrently

-- For who looks for failures of one kind: only an attempt that failed is in it.
create index if not exists generations_error_type_idx on tales.generations
    (error_type, created_at desc, generation_id desc) where error_type is not null;
