-- Attempts are their own jobs: a pending row of tales.generations with a queue waits for a worker of that queue.
--
-- There is no second record of the work that could disagree with it. A claim writes the worker's id into the row, and
-- is a lease: it lasts as long as the worker's one heartbeat is renewed. The service speaks to the queue by the
-- functions below, each of which is one statement, so that they work behind a transaction pooler: it takes on the
-- role that it needs for the transaction alone, and serves many attempts at once. Only the service may call them.

-- Databases of before the first release had the queue elsewhere.
do $$
begin
    if not exists (
        select from pg_catalog.pg_attribute
        where attrelid = 'tales.generations'::regclass and attname = 'turn' and not attisdropped
    ) then
        raise exception 'This database was made by an unreleased version. With that version, run '
            '`tales migrate down --to 014 --archive table --yes`, then run `tales migrate up --yes` with this one.'
            using errcode = 'feature_not_supported';
    end if;
end
$$;

-- Workers -----------------------------------------------------------------------------------------------------------

-- Workers that are alive, or were a while ago.
create table tales.workers (
    id uuid not null,
    queue text not null,
    host text not null,
    process_id integer not null,
    concurrency integer not null,
    started_at timestamptz not null default now(),
    heartbeat_at timestamptz not null default now(),

    constraint workers_pkey primary key (id),
    constraint workers_concurrency_positive check (concurrency > 0)
-- A heartbeat finds room on its own page, and touches no index.
) with (fillfactor = 50);

alter table tales.workers enable row level security;
alter table tales.workers force row level security;

create policy "the service keeps workers" on tales.workers for all to service_role using (true) with check (true);
grant select, insert, update, delete on tales.workers to service_role;

-- Turns -------------------------------------------------------------------------------------------------------------

-- Users take turns (decision 43). A turn is a number, and who waits stands in line by it: each attempt of a user has a
-- later turn than the user's attempts before it, and none an earlier one than the first of the line. So whoever comes
-- waits for one attempt of each other user, however many those have: start-time fair queueing (Goyal, Vin and Cheng,
-- 1996). Where nobody is in line, a turn is the time in microseconds: so turns grow, and who is idle saves none up.
-- What pauses before a retry has no turn, nor has what a worker took at once.

-- The last turn that a user has been given. Unlogged, as a crash may well forget it. No foreign key: a claim would
-- wait for whoever erases a user, and that one for the claim; the reaper forgets it.
create unlogged table tales.turns (
    queue text not null,
    user_id uuid not null,
    turn bigint not null,

    constraint turns_pkey primary key (queue, user_id)
) with (fillfactor = 50);

alter table tales.turns enable row level security;
alter table tales.turns force row level security;

create policy "the service keeps turns" on tales.turns for all to service_role using (true) with check (true);
grant select, insert, update, delete on tales.turns to service_role;

-- The line ----------------------------------------------------------------------------------------------------------

-- The line: what may be claimed in the order of its turns, and at the end what pauses in the order in which it is due.
create index generations_claimable_idx on tales.generations (queue, turn, available_at)
    where status = 'pending' and worker_id is null;

-- The first turn in line; NULL where nobody waits. Where few rows were pending when statistics were made, the planner
-- would read and sort all that are.
create function tales.first_turn(of_queue text) returns bigint
language plpgsql stable set search_path = '' set enable_sort = off set enable_seqscan = off as $$
begin
    return (
        select g.turn from tales.generations as g
        where g.status = 'pending' and g.worker_id is null and g.queue = of_queue and g.turn is not null
        order by g.turn limit 1
    );
end
$$;

-- Whether so many attempts wait. It counts no further.
create function tales.is_queue_full(of_queue text, most integer) returns boolean
language plpgsql stable set search_path = '' set enable_seqscan = off as $$
begin
    return most <= (
        select count(*) from (
            select from tales.generations as g
            where g.status = 'pending' and g.worker_id is null and g.queue = of_queue
            limit most
        ) as waiting
    );
end
$$;

-- The next turn of a user, where the line begins with the turn `begins_with`.
create function tales.next_turn(of_queue text, of_user uuid, begins_with bigint) returns bigint
language sql set search_path = ''
begin atomic
    insert into tales.turns as t (queue, user_id, turn)
    values (of_queue, of_user, coalesce(begins_with, (extract(epoch from now()) * 1000000)::bigint))
    on conflict (queue, user_id) do update set turn = greatest(excluded.turn, t.turn + 1)
    returning t.turn;
