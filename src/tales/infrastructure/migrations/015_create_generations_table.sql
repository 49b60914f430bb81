-- Every call to a model is a row of tales.generations that nobody can lose or forge.
--
-- A generation is one request for a story; its attempts are numbered from 1 without a gap, and each is one call. An
-- attempt begins pending and ends once. What has ended never changes, but for the three exceptions below.
-- Columns beyond the specification's are those of decisions 3, 4, 8 and 11.

-- A number of tokens out of a provider's answer: NULL where it holds anything else.
create function tales.json_count(value jsonb) returns integer
language sql immutable parallel safe set search_path = ''
return case when jsonb_typeof(value) = 'number' then
    case when value::numeric between 0 and 2147483647 and value::numeric = trunc(value::numeric)
        then value::numeric::integer end
end;

-- An amount of US dollars out of a provider's answer: NULL where it holds anything else.
create function tales.json_amount(value jsonb) returns numeric
language sql immutable parallel safe set search_path = ''
return case when jsonb_typeof(value) = 'number' then
    case when value::numeric between 0 and 999999 then round(value::numeric, 12) end
end;

-- A short name out of a provider's answer: NULL where it holds anything else.
create function tales.json_name(value jsonb) returns text
language sql immutable parallel safe set search_path = ''
return case when jsonb_typeof(value) = 'string' then left(value #>> '{}', 200) end;

-- Sealed text is marked as such (decision 12).
create function tales.is_sealed(value text) returns boolean
language sql immutable parallel safe set search_path = ''
return coalesce(starts_with(value, 'sealed:'), false);

create table tales.generations (
    generation_id uuid not null,
    attempt_number integer not null,
    model_used text not null,
    full_response jsonb,
    status text not null,
    prompt text,
    user_id uuid not null,
    story_type text not null,
    story_length integer,
    hero_appearance text,
    relationship_description text,
    moral text not null,
    error_message text,
    created_at timestamptz not null default now(),
    completed_at timestamptz,

    origin text not null default 'live',
    generation_info jsonb,
    child_id uuid,
    hero_id uuid,
    language text,
    prompt_version text,
    started_at timestamptz,
    first_token_at timestamptz,
    -- One of those that tales.is_error_type knows (026).
    error_type text,
    http_status integer,
    provider_generation_id text,
    reconciled_cost_usd numeric(18, 12),

    -- The attempt is its own job: who may take it, from when on, in whose turn, and who has taken it. Without a queue
    -- it came in beside the service, and no model is called for it (decision 13).
    queue text,
    available_at timestamptz,
    turn bigint,
    worker_id uuid,

    prompt_tokens integer generated always as (tales.json_count(full_response -> 'usage' -> 'prompt_tokens')) stored,
    completion_tokens integer
        generated always as (tales.json_count(full_response -> 'usage' -> 'completion_tokens')) stored,
    cost_usd numeric(18, 12) generated always as (tales.json_amount(full_response -> 'usage' -> 'cost')) stored,
    provider text generated always as (tales.json_name(full_response -> 'provider')) stored,
    served_model text generated always as (tales.json_name(full_response -> 'model')) stored,

    constraint generations_pkey primary key (generation_id, attempt_number),
    constraint generations_user_id_fkey foreign key (user_id) references auth.users (id) on delete cascade,
    constraint generations_child_id_fkey foreign key (child_id) references tales.children (id) on delete set null,
    constraint generations_hero_id_fkey foreign key (hero_id) references tales.heroes (id) on delete set null,

    constraint generations_attempt_number_from_1 check (attempt_number >= 1),
    constraint generations_status_is_known check (status in ('pending', 'success', 'failed', 'timeout')),
    constraint generations_story_type_is_known check (story_type in ('child', 'hero', 'combined')),
    constraint generations_story_length_positive check (story_length > 0),
    constraint generations_origin_is_known check (origin in ('live', 'migrated')),
    constraint generations_live_has_prompt check (prompt is not null or origin = 'migrated'),
    constraint generations_completed_when_ended check ((status = 'pending') = (completed_at is null)),
    constraint generations_success_has_no_error check (status <> 'success' or error_type is null),
    constraint generations_error_message_is_short check (length(error_message) <= 2000),
    constraint generations_reconciled_cost_not_negative check (reconciled_cost_usd >= 0),
    constraint generations_available_when_queued check ((queue is null) = (available_at is null)),
    constraint generations_turn_in_queue check (turn is null or queue is not null),
    constraint generations_claimed_from_queue
        check (worker_id is null or (queue is not null and started_at is not null))
);

-- One success and one call in flight for each generation.
create unique index generations_one_success on tales.generations (generation_id) where status = 'success';
create unique index generations_one_in_flight on tales.generations (generation_id) where status = 'pending';

-- The look-ups that the specification names. The primary key serves those by generation_id (decision 10).
create index generations_user_id_idx on tales.generations (user_id, created_at desc, generation_id desc);
create index generations_status_idx on tales.generations (status, created_at desc, generation_id desc);
create index generations_created_at_idx on tales.generations (created_at);
create index generations_model_used_idx on tales.generations (model_used, created_at);
-- For the foreign keys: without these, deleting a child would read the whole table.
create index generations_child_id_idx on tales.generations (child_id) where child_id is not null;
create index generations_hero_id_idx on tales.generations (hero_id) where hero_id is not null;

-- Attempts are 1 to n without a gap: the next one needs the one before it, ended without success, of the same user.
create function tales.check_attempt_sequence() returns trigger
language plpgsql set search_path = '' as $$
declare
    previous record;
begin
    select user_id, status into previous
    from tales.generations
    where generation_id = new.generation_id and attempt_number = new.attempt_number - 1;

    if not found then
        raise exception 'attempt % of a generation needs attempt % before it',
            new.attempt_number, new.attempt_number - 1
            using errcode = 'check_violation', constraint = 'generations_attempts_without_gap', table = 'generations';
    elsif previous.status in ('pending', 'success') then
        raise exception 'attempt % of a generation needs an attempt before it that ended without success',
            new.attempt_number
            using errcode = 'check_violation', constraint = 'generations_retry_after_failure', table = 'generations';
    elsif previous.user_id <> new.user_id then
        raise exception 'an attempt belongs to the user of the attempt before it'
            using errcode = 'check_violation', constraint = 'generations_one_user', table = 'generations';
    end if;
    return new;
end
$$;

create trigger generations_check_attempt_sequence before insert on tales.generations
    for each row when (new.attempt_number > 1) execute function tales.check_attempt_sequence();

-- Whether a reference is unchanged, or became NULL because what it named is gone.
create function tales.only_forgets(before uuid, after uuid, still_exists boolean) returns boolean
language sql immutable set search_path = ''
return before is not distinct from after or (after is null and not still_exists);

-- Whether a response is unchanged but for message contents, which became sealed.
create function tales.only_seals_response(before jsonb, after jsonb) returns boolean
language sql immutable set search_path = ''
return before is not distinct from after or (
    jsonb_typeof(before -> 'choices') = 'array'
    and jsonb_typeof(after -> 'choices') = 'array'
    and before - 'choices' = after - 'choices'
    and not exists (
        select from jsonb_array_elements(before -> 'choices') with ordinality as b (choice, n)
        full join jsonb_array_elements(after -> 'choices') with ordinality as a (choice, n) using (n)
        where b.choice - 'message' is distinct from a.choice - 'message'
            or jsonb_typeof(b.choice -> 'message') is distinct from jsonb_typeof(a.choice -> 'message')
            or exists (
                select from jsonb_each(case when jsonb_typeof(b.choice -> 'message') = 'object'
                    then b.choice -> 'message' end) as old_part
                full join jsonb_each(case when jsonb_typeof(a.choice -> 'message') = 'object'
                    then a.choice -> 'message' end) as new_part using (key)
                where old_part.value is distinct from new_part.value
                    and (old_part.value is null
                        or tales.is_sealed(old_part.value #>> '{}')
                        or not tales.is_sealed(new_part.value #>> '{}'))
            )
    )
);

-- An attempt as JSON, but for its three long values.
create function tales.without_contents(attempt tales.generations) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin
    attempt.prompt := null;
    attempt.full_response := null;
    attempt.generation_info := null;
    return to_jsonb(attempt);
end
$$;

-- What may change of an attempt (decision 7). Identity and request: never. While it is pending: its outcome, and its
-- turn and its start once. When it has ended: nothing, but for the three exceptions that are numbered below.
create function tales.guard_attempt() returns trigger
language plpgsql set search_path = '' as $$
declare
    changed jsonb;
    forgets_family boolean;
begin
    forgets_family :=
        tales.only_forgets(old.child_id, new.child_id,
            new.child_id is null and exists (select from tales.children where id = old.child_id))
        and tales.only_forgets(old.hero_id, new.hero_id,
            new.hero_id is null and exists (select from tales.heroes where id = old.hero_id));

    -- Long values are compared as they are: made JSON with the rest, they would cost more than the write itself.
    -- Generated columns are not computed yet when this runs.
    select coalesce(jsonb_object_agg(change.key, true), '{}') into changed
    from (
        select after.key
        from jsonb_each(tales.without_contents(new)) as after
        join jsonb_each(tales.without_contents(old)) as before using (key)
        where after.value is distinct from before.value
            and after.key not in (
                select attname from pg_catalog.pg_attribute
                where attrelid = 'tales.generations'::regclass and attgenerated <> ''
            )
        union all select 'prompt' where new.prompt is distinct from old.prompt
        union all select 'full_response' where new.full_response is distinct from old.full_response
        union all select 'generation_info' where new.generation_info is distinct from old.generation_info
    ) as change;

    if old.status = 'pending' then
        if forgets_family
            and (old.started_at is null or new.started_at is not distinct from old.started_at)
            and (old.worker_id is null or new.worker_id is not distinct from old.worker_id)
            and (old.turn is null or new.turn is not distinct from old.turn)
            and changed - array[
                'status', 'completed_at', 'full_response', 'started_at', 'turn', 'worker_id', 'first_token_at',
                'error_type', 'error_message', 'http_status', 'provider_generation_id', 'child_id', 'hero_id'
            ] = '{}'
        then
            return new;
        end if;
    elsif changed = '{}' then
        return new;
    -- 1. The child or the hero was deleted.
    elsif forgets_family and changed - array['child_id', 'hero_id'] = '{}' then
        return new;
    -- 2. The cost was learned afterwards.
    elsif changed = '{"reconciled_cost_usd": true}' and new.reconciled_cost_usd is not null then
        return new;
    -- 3. The contents are sealed: plain text becomes sealed text, and the rest of the response stays.
    elsif changed - array['prompt', 'full_response'] = '{}'
        and (new.prompt is not distinct from old.prompt
            or (tales.is_sealed(new.prompt) and old.prompt is not null and not tales.is_sealed(old.prompt)))
        and tales.only_seals_response(old.full_response, new.full_response)
    then
        return new;
    end if;

    raise exception 'attempt % of generation % is % and cannot change: %',
        old.attempt_number, old.generation_id, old.status,
        (select string_agg(key, ', ' order by key) from jsonb_object_keys(changed) as key)
        using errcode = 'check_violation', constraint = 'generations_ended_is_final', table = 'generations';
end
$$;

create trigger generations_guard_ended before update on tales.generations
    for each row when (old.status <> 'pending') execute function tales.guard_attempt();

-- Of a pending attempt only what its claim and its end have no business with is looked at: every call pays for this.
create trigger generations_guard_pending before update on tales.generations
    for each row when (old.status = 'pending' and (
        (old.generation_id, old.attempt_number, old.user_id, old.created_at, old.model_used, old.prompt,
            old.story_type, old.story_length, old.hero_appearance, old.relationship_description, old.moral, old.origin,
            old.generation_info, old.child_id, old.hero_id, old.language, old.prompt_version, old.reconciled_cost_usd,
            old.queue, old.available_at)
        is distinct from (new.generation_id, new.attempt_number, new.user_id, new.created_at, new.model_used,
            new.prompt, new.story_type, new.story_length, new.hero_appearance, new.relationship_description,
            new.moral, new.origin, new.generation_info, new.child_id, new.hero_id, new.language, new.prompt_version,
            new.reconciled_cost_usd,
            new.queue, new.available_at)
        or (old.started_at is not null and old.started_at is distinct from new.started_at)
        or (old.worker_id is not null and old.worker_id is distinct from new.worker_id)
        or (old.turn is not null and old.turn is distinct from new.turn)
    )) execute function tales.guard_attempt();

-- A user changes a pending attempt only to cancel it; policies and column privileges see to the rest. A user is
-- whoever the policies bind and is not the service, whatever the role is called.
create function tales.cancel_attempt() returns trigger
language plpgsql set search_path = '' as $$
begin
    new.error_type := 'cancelled';
    new.completed_at := now();
    return new;
end
$$;

create trigger generations_cancel_attempt before update on tales.generations
    for each row when (current_user <> 'service_role' and row_security_active('tales.generations'))
    execute function tales.cancel_attempt();

-- Who may do what (decisions 13 and 14). Nobody may delete: attempts are the audit trail.
-- The owner moves every family's rows until 017 has dropped the old columns; from then on the policies bind it too.
alter table tales.generations enable row level security;

create policy "users read their own generations" on tales.generations
    for select to authenticated using (user_id = (select auth.uid()));
create policy "admins read all generations" on tales.generations
    for select to authenticated using ((select auth.jwt()) -> 'app_metadata' ->> 'role' = 'admin');
create policy "users insert new generations" on tales.generations
    for insert to authenticated with check (
        user_id = (select auth.uid())
        and attempt_number = 1
        and status = 'pending'
        and origin = 'live'
        -- An id of version 8 is a migrated story's (decision 6): a row of a user's there would stop the migration.
        and get_byte(uuid_send(generation_id), 6) >> 4 <> 8
        and (child_id is null or exists (select from tales.children where id = child_id))
        and (hero_id is null or exists (select from tales.heroes where id = hero_id))
    );
create policy "users cancel their own pending generations" on tales.generations
    for update to authenticated
    using (user_id = (select auth.uid()) and status = 'pending')
    with check (user_id = (select auth.uid()) and status = 'failed' and error_type = 'cancelled');
create policy "the service reads generations" on tales.generations
    for select to service_role using (true);
create policy "the service inserts attempts" on tales.generations
    for insert to service_role with check (true);
create policy "the service writes results" on tales.generations
    for update to service_role using (true) with check (true);

grant select on tales.generations to authenticated;
-- Nothing of an outcome, and no time of creation, can come from a user.
grant insert (
    generation_id, attempt_number, model_used, status, prompt, user_id, story_type, story_length, hero_appearance,
    relationship_description, moral, origin, child_id, hero_id, language, prompt_version
) on tales.generations to authenticated;
grant update (status, completed_at, error_message) on tales.generations to authenticated;
grant select, insert, update on tales.generations to service_role;
