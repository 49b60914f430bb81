-- What may be spent in a day and in a month: in all, for a model, for one user and for each user (decision 48).
--
-- An attempt reserves what it may cost at most when it is inserted, and settles when it ends, all under one lock: so
-- parallel requests cannot pass a budget. Where there is no budget, nothing is reserved, locked or written. Days and
-- months are those of UTC; an attempt belongs to those in which it was asked for.

create table tales.budgets (
    id uuid not null default gen_random_uuid(),
    scope text not null,
    user_id uuid,
    model text,
    period text not null,
    limit_usd numeric(20, 12) not null,
    -- From this share of it on there is a warning.
    warn_share numeric(4, 3) not null default 0.8,
    created_at timestamptz not null default now(),

    constraint budgets_pkey primary key (id),
    constraint budgets_user_id_fkey foreign key (user_id) references auth.users (id) on delete cascade,
    constraint budgets_one_of_each unique nulls not distinct (scope, user_id, model, period),
    constraint budgets_scope_is_known check (scope in ('all', 'model', 'user', 'each_user')),
    constraint budgets_scope_has_its_subject
        check ((scope = 'user') = (user_id is not null) and (scope = 'model') = (model is not null)),
    constraint budgets_period_is_known check (period in ('day', 'month')),
    constraint budgets_limit_not_negative check (limit_usd >= 0),
    constraint budgets_warn_share_is_share check (warn_share > 0 and warn_share <= 1)
);
create index budgets_user_id_idx on tales.budgets (user_id) where user_id is not null;

-- What has been spent of a budget in a period, and what the attempts in flight may cost at most. With a user: of the
-- budget that each user has.
create table tales.budget_spending (
    id uuid not null default gen_random_uuid(),
    budget_id uuid not null,
    user_id uuid,
    begins date not null,
    spent_usd numeric(20, 12) not null default 0,
    reserved_usd numeric(20, 12) not null default 0,
    warned_at timestamptz,

    constraint budget_spending_pkey primary key (id),
    constraint budget_spending_one_of_each unique nulls not distinct (budget_id, begins, user_id),
    constraint budget_spending_budget_id_fkey
        foreign key (budget_id) references tales.budgets (id) on delete cascade,
    constraint budget_spending_user_id_fkey foreign key (user_id) references auth.users (id) on delete cascade
);
create index budget_spending_user_id_idx on tales.budget_spending (user_id) where user_id is not null;

alter table tales.budgets enable row level security;
alter table tales.budget_spending enable row level security;

create policy "admins read budgets" on tales.budgets
    for select to authenticated using ((select auth.jwt()) -> 'app_metadata' ->> 'role' = 'admin');
create policy "admins read spending" on tales.budget_spending
    for select to authenticated using ((select auth.jwt()) -> 'app_metadata' ->> 'role' = 'admin');
create policy "the service keeps budgets" on tales.budgets for all to service_role using (true) with check (true);
create policy "the service keeps spending" on tales.budget_spending
    for all to service_role using (true) with check (true);

grant select on tales.budgets, tales.budget_spending to authenticated;
grant select, insert, update, delete on tales.budgets to service_role;
grant select, insert, update, delete on tales.budget_spending to service_role;

-- What an attempt that a budget is about was reserved for, and what it has counted for since it ended. Apart from the
-- attempt, which its family reads: it would tell what the model charges.
create table tales.budget_reservations (
    generation_id uuid not null,
    attempt_number integer not null,
    reserved_usd numeric(20, 12) not null,
    charged_usd numeric(20, 12),

    constraint budget_reservations_pkey primary key (generation_id, attempt_number),
    -- Reserved before the attempt is inserted.
    constraint budget_reservations_attempt_fkey foreign key (generation_id, attempt_number)
        references tales.generations (generation_id, attempt_number) on delete cascade deferrable initially deferred
);
alter table tales.budget_reservations enable row level security;
create policy "the service keeps reservations" on tales.budget_reservations
    for all to service_role using (true) with check (true);
grant select, insert, update on tales.budget_reservations to service_role;

-- The tokens that a model may write for a story of so many minutes: as the call asks for.
create function tales.most_tokens(minutes integer) returns integer
language sql immutable parallel safe
return coalesce(minutes, 5) * 130 * 4 + 1024;

