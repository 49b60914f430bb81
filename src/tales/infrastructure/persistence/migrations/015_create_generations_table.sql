-- Every call to a model is a row of tales.generations that nobody can lose or forge.
--
-- A generation is one wish for a story; its attempts are numbered from 1 without a gap, and each is one call. An
-- attempt begins pending and ends once. What has ended never changes, but for the four exceptions below.
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
    error_type text,
    http_status integer,
    provider_generation_id text,
    reconciled_cost_usd numeric(18, 12),

    -- The attempt is its own job: who may take it, from when on, and who has taken it. Without a queue it came in beside
    -- the service, and no model is called for it (decision 13).
    queue text,
    available_at timestamptz,
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
    constraint generations_error_type_is_known check (error_type in (
        'connection', 'connect_timeout', 'first_token_timeout', 'idle_timeout', 'deadline', 'provider_timeout',
        'stream_interrupted', 'response_too_large', 'malformed_response',
        'rate_limited', 'overloaded', 'provider_unavailable', 'server_error', 'invalid_request', 'authentication',
        'payment_required', 'permission_denied', 'model_not_found', 'content_policy',
        'empty', 'truncated', 'refusal', 'too_short',
        'worker_lost', 'cancelled', 'not_enqueued', 'internal'
    )),
    constraint generations_success_has_no_error check (status <> 'success' or error_type is null),
    constraint generations_error_message_is_short check (length(error_message) <= 2000),
    constraint generations_reconciled_cost_not_negative check (reconciled_cost_usd >= 0),
    constraint generations_available_when_queued check ((queue is null) = (available_at is null)),
    constraint generations_claimed_from_queue check (worker_id is null or (queue is not null and started_at is not null))
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
        raise exception 'attempt % of a generation needs attempt % before it', new.attempt_number, new.attempt_number - 1
            using errcode = 'check_violation', constraint = 'generations_attempts_without_gap', table = 'generations';
    elsif previous.status in ('pending', 'success') then
        raise exception 'attempt % of a generation needs an attempt before it that ended without success', new.attempt_number
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

-- Whether the owner is at work between 015 and the moment when 017 has dropped the old columns.
create function tales.is_migrating() returns boolean
language sql stable
return exists (
    select from pg_catalog.pg_attribute
    where attrelid = 'tales.stories'::regclass and attname = 'model_used' and not attisdropped
) and pg_has_role(current_user,
    (select relowner from pg_catalog.pg_class where oid = 'tales.generations'::regclass), 'member');

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

-- What may change of an attempt (decision 7). Identity and request: never. While it is pending: its outcome, and the
-- start once. When it has ended: nothing, but for the four exceptions that are numbered below.
create function tales.guard_attempt() returns trigger
language plpgsql set search_path = '' as $$
declare
    changed jsonb;
    forgets_family boolean;