end;

-- Enqueue -----------------------------------------------------------------------------------------------------------

-- Insert pending attempts: each in its user's name, under the claims of its own request and that user's policies, or,
-- where it has no claims, as the transaction's own role. With a `worker_id` an attempt is claimed at once, unless
-- others wait. A row that the database refuses fails them all. `refusal` says why one was not inserted otherwise:
--   session: its sign-in has ended;
--   cast: its child or hero is not the one, in the version, that its prompt was written about;
--   generations_per_day: its user has asked for `per_day` stories within a day; `retry_after` in seconds;
--   concurrent_generations: its user has `concurrent` of them in flight;
--   queue: `waiting` attempts of its queue wait.
create function tales.enqueue_attempts(requests jsonb)
returns table (
    generation_id uuid, created_at timestamptz, is_claimed boolean, refusal text, retry_after double precision
)
language plpgsql set search_path = '' as $$
declare
    own_role constant text := current_setting('role');
    request record;
    asked record;
    line text;
    line_begins_with bigint;
    line_is_full boolean;
    its_turn bigint;
begin
    -- User by user: of two that wait for the same users, none waits for the other.
    for request in
        select * from jsonb_to_recordset(requests) as r (
            claims text, session_id uuid, generation_id uuid, attempt_number integer, user_id uuid, model_used text,
            prompt text, prompt_version text, story_type text, story_length integer, moral text, language text,
            hero_appearance text, relationship_description text, child_id uuid, child_version xid,
            hero_id uuid, hero_version xid, queue text, worker_id uuid, per_day integer, concurrent integer,
            waiting integer
        )
        order by r.user_id
    loop
        -- A user sees their own attempts, and no line.
        if line is distinct from request.queue then
            line := request.queue;
            perform set_config('role', 'service_role', true);
            line_begins_with := tales.first_turn(line);
            line_is_full := line_begins_with is not null and request.waiting is not null
                and tales.is_queue_full(line, request.waiting);
            perform set_config('role', own_role, true);
        end if;
        if request.claims is not null then
            perform set_config('request.jwt.claims', request.claims, true),
                set_config('role', 'tales_requester', true);
        end if;
        generation_id := request.generation_id;
        created_at := null;
        refusal := null;
        retry_after := null;
        if request.session_id is not null and not tales.session_is_open(request.session_id) then
            refusal := 'session';
        elsif (request.child_version is not null and not exists (
                select from tales.children as c where c.id = request.child_id and c.xmin = request.child_version))
            or (request.hero_version is not null and not exists (
                select from tales.heroes as h where h.id = request.hero_id and h.xmin = request.hero_version))
        then
            refusal := 'cast';
        elsif request.per_day is not null or request.concurrent is not null then
            -- Whoever asks in the same user's name waits, and then sees what this one has inserted. Two users of one
            -- hash wait for each other now and then, no more.
            perform pg_advisory_xact_lock(hashtext('tales.generations'), hashtext(request.user_id::text));
            -- No attempt is in flight for a day, so the index on the user and the time finds all of it.
            select
                count(*) filter (where g.attempt_number = 1) as in_a_day,
                count(*) filter (where g.status = 'pending') as in_flight,
                extract(epoch from
                    min(g.created_at) filter (where g.attempt_number = 1) + interval '1 day' - now()
                ) as oldest_leaves_in
            into asked
            from tales.generations as g
            where g.user_id = request.user_id and g.created_at > now() - interval '1 day';
            if asked.in_a_day >= request.per_day then
                refusal := 'generations_per_day';
                retry_after := greatest(asked.oldest_leaves_in, 0);
            elsif asked.in_flight >= request.concurrent then
                refusal := 'concurrent_generations';
            end if;
        end if;
        if refusal is null and line_is_full then
            refusal := 'queue';
        end if;
        is_claimed := request.worker_id is not null and line_begins_with is null;
        if refusal is null then
            its_turn := null;
            if not is_claimed then
                perform set_config('role', 'service_role', true);
                its_turn := tales.next_turn(line, request.user_id, line_begins_with);
                perform set_config(
                    'role', case when request.claims is not null then 'tales_requester' else own_role end, true
                );
            end if;
            insert into tales.generations as g (
                generation_id, attempt_number, user_id, status, model_used, prompt, prompt_version, story_type,
                story_length, moral, language, hero_appearance, relationship_description, child_id, hero_id,
                queue, available_at, turn, worker_id, started_at
            )
            values (
                request.generation_id, request.attempt_number, request.user_id, 'pending', request.model_used,
                request.prompt, request.prompt_version, request.story_type, request.story_length, request.moral,
                request.language,
                request.hero_appearance, request.relationship_description, request.child_id, request.hero_id,
                line, now(), its_turn,
                case when is_claimed then request.worker_id end, case when is_claimed then now() end
            )
            returning g.created_at into created_at;
        end if;
        return next;
    end loop;