-- What a call may cost at most, by the price in force: no token is shorter than a byte of the prompt. NULL: it has no
-- price. The model on this machine costs nothing.
create function tales.most_cost(of_queue text, of_model text, prompt text, minutes integer) returns numeric
language sql stable set search_path = ''
return case when of_queue = 'local' then 0 else (
    select tales.token_cost(octet_length(prompt) + 64, tales.most_tokens(minutes), p.prompt_usd_per_million,
        p.completion_usd_per_million, p.request_usd)
    from tales.prices as p
    where p.model = of_model and p.valid_from <= now()
    order by p.valid_from desc limit 1
) end;

-- What an attempt counts for whose cost cannot even be estimated: if the model may have written something, what was
-- reserved for it. An error before that costs nothing, nor does a call that nobody made.
-- Without a setting of its own, so that it becomes part of the statements that ask for it.
create function tales.charge_of_unknown(
    started_at timestamptz, first_token_at timestamptz, error_type text, reserved numeric
)
returns numeric
language sql immutable parallel safe
return case when started_at is null or (first_token_at is null and error_type in (
    'connection', 'connect_timeout', 'rate_limited', 'overloaded', 'provider_unavailable', 'server_error',
    'invalid_request', 'authentication', 'payment_required', 'permission_denied', 'model_not_found',
    'content_policy'
)) then 0 else coalesce(reserved, 0) end;

-- What an attempt that has ended counts for: its cost, or else an estimate, or else that.
-- Of single values: a whole row would be read with its prompt and its response.
create function tales.charge_of(
    cost numeric, prompt_tokens integer, completion_tokens integer, served_model text, asked_model text,
    started_at timestamptz, created_at timestamptz, first_token_at timestamptz, error_type text, reserved numeric
)
returns numeric
language sql stable set search_path = ''
return coalesce(
    cost,
    (
        select tales.token_cost(prompt_tokens, completion_tokens, p.prompt_usd_per_million,
            p.completion_usd_per_million, p.request_usd)
        from tales.prices as p
        where p.model in (served_model, asked_model)
            and p.valid_from <= coalesce(charge_of.started_at, charge_of.created_at)
        order by p.model = served_model desc nulls last, p.valid_from desc limit 1
    ),
    tales.charge_of_unknown(started_at, first_token_at, error_type, reserved)
);

-- The budgets that are about an attempt of that time, whose spending it is, and when its day or month begins and ends.
-- A user's own budget takes the place of that which each user has.
create function tales.budgets_of(of_user uuid, of_model text, at timestamptz)
returns table (
    id uuid, scope text, period text, limit_usd numeric, warn_share numeric, spender uuid, begins date,
    ends timestamptz
)
language sql stable set search_path = ''
begin atomic
    select b.id, b.scope, b.period, b.limit_usd, b.warn_share, case when b.scope = 'each_user' then of_user end,
        date_trunc(b.period, at at time zone 'UTC')::date,
        (date_trunc(b.period, at at time zone 'UTC')
            + case b.period when 'day' then interval '1 day' else interval '1 month' end) at time zone 'UTC'
    from tales.budgets as b
    where b.scope = 'all' or (b.scope = 'model' and b.model = of_model)
        or (b.scope = 'user' and b.user_id = of_user)
        or (b.scope = 'each_user' and not exists (
            select from tales.budgets as own
            where own.scope = 'user' and own.user_id = of_user and own.period = b.period
        ));
end;

-- One after the other, where there is a budget. Whoever needs other locks as well takes this one first.
create function tales.lock_budgets() returns boolean
language plpgsql security definer set search_path = '' as $$
begin
    if not exists (select from tales.budgets) then
        return false;
    end if;
    perform pg_advisory_xact_lock(hashtext('tales.budgets'), 0);
    return true;
end
$$;

-- Before the rows are locked: whoever ends attempts has the lock before it has their rows.
create function tales.wait_for_budgets() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    perform tales.lock_budgets();
    return null;
end
$$;

-- What was reserved for an attempt that has ended becomes what it costs, and that becomes what has been learned
-- since. Once more changes nothing.
create function tales.settle_attempt(of_generation uuid, of_attempt integer) returns void
language plpgsql security definer set search_path = '' as $$
declare
    attempt record;