begin
    -- 1. The migration's own writes, until it has dropped the old columns. First, as the old application's users wait for
    -- them. Whose it is and since when: only as the old application's own write of the story says it (a trigger's trigger).
    if old.origin = 'migrated' and new.origin = 'migrated'
        and (new.generation_id, new.attempt_number) = (old.generation_id, old.attempt_number)
        and (pg_trigger_depth() > 1 or (new.user_id, new.created_at) = (old.user_id, old.created_at))
        and tales.is_migrating()
    then
        return new;
    end if;

    forgets_family :=
        tales.only_forgets(old.child_id, new.child_id,
            new.child_id is null and exists (select from tales.children where id = old.child_id))
        and tales.only_forgets(old.hero_id, new.hero_id,
            new.hero_id is null and exists (select from tales.heroes where id = old.hero_id));

    -- Long values are compared as they are: made JSON with the rest, they would cost more than the write itself. Generated
    -- columns are not computed yet when this runs.
    select coalesce(jsonb_object_agg(change.key, true), '{}') into changed
    from (
        select after.key
        from jsonb_each(tales.without_contents(new)) as after
        join jsonb_each(tales.without_contents(old)) as before using (key)
        where after.value is distinct from before.value
            and after.key not in ('prompt_tokens', 'completion_tokens', 'cost_usd', 'provider', 'served_model')
        union all select 'prompt' where new.prompt is distinct from old.prompt
        union all select 'full_response' where new.full_response is distinct from old.full_response
        union all select 'generation_info' where new.generation_info is distinct from old.generation_info
    ) as change;

    if old.status = 'pending' then
        if forgets_family
            and (old.started_at is null or new.started_at is not distinct from old.started_at)
            and (old.worker_id is null or new.worker_id is not distinct from old.worker_id)
            and changed - array[
                'status', 'completed_at', 'full_response', 'started_at', 'worker_id', 'first_token_at', 'error_type',
                'error_message', 'http_status', 'provider_generation_id', 'child_id', 'hero_id'
            ] = '{}'
        then
            return new;
        end if;
    elsif changed = '{}' then
        return new;
    -- 2. The child or the hero was deleted.
    elsif forgets_family and changed - array['child_id', 'hero_id'] = '{}' then
        return new;
    -- 3. The cost was learned afterwards.
    elsif changed = '{"reconciled_cost_usd": true}' and new.reconciled_cost_usd is not null then
        return new;
    -- 4. The contents are sealed: plain text becomes sealed text, and the rest of the response stays.
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
        is distinct from (new.generation_id, new.attempt_number, new.user_id, new.created_at, new.model_used, new.prompt,
            new.story_type, new.story_length, new.hero_appearance, new.relationship_description, new.moral, new.origin,
            new.generation_info, new.child_id, new.hero_id, new.language, new.prompt_version, new.reconciled_cost_usd,
            new.queue, new.available_at)
        or (old.started_at is not null and old.started_at is distinct from new.started_at)
        or (old.worker_id is not null and old.worker_id is distinct from new.worker_id)
    )) execute function tales.guard_attempt();

-- A user changes a pending attempt only to cancel it; policies and column privileges see to the rest. tales_requester is
-- that user (018).
create function tales.cancel_attempt() returns trigger
language plpgsql set search_path = '' as $$
begin
    new.error_type := 'cancelled';
    new.completed_at := now();
    return new;
end
$$;

create trigger generations_cancel_attempt before update on tales.generations
    for each row when (current_user in ('authenticated', 'tales_requester')) execute function tales.cancel_attempt();

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

-- While the old application still writes stories, their generations are kept in step.

-- The first 16 of these bytes, with the bits of version 8. Neither this nor the next function sets a search_path, so that
-- the planner can put their expressions in place of a call.
create function tales.uuid_of_version_8(bytes bytea) returns uuid
language sql immutable parallel safe
return encode(set_byte(set_byte(substring(bytes for 16),
    6, get_byte(bytes, 6) & 15 | 128), 8, get_byte(bytes, 8) & 63 | 128), 'hex')::uuid;

-- SHA-256 of a fixed text and the story's id, with the bits of a UUID of version 8 (RFC 9562, section 5.8): every step
-- can be repeated, and none needs a mapping (decision 6).
create function tales.migrated_generation_id(story_id uuid) returns uuid
language sql immutable parallel safe
return tales.uuid_of_version_8(sha256(('tales:migrated-generation:' || story_id::text)::bytea));

-- What is not as it was in the legacy table, by story and column, with the value that it had there: `down` restores it.
create table tales.migration_notes (
    story_id uuid not null,
    column_name text not null,
    old_value jsonb,
    primary key (story_id, column_name)
);

-- What the operator chose for rows that have no place in the new model, and how far the migration is. One row.
create table tales.migration_state (
    only_row boolean primary key default true check (only_row),
    orphans text not null default '',
    invalid text not null default '',
    copied_up_to tid not null default '(0,0)',
    linked_up_to tid not null default '(0,0)',
    stories_file oid,
    stories_end tid
);
insert into tales.migration_state default values;

