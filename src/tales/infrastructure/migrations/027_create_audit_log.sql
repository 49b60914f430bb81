-- Who has looked at another family's contents: prompts and responses, as the API and the command line show them.
--
-- A look is inserted by the transaction that reads. Nobody changes or deletes one, the owner neither: ids alone stand
-- here, of nobody and of nothing once a user is erased, so a look outlives both who looked and what was looked at.

-- step: table

create table if not exists tales.audit_log (
    id uuid not null default gen_random_uuid(),
    accessed_at timestamptz not null default now(),
    -- The admin whose token it was; none is the operator, on a machine that reaches the database.
    viewer_id uuid,
    via text not null,
    generation_id uuid not null,
    user_id uuid not null,

    constraint audit_log_pkey primary key (id),
    constraint audit_log_via_is_known check (via in ('api', 'command_line')),
    constraint audit_log_by_somebody check (via <> 'api' or viewer_id is not null)
);
create index if not exists audit_log_generation_id_idx on tales.audit_log (generation_id);
create index if not exists audit_log_accessed_at_idx on tales.audit_log (accessed_at);

create function tales.keep_audit_log() returns trigger
language plpgsql set search_path = '' as $$
begin
    raise exception 'who has looked is kept, and never changes'
        using errcode = 'check_violation', constraint = 'audit_log_is_kept', table = 'audit_log';
end
$$;
revoke execute on function tales.keep_audit_log() from public;

create trigger audit_log_is_kept before update or delete or truncate on tales.audit_log
    for each statement execute function tales.keep_audit_log();

alter table tales.audit_log enable row level security;
alter table tales.audit_log force row level security;

create policy "the service reads the audit log" on tales.audit_log for select to service_role using (true);
create policy "the service writes the audit log" on tales.audit_log for insert to service_role with check (true);
grant select, insert on tales.audit_log to service_role;

-- step: error_type_index, concurrently

-- For who looks for failures of one kind: only an attempt that failed is in it.
create index if not exists generations_error_type_idx on tales.generations
    (error_type, created_at desc, generation_id desc) where error_type is not null;