begin
    perform tales.lock_budgets();
    select g.user_id, g.model_used, g.created_at, r.charged_usd,
        case when r.charged_usd is null then r.reserved_usd else 0 end as released,
        tales.charge_of(coalesce(g.cost_usd, g.reconciled_cost_usd), g.prompt_tokens, g.completion_tokens,
            g.served_model, g.model_used, g.started_at, g.created_at, g.first_token_at, g.error_type,
            r.reserved_usd) as charge
    into attempt
    from tales.budget_reservations as r
    join tales.generations as g on g.generation_id = r.generation_id and g.attempt_number = r.attempt_number
    where r.generation_id = of_generation and r.attempt_number = of_attempt and g.status <> 'pending';
    if not found or attempt.charge = attempt.charged_usd then
        return;
    end if;
    update tales.budget_spending as s
    set reserved_usd = s.reserved_usd - attempt.released,
        spent_usd = s.spent_usd + attempt.charge - coalesce(attempt.charged_usd, 0)
    from tales.budgets_of(attempt.user_id, attempt.model_used, attempt.created_at) as b
    where s.budget_id = b.id and s.user_id is not distinct from b.spender and s.begins = b.begins;
    update tales.budget_reservations as r set charged_usd = attempt.charge
    where r.generation_id = of_generation and r.attempt_number = of_attempt;
end
$$;

-- An attempt that does not fit into a budget is not inserted; why stands in tales.budget_refusals until the end of the
-- transaction, by its generation.
create function tales.reserve_budget() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
    most numeric;
    refusal text;
    opens_in double precision;
    budget record;
begin
    if not exists (select from tales.budgets) then
        return new;
    end if;
    perform tales.lock_budgets();
    -- The attempt before it may have ended in the same statement: what that has not used is room for this one.
    if new.attempt_number > 1 then
        perform tales.settle_attempt(new.generation_id, new.attempt_number - 1);
    end if;
    if not exists (select from tales.budgets_of(new.user_id, new.model_used, new.created_at)) then
        return new;
    end if;
    most := tales.most_cost(new.queue, new.model_used, new.prompt, new.story_length);
    insert into tales.budget_spending (budget_id, user_id, begins)
    select b.id, b.spender, b.begins from tales.budgets_of(new.user_id, new.model_used, new.created_at) as b
    on conflict on constraint budget_spending_one_of_each do nothing;
    -- Of several budgets that are used up, the one counts that opens last.
    select case b.scope when 'all' then 'budget' when 'model' then 'model_budget' else 'user_budget' end,
        extract(epoch from b.ends - now())
    into refusal, opens_in
    from tales.budgets_of(new.user_id, new.model_used, new.created_at) as b
    join tales.budget_spending as s on s.budget_id = b.id and s.user_id is not distinct from b.spender
        and s.begins = b.begins
    where s.spent_usd + s.reserved_usd + most > b.limit_usd
    order by 2 desc limit 1;
    if most is null then
        refusal := 'price';
    end if;
    if refusal is not null then
        perform set_config('tales.budget_refusals', (
            coalesce(nullif(current_setting('tales.budget_refusals', true), ''), '{}')::jsonb || jsonb_build_object(
                new.generation_id, jsonb_build_object('refusal', refusal, 'retry_after', opens_in)
            )
        )::text, true);
        return null;
    end if;
    for budget in
        select b.*, s.id as spending_id, s.warned_at,
            s.spent_usd + s.reserved_usd + most >= b.limit_usd * b.warn_share as is_nearly_used
        from tales.budgets_of(new.user_id, new.model_used, new.created_at) as b
        join tales.budget_spending as s on s.budget_id = b.id and s.user_id is not distinct from b.spender
            and s.begins = b.begins
    loop
        update tales.budget_spending as s
        set reserved_usd = s.reserved_usd + most,
            warned_at = coalesce(s.warned_at, case when budget.is_nearly_used then now() end)
        where s.id = budget.spending_id;
        if budget.is_nearly_used and budget.warned_at is null then
            -- The service logs it.
            raise warning using errcode = 'TB001', message = 'a budget is nearly used up',
                detail = jsonb_build_object('budget', budget.id, 'scope', budget.scope,
                    'model', case budget.scope when 'model' then new.model_used end, 'period', budget.period);
        end if;
    end loop;
    insert into tales.budget_reservations (generation_id, attempt_number, reserved_usd)
    values (new.generation_id, new.attempt_number, most);
    return new;