-- What the legacy table could not hold when a migration was taken back (017 down); empty the first time. It is erased
-- with its user, like any other row.
create table if not exists tales.generations_archive (
    like tales.generations,
    story_id uuid,
    foreign key (user_id) references auth.users (id) on delete cascade,
    foreign key (child_id) references tales.children (id) on delete set null,
    foreign key (hero_id) references tales.heroes (id) on delete set null
);
-- One of before the first release has no queue.
alter table tales.generations_archive
    add column if not exists queue text,
    add column if not exists available_at timestamptz,
    add column if not exists worker_id uuid;
create index if not exists generations_archive_story_id_idx on tales.generations_archive (story_id);

alter table tales.migration_notes enable row level security;
alter table tales.migration_state enable row level security;
alter table tales.generations_archive enable row level security;

-- Whether the owner may see every user.
create function tales.sees_users() returns boolean
language sql stable
return has_table_privilege('auth.users', 'select') and not row_security_active('auth.users');

-- Whether there is this user, as far as the owner may see users; where it may not, the foreign key decides.
create function tales.is_user(id uuid) returns boolean
language plpgsql stable set search_path = '' as $$
begin
    if id is null or not tales.sees_users() then
        return id is not null;
    end if;
    return exists (select from auth.users as u where u.id = is_user.id);
end
$$;

create function tales.may_forget_length() returns boolean
language sql stable set search_path = ''
return exists (select from tales.migration_state where invalid = 'null');

-- Whether a story can have a generation as it is, or as the operator chose, whoever it belongs to. Every name is bound
-- here, so there is no search_path to set, which would cost each row a call.
create function tales.is_valid(story_type text, story_length integer) returns boolean
language sql stable
return story_type in ('child', 'hero', 'combined')
    and (story_length is null or story_length > 0 or tales.may_forget_length());

create function tales.has_place(owner_id uuid, story_type text, story_length integer) returns boolean
language sql stable
return tales.is_valid(story_type, story_length) and tales.is_user(owner_id);

-- Whether a story is to have a copy: one that an archive has an attempt for gets that one (017), if it has the same user.
create function tales.wants_copy(story_id uuid, owner_id uuid, story_type text, story_length integer) returns boolean
language plpgsql stable set search_path = '' as $$
begin
    return tales.has_place(owner_id, story_type, story_length) and not exists (
        select from tales.generations_archive as a
        where a.story_id = wants_copy.story_id and a.user_id = owner_id and a.origin = 'live'
    );
end
$$;

-- What a copy cannot hold as the story has it. Its body is text, as 017 could not drop the columns of a body that is bound.
create function tales.notes_of(story tales.stories) returns table (column_name text, old_value jsonb)
language sql stable as $$
    select note.column_name, note.old_value
    from (values
        ('model_used', 'null'::jsonb, story.model_used is null),
        ('moral', 'null', story.moral is null),
        ('created_at', 'null', story.created_at is null),
        ('story_length', to_jsonb(story.story_length), story.story_length <= 0)
    ) as note (column_name, old_value, is_needed)
    where note.is_needed
$$;

-- Give these stories the attempt that wrote them: attempt 1, a success, of origin 'migrated' (decisions 3 to 5). What is
-- there already is left as it is. Returns those that have no copy by it. One plan serves every batch; it is made while generations is empty, and must serve when
-- it is not: its rows are found by their key alone, and no table is read whole.
create function tales.copy_stories(ids uuid[]) returns uuid[]
language plpgsql set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
    left_out uuid[];