end
$$;

-- Claim -------------------------------------------------------------------------------------------------------------

-- Claim attempts of a queue for a worker, in the order of their turns; `among` leaves out all but these generations.
-- Retries whose pause is over come into line first: a retry is a call as any other.
-- `models_used` are those of each attempt of the generation so far, in order. Two workers never get the same one: a
-- row that another has locked is passed over. Clocks differ, but no attempt begins before it may. The planner: see
-- first_turn.
create function tales.claim_attempts(
    worker uuid, of_queue text, most integer, claimed_at timestamptz, among uuid[] default null
)
returns table (
    generation_id uuid, attempt_number integer, user_id uuid, model_used text, prompt text, prompt_version text,
    story_type text, story_length integer, moral text, language text, hero_appearance text,
    relationship_description text, child_id uuid, hero_id uuid, created_at timestamptz, started_at timestamptz,
    available_at timestamptz, models_used text[]
)
language plpgsql set search_path = '' set enable_sort = off set enable_seqscan = off as $$
#variable_conflict use_column
declare
    line_begins_with bigint;
    joins record;
begin
    perform set_config('request.jwt.claims', '{"role": "service_role"}', true),
        set_config('role', 'service_role', true);
    if among is null then
        line_begins_with := tales.first_turn(of_queue);
        -- User by user, as in enqueue_attempts.
        for joins in
            select * from (
                select d.generation_id, d.attempt_number, d.user_id, d.available_at
                from tales.generations as d
                where d.status = 'pending' and d.worker_id is null and d.queue = of_queue and d.turn is null
                    and d.available_at <= now()
                order by d.turn, d.available_at
                limit 256
                for update skip locked
            ) as due
            order by due.user_id, due.available_at
        loop
            update tales.generations as g set turn = tales.next_turn(of_queue, g.user_id, line_begins_with)
            where g.generation_id = joins.generation_id and g.attempt_number = joins.attempt_number;
        end loop;
    end if;
    return query
    with due as (
        select d.generation_id, d.attempt_number
        from tales.generations as d
        where d.status = 'pending' and d.worker_id is null and d.queue = of_queue and d.available_at <= now()
            and (among is null or d.generation_id = any (among))
        order by d.turn, d.available_at
        limit most
        for update skip locked
    )
    update tales.generations as g set worker_id = worker, started_at = greatest(claimed_at, g.available_at)
    from due
    where g.generation_id = due.generation_id and g.attempt_number = due.attempt_number
    returning
        g.generation_id, g.attempt_number, g.user_id, g.model_used, g.prompt, g.prompt_version,
        g.story_type, g.story_length, g.moral, g.language, g.hero_appearance,
        g.relationship_description, g.child_id, g.hero_id, g.created_at, g.started_at, g.available_at,
        case when g.attempt_number = 1 then array[g.model_used] else array(
            select earlier.model_used from tales.generations as earlier
            where earlier.generation_id = g.generation_id order by earlier.attempt_number
        ) end;
end
$$;

-- Finish ------------------------------------------------------------------------------------------------------------

