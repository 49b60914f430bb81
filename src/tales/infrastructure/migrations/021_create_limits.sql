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

-- Count requests, each of its user: 0, or the seconds to wait, when there were more than so many a minute, and it is
-- not counted and writes nothing. One statement counts for many users, so that no request is a statement of its own.
-- The clock's time, not the transaction's: a statement may have waited for another one's row.
create function tales.count_requests(user_ids uuid[], per_minute integer)
returns table (user_id uuid, wait double precision)
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
    gap constant interval := make_interval(secs => 60 / per_minute::double precision);
    -- What may come at once.
    bucket constant interval := interval '1 minute';
    counted uuid;
begin
    perform set_config('request.jwt.claims', '{"role": "service_role"}', true),
        set_config('role', 'service_role', true);
    -- In one order for all: of two that wait for the same users, none waits for the other.
    for counted in select given.id from unnest(user_ids) as given (id) order by given.id loop
        begin
            insert into tales.request_rates as r (user_id, next_at) values (counted, clock_timestamp() + gap)
            on conflict (user_id) do update set next_at = greatest(r.next_at, clock_timestamp()) + gap
                where greatest(r.next_at, clock_timestamp()) + gap <= clock_timestamp() + bucket;
            return query select counted, case when found then 0 else greatest(0.001, extract(epoch from coalesce(
                (select gap + (r.next_at - bucket - clock_timestamp()) from tales.request_rates as r
                    where r.user_id = counted), gap
            ))::double precision) end;
        exception when foreign_key_violation then
            -- Nobody of that id has an account (any more). What they may do is not said here, nor in others' requests.
            return query select counted, 0::double precision;
        end;
    end loop;
end
$$;

revoke execute on function tales.count_requests(uuid[], integer) from public;
grant execute on function tales.count_requests(uuid[], integer) to tales_app, service_role;