begin
    with copied as (
        insert into tales.generations (
            generation_id, attempt_number, model_used, full_response, status, user_id, story_type, story_length,
            hero_appearance, relationship_description, moral, created_at, completed_at, origin, generation_info,
            child_id, hero_id, reconciled_cost_usd
        )
        select
            tales.migrated_generation_id(s.id), 1, coalesce(s.model_used, 'unknown'), s.full_response, 'success', s.user_id,
            s.story_type, case when s.story_length > 0 then s.story_length end,
            s.hero_appearance, s.relationship_description, coalesce(s.moral, 'unknown'),
            coalesce(s.created_at, s.updated_at, 'epoch'), coalesce(s.created_at, s.updated_at, 'epoch'), 'migrated',
            s.generation_info, c.id, h.id, a.reconciled_cost_usd
        from tales.stories as s
        left join tales.children as c on c.id = s.child_id
        left join tales.heroes as h on h.id = s.hero_id
        left join tales.generations_archive as a on a.story_id = s.id and a.user_id = s.user_id
        where s.id = any (ids)
            and tales.has_place(s.user_id, s.story_type, s.story_length)
            and a.origin is distinct from 'live'
        on conflict (generation_id, attempt_number) do nothing
        returning generation_id
    )
    select array(
        select id from unnest(ids) as id where tales.migrated_generation_id(id) not in (select generation_id from copied)
    ) into left_out;

    insert into tales.migration_notes
    select s.id, note.column_name, note.old_value
    from tales.stories as s
    cross join lateral tales.notes_of(s) as note
    where s.id = any (ids)
    on conflict do nothing;
    return left_out;
end
$$;

-- Write the copy of one story as its write has left it; `before` is NULL where the story is new. The old application's
-- users wait for this: it asks for nothing that the story itself tells.
create function tales.write_copy(before tales.stories, after tales.stories) returns void
language plpgsql set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
    copy constant uuid := tales.migrated_generation_id(after.id);
    made_at constant timestamptz := coalesce(after.created_at, after.updated_at, 'epoch');
    is_expected boolean := before.id is not null;
    child uuid;
    hero uuid;
begin
    if after.child_id is not null then
        select id into child from tales.children where id = after.child_id;
    end if;
    if after.hero_id is not null then
        select id into hero from tales.heroes where id = after.hero_id;
    end if;

    -- Once around, but for a copy that comes or goes at this very moment.
    loop
        if is_expected then
            update tales.generations set
                model_used = coalesce(after.model_used, 'unknown'), full_response = after.full_response,
                user_id = after.user_id, story_type = after.story_type,
                story_length = case when after.story_length > 0 then after.story_length end,
                hero_appearance = after.hero_appearance, relationship_description = after.relationship_description,
                moral = coalesce(after.moral, 'unknown'), created_at = made_at, completed_at = made_at,
                generation_info = after.generation_info, child_id = child, hero_id = hero
            where generation_id = copy and attempt_number = 1;
            exit when found;
        end if;
        insert into tales.generations (
            generation_id, attempt_number, model_used, full_response, status, user_id, story_type, story_length,
            hero_appearance, relationship_description, moral, created_at, completed_at, origin, generation_info,
            child_id, hero_id, reconciled_cost_usd
        )
        values (
            copy, 1, coalesce(after.model_used, 'unknown'), after.full_response, 'success', after.user_id,
            after.story_type, case when after.story_length > 0 then after.story_length end,
            after.hero_appearance, after.relationship_description, coalesce(after.moral, 'unknown'),
            made_at, made_at, 'migrated', after.generation_info, child, hero,
            (select a.reconciled_cost_usd from tales.generations_archive as a
                where a.story_id = after.id and a.user_id = after.user_id)
        )
        on conflict (generation_id, attempt_number) do nothing;
        exit when found;
        is_expected := true;
    end loop;

    -- What an operator's choice or 017 changed of these two, the story itself does not tell.
    if before.model_used is null or before.moral is null or before.story_length <= 0 then
        delete from tales.migration_notes
        where story_id = after.id and column_name not in ('created_at', 'user_id');
    end if;
    if after.model_used is null or after.moral is null or after.created_at is null or after.story_length <= 0 then
        insert into tales.migration_notes
        select after.id, note.column_name, note.old_value from tales.notes_of(after) as note
        on conflict do nothing;
    end if;
end
$$;

