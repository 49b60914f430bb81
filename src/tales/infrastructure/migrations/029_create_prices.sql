-- What models charge, in versions with dates: where a provider has not said what a call cost, it is estimated by them.
-- An estimate is never a cost: `cost_usd` stays what the provider said, and tales.attempt_estimates stands beside it.
--
-- Steps: see 016; each is a transaction of its own.

-- step: tables

-- A version is good from its time on, until the next one of its model. US dollars.
create table tales.prices (
    model text not null,
    valid_from timestamptz not null,
    prompt_usd_per_million numeric(18, 9) not null,
    completion_usd_per_million numeric(18, 9) not null,
    request_usd numeric(20, 12) not null default 0,
    -- Who says so: the provider's own list, or the operator.
    source text not null,
    created_at timestamptz not null default now(),

    constraint prices_pkey primary key (model, valid_from),
    constraint prices_model_is_short check (length(model) between 1 and 200),
    constraint prices_valid_from_is_finite check (isfinite(valid_from)),
    constraint prices_not_negative
        check (prompt_usd_per_million >= 0 and completion_usd_per_million >= 0 and request_usd >= 0),
    constraint prices_source_is_known check (source in ('provider', 'operator'))
);

alter table tales.prices enable row level security;

create policy "admins read prices" on tales.prices
    for select to authenticated using ((select auth.jwt()) -> 'app_metadata' ->> 'role' = 'admin');
create policy "the service keeps prices" on tales.prices for all to service_role using (true) with check (true);

grant select on tales.prices to authenticated;
grant select, insert, update on tales.prices to service_role;

-- What so many tokens cost at such a price. Inlined: it is as quick as its formula.
create function tales.token_cost(
    prompt_tokens integer, completion_tokens integer, prompt_usd_per_million numeric,
    completion_usd_per_million numeric, request_usd numeric
)
returns numeric
language sql immutable parallel safe
return round(
    (prompt_tokens * prompt_usd_per_million + completion_tokens * completion_usd_per_million) / 1000000 + request_usd,
    12
);
revoke execute on function tales.token_cost(integer, integer, numeric, numeric, numeric) from public;
grant execute on function tales.token_cost(integer, integer, numeric, numeric, numeric) to authenticated, service_role;

-- Each version with its end.
create view tales.price_periods with (security_invoker = true) as
select model, valid_from,
    lead(valid_from, 1, 'infinity') over (partition by model order by valid_from) as valid_until,
    prompt_usd_per_million, completion_usd_per_million, request_usd
from tales.prices;

-- One row for each attempt that has ended, whose cost nobody has said, and whose tokens are known: what it may have
-- cost by the price of the model that answered, or else of the one that was asked, at the time of the call.
create view tales.attempt_estimates with (security_invoker = true) as
select
    g.generation_id, g.attempt_number, g.user_id, g.model_used, g.served_model, g.status, g.story_type, g.language,
    g.prompt_version, g.origin = 'live' as is_live, g.created_at,
    coalesce(
        tales.token_cost(g.prompt_tokens, g.completion_tokens, s.prompt_usd_per_million, s.completion_usd_per_million,
            s.request_usd),
        tales.token_cost(g.prompt_tokens, g.completion_tokens, a.prompt_usd_per_million, a.completion_usd_per_million,
            a.request_usd)
    ) as estimated_cost_usd
from tales.generations as g
left join tales.price_periods as s on s.model = g.served_model
    and coalesce(g.started_at, g.created_at) >= s.valid_from and coalesce(g.started_at, g.created_at) < s.valid_until
left join tales.price_periods as a on a.model = g.model_used
    and coalesce(g.started_at, g.created_at) >= a.valid_from and coalesce(g.started_at, g.created_at) < a.valid_until
where g.status <> 'pending' and g.cost_usd is null and g.reconciled_cost_usd is null
    and g.prompt_tokens is not null and g.completion_tokens is not null
    and (s.model is not null or a.model is not null);

grant select on tales.price_periods, tales.attempt_estimates to authenticated, service_role;

-- step: unknown_cost_index, concurrently

-- Where providers say what calls cost, hardly any attempt is in it; reports find those few, and all that an estimate
-- needs: the rows themselves are as long as their prompts, and lie far apart.
create index if not exists generations_unknown_cost_idx on tales.generations (created_at)
    include (user_id, model_used, served_model, started_at, origin, story_type, language, prompt_version,
        prompt_tokens, completion_tokens)
    where status <> 'pending' and cost_usd is null and reconciled_cost_usd is null
        and prompt_tokens is not null and completion_tokens is not null;