end
$$;

-- When an attempt ends, and again when its cost is learned afterwards.
create function tales.settle_budget() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    if exists (select from tales.budgets) then
        perform tales.settle_attempt(new.generation_id, new.attempt_number);
    end if;
    return null;
end
$$;

-- One that is erased in flight. Before the delete: the reservation goes with the attempt.
create function tales.release_budget() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    if tales.lock_budgets() then
        update tales.budget_spending as s set reserved_usd = s.reserved_usd - r.reserved_usd
        from tales.budgets_of(old.user_id, old.model_used, old.created_at) as b, tales.budget_reservations as r
        where r.generation_id = old.generation_id and r.attempt_number = old.attempt_number
            and r.charged_usd is null
            and s.budget_id = b.id and s.user_id is not distinct from b.spender and s.begins = b.begins;
    end if;
    return old;
end
$$;

create trigger generations_reserve_budget before insert on tales.generations
    for each row when (new.status = 'pending' and new.queue is not null) execute function tales.reserve_budget();
create trigger generations_wait_for_budgets before update of status, reconciled_cost_usd on tales.generations
    for each statement execute function tales.wait_for_budgets();
create trigger generations_settle_budget after update of status, reconciled_cost_usd on tales.generations
    for each row when (
        new.status <> 'pending'
        and (old.status = 'pending' or old.reconciled_cost_usd is distinct from new.reconciled_cost_usd)
    ) execute function tales.settle_budget();
create trigger generations_release_budget before delete on tales.generations
    for each row when (old.status = 'pending') execute function tales.release_budget();

-- Count what the current day and month have cost so far, for these budgets: whoever adds one, or changes whose
-- spending one is about, calls it. What erased families spent is in the others, and stays.
-- Planned anew each time: a plan of a session that was made while there were no reservations would look at all of them
-- for each attempt.
create function tales.recount_budgets(changed uuid[]) returns void
language plpgsql set search_path = '' set plan_cache_mode = 'force_custom_plan' as $$
declare
    month constant timestamptz := date_trunc('month', now(), 'UTC');
begin
    perform set_config('request.jwt.claims', '{"role": "service_role"}', true),
        set_config('role', 'service_role', true);
    if not tales.lock_budgets() then
        return;
    end if;
    -- What is in flight, or may still have its cost learned, and was asked for when no budget was about it.
    insert into tales.budget_reservations as r (generation_id, attempt_number, reserved_usd, charged_usd)
    select g.generation_id, g.attempt_number,
        case when g.status = 'pending'
            then coalesce(tales.most_cost(g.queue, g.model_used, g.prompt, g.story_length), 0) else 0 end,
        -- As tales.charge_of has it: to call that for each of tens of thousands takes a minute.
        case when g.status <> 'pending' then coalesce(
            e.estimated_cost_usd,
            tales.charge_of_unknown(g.started_at, g.first_token_at, g.error_type, k.reserved_usd)
        ) end
    from tales.generations as g
    left join tales.attempt_estimates as e on e.created_at >= month
        and e.generation_id = g.generation_id and e.attempt_number = g.attempt_number
    left join tales.budget_reservations as k
        on k.generation_id = g.generation_id and k.attempt_number = g.attempt_number
    where g.created_at >= month and g.origin = 'live' and g.cost_usd is null
        and g.reconciled_cost_usd is null
        and case when g.status = 'pending' then g.queue is not null and k.reserved_usd is null
            else k.charged_usd is null end
    on conflict on constraint budget_reservations_pkey do update set charged_usd = excluded.charged_usd;
    delete from tales.budget_spending as s using tales.budgets as b
    where b.id = any (changed) and s.budget_id = b.id
        and s.begins = (date_trunc(b.period, now(), 'UTC') at time zone 'UTC')::date;
    insert into tales.budget_spending (budget_id, user_id, begins, spent_usd, reserved_usd)
    select b.id, case when b.scope = 'each_user' then g.user_id end,
        date_trunc(b.period, now(), 'UTC') at time zone 'UTC',
        -- A known cost first, as tales.charge_of has it too: to call that for each of a million takes minutes.
        coalesce(sum(coalesce(
            r.charged_usd, g.cost_usd, g.reconciled_cost_usd,
            tales.charge_of(null, g.prompt_tokens, g.completion_tokens, g.served_model, g.model_used, g.started_at,
                g.created_at, g.first_token_at, g.error_type, r.reserved_usd)
        )) filter (where g.status <> 'pending'), 0),
        coalesce(sum(r.reserved_usd) filter (where g.status = 'pending'), 0)
    from tales.budgets as b
    join tales.generations as g on g.created_at >= date_trunc(b.period, now(), 'UTC') and g.origin = 'live'
        and (b.scope = 'all' or (b.scope = 'model' and g.model_used = b.model)
            or (b.scope = 'user' and g.user_id = b.user_id)
            or (b.scope = 'each_user' and not exists (
                select from tales.budgets as own
                where own.scope = 'user' and own.user_id = g.user_id and own.period = b.period
            )))
    left join tales.budget_reservations as r
        on r.generation_id = g.generation_id and r.attempt_number = g.attempt_number
    where b.id = any (changed)
    group by 1, 2, 3;