-- End attempts, each with its outcome: a success with its story, another one with the attempt that follows it, if any,
-- `next_delay` seconds later. Whatever is no longer pending in that worker's hands is left as it is and not returned.
create function tales.finish_attempts(results jsonb)
returns table (
    generation_id uuid, attempt_number integer, prompt_tokens integer, completion_tokens integer, cost_usd numeric,
    provider text, served_model text, child_id uuid, hero_id uuid, next_created_at timestamptz,
    next_available_at timestamptz
)
language plpgsql set search_path = '' as $$
#variable_conflict use_column
begin
    perform set_config('request.jwt.claims', '{"role": "service_role"}', true),
        set_config('role', 'service_role', true);
    return query
    with result as materialized (
        select * from jsonb_to_recordset(results) as r (
            generation_id uuid, attempt_number integer, user_id uuid, worker_id uuid, status text,
            completed_at timestamptz, full_response jsonb, error_type text, error_message text, http_status integer,
            provider_generation_id text, first_token_at timestamptz, story_id uuid, title text, content text,
            next_model text, next_delay double precision
        )
    ),
    ended as (
        update tales.generations as g
        set status = r.status, completed_at = r.completed_at, full_response = r.full_response,
            error_type = r.error_type, error_message = r.error_message, http_status = r.http_status,
            provider_generation_id = coalesce(r.provider_generation_id, g.provider_generation_id),
            first_token_at = r.first_token_at
        from result as r
        where g.generation_id = r.generation_id and g.attempt_number = r.attempt_number and g.status = 'pending'
            and g.user_id = r.user_id and g.worker_id is not distinct from r.worker_id
        returning g.*, r.story_id, r.title, r.content, r.next_model, r.next_delay
    ),
    written as (
        insert into tales.stories (id, user_id, title, content, generation_id, generation_attempt, child_id, hero_id)
        select e.story_id, e.user_id, e.title, e.content, e.generation_id, e.attempt_number, e.child_id, e.hero_id
        from ended as e
        where e.story_id is not null
    ),
    following as (
        insert into tales.generations as n (
            generation_id, attempt_number, model_used, status, available_at, user_id, prompt, prompt_version,
            story_type, story_length, moral, language, hero_appearance, relationship_description, child_id, hero_id,
            queue
        )
        select
            e.generation_id, e.attempt_number + 1, e.next_model, 'pending',
            now() + make_interval(secs => e.next_delay),
            e.user_id, e.prompt, e.prompt_version, e.story_type, e.story_length, e.moral, e.language,
            e.hero_appearance, e.relationship_description, e.child_id, e.hero_id, e.queue
        from ended as e
        where e.next_model is not null
        returning n.generation_id, n.created_at, n.available_at
    )
    select
        e.generation_id, e.attempt_number, e.prompt_tokens, e.completion_tokens, e.cost_usd, e.provider,
        e.served_model, e.child_id, e.hero_id, f.created_at, f.available_at
    from ended as e
    left join following as f on f.generation_id = e.generation_id;
end
$$;

-- Heartbeat ---------------------------------------------------------------------------------------------------------

-- Say that a worker lives, and who it is.
create function tales.renew_lease(
    worker uuid, of_queue text, on_host text, its_process_id integer, its_concurrency integer
)
returns void
language plpgsql set search_path = '' as $$
begin
    perform set_config('request.jwt.claims', '{"role": "service_role"}', true),
        set_config('role', 'service_role', true);
    insert into tales.workers as w (id, queue, host, process_id, concurrency)
    values (worker, of_queue, on_host, its_process_id, its_concurrency)
    on conflict (id) do update set heartbeat_at = clock_timestamp();
end
$$;

-- Rights ------------------------------------------------------------------------------------------------------------

revoke execute on function
    tales.first_turn(text), tales.is_queue_full(text, integer), tales.next_turn(text, uuid, bigint),
    tales.enqueue_attempts(jsonb), tales.claim_attempts(uuid, text, integer, timestamptz, uuid[]),
    tales.finish_attempts(jsonb), tales.renew_lease(uuid, text, text, integer, integer)
from public;
grant execute on function
    tales.first_turn(text), tales.is_queue_full(text, integer), tales.next_turn(text, uuid, bigint)
to service_role;
grant execute on function
    tales.enqueue_attempts(jsonb), tales.claim_attempts(uuid, text, integer, timestamptz, uuid[]),
    tales.finish_attempts(jsonb), tales.renew_lease(uuid, text, text, integer, integer)
to tales_app, service_role;
-- Where there is a key or a limit to look at first, the attempt is inserted by the same transaction.
grant execute on function tales.enqueue_attempts(jsonb) to tales_requester;
-- It asks for this, whoever calls it.
grant execute on function tales.session_is_open(uuid) to tales_requester, service_role;
