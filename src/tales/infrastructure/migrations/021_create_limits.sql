-- What keeps one user within bounds: the keys under which a wish may be sent again without a second story, and how
-- many requests a minute there are. Only the service reaches these tables.

-- A key belongs to the generation that was made under it, by the same commit. The reaper forgets it after a day.
create table tales.idempotency_keys (
    user_id uuid not null,
    key text not null,
    -- SHA-256 of what was asked for: the family's words are not kept twice.
    fingerprint bytea not null,
    generation_id uuid not null,
    first_attempt integer not null generated always as (1) stored,
    created_at timestamptz not null default now(),

    constraint idempotency_keys_pkey primary key (user_id, key),
    constraint idempotency_keys_generation_id_key unique (generation_id),
    constraint idempotency_keys_user_id_fkey foreign key (user_id) references auth.users (id) on delete cascade,
    -- Deferred: whoever takes the key first makes the generation, and the others wait for that commit.
    constraint idempotency_keys_generation_id_fkey foreign key (generation_id, first_attempt)
        references tales.generations (generation_id, attempt_number) on delete cascade deferrable initially deferred,
    constraint idempotency_keys_key_is_short check (length(key) between 1 and 255),
    constraint idempotency_keys_fingerprint_is_sha256 check (length(fingerprint) = 32)
);

create index idempotency_keys_created_at_idx on tales.idempotency_keys (created_at);

-- The generic cell rate algorithm (ITU-T I.371): one time a user says all. Unlogged, as a crash may well forget it:
-- it costs no write-ahead log, and no wait for the disk. Half of each page is left free, so that no update touches an
-- index.
create unlogged table tales.request_rates (
    user_id uuid not null,
    -- When the next request would come, if they came evenly.
    next_at timestamptz not null,

    constraint request_rates_pkey primary key (user_id),
    constraint request_rates_user_id_fkey foreign key (user_id) references auth.users (id) on delete cascade
) with (fillfactor = 50);

alter table tales.idempotency_keys enable row level security;
alter table tales.idempotency_keys force row level security;
alter table tales.request_rates enable row level security;
alter table tales.request_rates force row level security;

create policy "the service reads idempotency keys" on tales.idempotency_keys
    for select to service_role using (true);
create policy "the service adds idempotency keys" on tales.idempotency_keys
    for insert to service_role with check (true);
create policy "the service forgets idempotency keys" on tales.idempotency_keys
    for delete to service_role using (true);
create policy "the service reads request rates" on tales.request_rates
    for select to service_role using (true);
create policy "the service adds request rates" on tales.request_rates
    for insert to service_role with check (true);
create policy "the service counts requests" on tales.request_rates
    for update to service_role using (true) with check (true);
create policy "the service forgets request rates" on tales.request_rates
    for delete to service_role using (true);

grant select, insert, delete on tales.idempotency_keys to service_role;
grant select, insert, update, delete on tales.request_rates to service_role;