end
$$;

-- As tales.enqueue_attempts; `refusal` is also 'budget', 'user_budget' or 'model_budget', with the seconds until that
-- opens again, or 'price' where a budget is about a model that has no price.
create function tales.enqueue_within_budgets(requests jsonb)
returns table (
    generation_id uuid, created_at timestamptz, is_claimed boolean, refusal text, retry_after double precision
)
language plpgsql set search_path = '' as $$
begin
    perform tales.lock_budgets();
    return query
    select e.generation_id, e.created_at, e.is_claimed, coalesce(e.refusal, r.why ->> 'refusal'),
        coalesce(e.retry_after, (r.why ->> 'retry_after')::double precision)
    from tales.enqueue_attempts(requests) as e
    left join lateral (
        select nullif(current_setting('tales.budget_refusals', true), '')::jsonb -> e.generation_id::text as why
        where e.created_at is null and e.refusal is null
    ) as r on true;
end
$$;

-- As tales.finish_attempts; an attempt that a budget has no room for does not follow, and has no time.
create function tales.finish_within_budgets(results jsonb)
returns table (
    generation_id uuid, attempt_number integer, prompt_tokens integer, completion_tokens integer, cost_usd numeric,
    provider text, served_model text, child_id uuid, hero_id uuid, next_created_at timestamptz,
    next_available_at timestamptz
)
language plpgsql set search_path = '' as $$
begin
    perform tales.lock_budgets();
    return query select * from tales.finish_attempts(results);
end
$$;

revoke execute on function
    tales.most_tokens(integer), tales.most_cost(text, text, text, integer),
    tales.charge_of_unknown(timestamptz, timestamptz, text, numeric),
    tales.charge_of(numeric, integer, integer, text, text, timestamptz, timestamptz, timestamptz, text, numeric),
    tales.budgets_of(uuid, text, timestamptz), tales.lock_budgets(), tales.wait_for_budgets(),
    tales.settle_attempt(uuid, integer), tales.reserve_budget(), tales.settle_budget(), tales.release_budget(),
    tales.recount_budgets(uuid[]), tales.enqueue_within_budgets(jsonb), tales.finish_within_budgets(jsonb)
from public;
grant execute on function
    tales.most_tokens(integer), tales.most_cost(text, text, text, integer),
    tales.charge_of_unknown(timestamptz, timestamptz, text, numeric),
    tales.charge_of(numeric, integer, integer, text, text, timestamptz, timestamptz, timestamptz, text, numeric)
to service_role;
grant execute on function tales.recount_budgets(uuid[]) to service_role;
grant execute on function tales.lock_budgets(), tales.enqueue_within_budgets(jsonb)
to tales_app, service_role, tales_requester;
grant execute on function tales.finish_within_budgets(jsonb) to tales_app, service_role;