-- A story that is gone, or has no place any more, has no copy either: only 017 makes attempts outlive their stories.
create function tales.drop_copy(story_id uuid) returns void
language plpgsql set search_path = '' as $$
begin
    delete from tales.generations
    where generation_id = tales.migrated_generation_id(drop_copy.story_id) and attempt_number = 1 and origin = 'migrated';
    delete from tales.migration_notes as n
    where n.story_id = drop_copy.story_id and n.column_name not in ('created_at', 'user_id');
end
$$;

-- Whether what a copy holds of a story is as it was, as far as that can be seen at a glance: of JSON its size, because a
-- response that lies outside its row would be fetched twice for each new rating. A second trigger sees to the
-- statements that name it.
create function tales.looks_same_for_copy(before tales.stories, after tales.stories) returns boolean
language sql immutable as $$
    select (before.id, before.model_used, before.story_type, before.story_length, before.moral, before.hero_appearance,
        before.relationship_description, before.user_id, before.child_id, before.hero_id, before.created_at,
        pg_column_size(before.full_response), pg_column_size(before.generation_info))
    is not distinct from (after.id, after.model_used, after.story_type, after.story_length, after.moral,
        after.hero_appearance, after.relationship_description, after.user_id, after.child_id, after.hero_id,
        after.created_at, pg_column_size(after.full_response), pg_column_size(after.generation_info))
$$;

-- Whether the migration itself is writing (016 says so for a transaction): that is no write of the old application.
create function tales.is_moving() returns boolean
language sql stable
return coalesce(current_setting('tales.moving', true) = 'on', false);

-- Runs after each write of the old application, as the owner: its users have no right to write generations. With an
-- argument, the statement names what may not show at a glance.
create function tales.keep_generation() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    if tales.is_moving() then
        return null;
    elsif tg_op = 'DELETE' then
        perform tales.drop_copy(old.id);
        delete from tales.migration_notes where story_id = old.id;
        return null;
    elsif tg_nargs = 1 then
        if not tales.looks_same_for_copy(old, new) then
            return null;
        end if;
    elsif tg_op = 'UPDATE' then
        -- Every write moves a story to another place in the table, perhaps to one that 016 has passed.
        if tales.looks_same_for_copy(old, new) and exists (
            select from tales.generations
            where generation_id = tales.migrated_generation_id(new.id) and attempt_number = 1
        ) then
            return null;
        end if;
        if new.id <> old.id then
            perform tales.drop_copy(old.id);
            update tales.migration_notes set story_id = new.id where story_id = old.id;
        end if;
    end if;

    if not tales.wants_copy(new.id, new.user_id, new.story_type, new.story_length) then
        perform tales.drop_copy(new.id);
    elsif tg_op = 'UPDATE' then
        perform tales.write_copy(old, new);
    else
        perform tales.write_copy(null, new);
    end if;
    -- Last, as whoever copies this story at the same moment has been waited for by now, and has noted what it was.
    if tg_op = 'UPDATE'
        and (new.user_id is distinct from old.user_id or (old.created_at is null and new.created_at is not null))
    then
        delete from tales.migration_notes
        where story_id = new.id and (column_name = 'created_at' and new.created_at is not null
            or column_name = 'user_id' and new.user_id is distinct from old.user_id);
    end if;
    return null;
end
$$;

create trigger stories_keep_generation after insert or update or delete on tales.stories
    for each row execute function tales.keep_generation();
create trigger stories_keep_response after update of full_response, generation_info on tales.stories
    for each row execute function tales.keep_generation('named');

revoke execute on function
    tales.sees_users(), tales.is_user(uuid), tales.may_forget_length(), tales.is_valid(text, integer),
    tales.has_place(uuid, text, integer),
    tales.wants_copy(uuid, uuid, text, integer), tales.notes_of(tales.stories), tales.copy_stories(uuid[]),
    tales.write_copy(tales.stories, tales.stories), tales.drop_copy(uuid),
    tales.looks_same_for_copy(tales.stories, tales.stories), tales.is_moving(), tales.keep_generation()
from public;
