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
    limit_usd numeric(18, 12) not null,
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
    spent_usd numeric(18, 12) not null default 0,
    reserved_usd numeric(18, 12) not null default 0,
    warned_at timestamptz,

    constraint budget_spending_pkey primary key (id),
    constraint budget_spending_one_of_each unique nulls not distinct (budget_id, user_id, begins),
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
grant select, insert, update on tales.budget_spending to service_role;

-- What the attempt was reserved for: NULL where no budget was about it.
alter table tales.generations add column reserved_usd numeric(18, 12);

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

-- What an attempt that has ended counts for: its cost, or else an estimate; or else, if the model may have written
-- something, what was reserved for it. An error before that costs nothing, nor does a call that nobody made.
create function tales.charge_of(attempt tales.generations) returns numeric
language sql stable set search_path = ''
return coalesce(
    attempt.cost_usd,
    attempt.reconciled_cost_usd,
    (
        select tales.token_cost(attempt.prompt_tokens, attempt.completion_tokens, p.prompt_usd_per_million,
            p.completion_usd_per_million, p.request_usd)
        from tales.prices as p
        where p.model in (attempt.served_model, attempt.model_used)
            and p.valid_from <= coalesce(attempt.started_at, attempt.created_at)
        order by p.model = attempt.served_model desc nulls last, p.valid_from desc limit 1
    ),
    case when attempt.started_at is null or (attempt.first_token_at is null and attempt.error_type in (
        'connection', 'connect_timeout', 'rate_limited', 'overloaded', 'provider_unavailable', 'server_error',
        'invalid_request', 'authentication', 'payment_required', 'permission_denied', 'model_not_found',
        'content_policy'
    )) then 0 end,
    attempt.reserved_usd,
    0
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
    new.reserved_usd := most;
    return new;
end
$$;

-- What was reserved becomes what was spent: when an attempt ends, and again when its cost is learned afterwards.
create function tales.settle_budget() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
    released numeric := case when old.status = 'pending' then old.reserved_usd else 0 end;
    spent numeric := 0;
begin
    if tg_op = 'UPDATE' then
        spent := tales.charge_of(new) - case when old.status = 'pending' then 0 else tales.charge_of(old) end;
    end if;
    perform tales.lock_budgets();
    update tales.budget_spending as s
    set reserved_usd = s.reserved_usd - released, spent_usd = s.spent_usd + spent
    from tales.budgets_of(old.user_id, old.model_used, old.created_at) as b
    where s.budget_id = b.id and s.user_id is not distinct from b.spender and s.begins = b.begins;
    return null;
end
$$;

create trigger generations_reserve_budget before insert on tales.generations
    for each row when (new.status = 'pending' and new.queue is not null) execute function tales.reserve_budget();
create trigger generations_settle_budget after update of status on tales.generations
    for each row when (old.status = 'pending' and new.status <> 'pending' and old.reserved_usd is not null)
    execute function tales.settle_budget();
create trigger generations_settle_learned_cost after update of reconciled_cost_usd on tales.generations
    for each row when (
        old.status <> 'pending' and old.reserved_usd is not null
        and old.reconciled_cost_usd is distinct from new.reconciled_cost_usd
    ) execute function tales.settle_budget();
create trigger generations_release_budget after delete on tales.generations
    for each row when (old.status = 'pending' and old.reserved_usd is not null) execute function tales.settle_budget();

-- Count what the current day and month have cost so far, for every budget: whoever changes a budget calls it.
create function tales.recount_budgets() returns void
language plpgsql set search_path = '' as $$
begin
    perform set_config('request.jwt.claims', '{"role": "service_role"}', true),
        set_config('role', 'service_role', true);
    if not tales.lock_budgets() then
        return;
    end if;
    -- What is in flight was asked for when no budget was about it.
    update tales.generations as g
    set reserved_usd = coalesce(tales.most_cost(g.queue, g.model_used, g.prompt, g.story_length), 0)
    where g.status = 'pending' and g.queue is not null and g.reserved_usd is null;
    update tales.budget_spending as s set spent_usd = 0, reserved_usd = 0
    from tales.budgets as b
    where s.budget_id = b.id and s.begins = (date_trunc(b.period, now(), 'UTC') at time zone 'UTC')::date;
    insert into tales.budget_spending as s (budget_id, user_id, begins, spent_usd, reserved_usd)
    select b.id, case when b.scope = 'each_user' then g.user_id end,
        date_trunc(b.period, now(), 'UTC') at time zone 'UTC',
        coalesce(sum(tales.charge_of(g)) filter (where g.status <> 'pending'), 0),
        coalesce(sum(g.reserved_usd) filter (where g.status = 'pending'), 0)
    from tales.budgets as b
    join tales.generations as g on g.created_at >= date_trunc(b.period, now(), 'UTC') and g.origin = 'live'
        and (b.scope = 'all' or (b.scope = 'model' and g.model_used = b.model)
            or (b.scope = 'user' and g.user_id = b.user_id)
            or (b.scope = 'each_user' and not exists (
                select from tales.budgets as own
                where own.scope = 'user' and own.user_id = g.user_id and own.period = b.period
            )))
    group by 1, 2, 3
    on conflict on constraint budget_spending_one_of_each
        do update set spent_usd = excluded.spent_usd, reserved_usd = excluded.reserved_usd;
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
    tales.most_tokens(integer), tales.most_cost(text, text, text, integer), tales.charge_of(tales.generations),
    tales.budgets_of(uuid, text, timestamptz), tales.lock_budgets(), tales.reserve_budget(), tales.settle_budget(),
    tales.recount_budgets(), tales.enqueue_within_budgets(jsonb), tales.finish_within_budgets(jsonb)
from public;
grant execute on function
    tales.most_tokens(integer), tales.most_cost(text, text, text, integer), tales.charge_of(tales.generations)
to service_role;
grant execute on function tales.recount_budgets() to service_role;
grant execute on function tales.lock_budgets(), tales.enqueue_within_budgets(jsonb)
to tales_app, service_role, tales_requester;
grant execute on function tales.finish_within_budgets(jsonb) to tales_app, service_role;
