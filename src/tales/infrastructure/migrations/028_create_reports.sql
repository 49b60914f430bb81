-- What reports count, said once: a row for each attempt with what can be asked of it, and a view for each report.
--
-- The views read as whoever asks: a family counts its own attempts, an admin and the service count everybody's. Days
-- are those of UTC. `tales report` and the API count the same rows for any period, with intervals and percentiles.
-- Steps: see 016; each is a transaction of its own.

-- step: ratings_table

-- How a story was rated, beside the attempt that wrote it: an admin may count ratings, and may not read stories.
create table tales.ratings (
    generation_id uuid not null,
    attempt_number integer not null,
    user_id uuid not null,
    rating integer not null,

    constraint ratings_pkey primary key (generation_id, attempt_number),
    constraint ratings_attempt_fkey foreign key (generation_id, attempt_number)
        references tales.generations (generation_id, attempt_number) on delete cascade
);

alter table tales.ratings enable row level security;

create policy "users read their own ratings" on tales.ratings
    for select to authenticated using (user_id = (select auth.uid()));
create policy "admins read all ratings" on tales.ratings
    for select to authenticated using ((select auth.jwt()) -> 'app_metadata' ->> 'role' = 'admin');
create policy "the service reads ratings" on tales.ratings
    for select to service_role using (true);

grant select on tales.ratings to authenticated, service_role;

-- As its owner: whoever rates or deletes a story writes here through it alone. A story without a rating, as every new
-- one is, does not set it off.
create function tales.keep_rating() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    if tg_op <> 'INSERT' and old.generation_id is not null then
        delete from tales.ratings
        where generation_id = old.generation_id and attempt_number = old.generation_attempt;
    end if;
    if tg_op <> 'DELETE' and new.rating is not null and new.generation_id is not null then
        insert into tales.ratings (generation_id, attempt_number, user_id, rating)
        values (new.generation_id, new.generation_attempt, new.user_id, new.rating)
        on conflict on constraint ratings_pkey do update set rating = excluded.rating;
    end if;
    return null;
end
$$;
revoke execute on function tales.keep_rating() from public;

create trigger stories_keep_rating_of_new after insert on tales.stories
    for each row when (new.rating is not null) execute function tales.keep_rating();
create trigger stories_keep_rating after update of rating, generation_id, generation_attempt on tales.stories
    for each row when (
        (old.rating, old.generation_id, old.generation_attempt)
        is distinct from (new.rating, new.generation_id, new.generation_attempt)
    ) execute function tales.keep_rating();
create trigger stories_forget_rating after delete on tales.stories
    for each row when (old.rating is not null) execute function tales.keep_rating();

-- step: views

-- One row an attempt. Seconds are those of calls that Tales made: a migrated attempt has no start. `cost_usd` is what
-- is known, from the response or learned afterwards; NULL is unknown, never 0. `prompt_length`: characters, as stored.
create view tales.attempt_facts with (security_invoker = true) as
select
    g.generation_id, g.attempt_number, g.user_id, g.model_used, g.served_model, g.provider,
    g.status, g.error_type, g.story_type, g.story_length, g.language, g.prompt_version,
    g.origin = 'live' as is_live,
    g.created_at, g.started_at, g.first_token_at, g.completed_at,
    date_part('epoch', g.started_at - coalesce(g.available_at, g.created_at)) as queued_seconds,
    date_part('epoch', g.first_token_at - g.started_at) as first_token_seconds,
    date_part('epoch', g.completed_at - g.started_at) as seconds,
    length(g.prompt) as prompt_length,
    g.prompt_tokens, g.completion_tokens,
    coalesce(g.cost_usd, g.reconciled_cost_usd) as cost_usd,
    g.status <> 'pending' and coalesce(g.cost_usd, g.reconciled_cost_usd) is null as is_cost_unknown,
    r.rating
from tales.generations as g
left join tales.ratings as r on r.generation_id = g.generation_id and r.attempt_number = g.attempt_number;

-- `tales report models`: outcomes, tokens, cost and ratings of each model, by day.
create view tales.report_models with (security_invoker = true) as
select
    (created_at at time zone 'UTC')::date as day, model_used, story_type, language, prompt_version, is_live,
    count(*) as attempts,
    count(*) filter (where status = 'success') as success,
    count(*) filter (where status = 'failed') as failed,
    count(*) filter (where status = 'timeout') as timeout,
    count(*) filter (where status = 'pending') as pending,
    sum(seconds) as seconds, count(seconds) as timed,
    sum(prompt_tokens) as prompt_tokens, sum(completion_tokens) as completion_tokens,
    sum(cost_usd) as cost_usd, count(*) filter (where is_cost_unknown) as cost_unknown,
    count(rating) as ratings, sum(rating) as rating_sum, count(*) filter (where rating >= 8) as good_stories
from tales.attempt_facts
group by 1, 2, 3, 4, 5, 6;

-- `tales report retries`: how many attempts each generation took, by the day of its first one. Migrated generations
-- have no attempts before the one that wrote their story, as far as anybody knows, and are left out.
create view tales.report_retries with (security_invoker = true) as
select (began_at at time zone 'UTC')::date as day, attempts, count(*) as generations,
    count(*) filter (where succeeded) as succeeded, sum(cost_usd) as cost_usd, sum(cost_unknown) as cost_unknown
from (
    select min(created_at) as began_at, count(*) as attempts, bool_or(status = 'success') as succeeded,
        sum(cost_usd) as cost_usd, count(*) filter (where is_cost_unknown) as cost_unknown
    from tales.attempt_facts
    where is_live
    group by generation_id
) as generation
group by 1, 2;

-- `tales report timeouts`: attempts that have ended, by model, reason and hour (UTC). A NULL as reason: a success.
create view tales.report_timeouts with (security_invoker = true) as
select date_trunc('hour', created_at, 'UTC') as hour, model_used, error_type, status, count(*) as attempts,
    sum(seconds) as seconds
from tales.attempt_facts
where is_live and status <> 'pending'
group by 1, 2, 3, 4;

-- `tales report costs`: what each user's calls cost, by day, model, story type and outcome.
create view tales.report_costs with (security_invoker = true) as
select (created_at at time zone 'UTC')::date as day, user_id, model_used, story_type, status, is_live,
    count(*) as attempts, sum(cost_usd) as cost_usd, count(*) filter (where is_cost_unknown) as cost_unknown
from tales.attempt_facts
group by 1, 2, 3, 4, 5, 6;

grant select on
    tales.attempt_facts, tales.report_models, tales.report_retries, tales.report_timeouts, tales.report_costs
to authenticated, service_role;

-- step: rollups

-- Of these, 032 keeps the state and the changes, and puts other tables and functions in the place of the rest.
--
-- Reports over long periods read these instead of each attempt: counts and sums by hour, exactly, and the seconds of
-- whole days as a histogram whose buckets grow by 2 %, so that a percentile is at most 1 % beside its true value.
-- `tales.refresh_rollups` writes them; up to when they are complete stands in tales.rollup_state.
create table tales.hourly_models (
    hour timestamptz not null,
    model_used text not null,
    is_live boolean not null,
    attempts bigint not null,
    success bigint not null,
    failed bigint not null,
    timeout bigint not null,
    pending bigint not null,
    timed_tokens bigint not null,
    timed_seconds numeric not null,
    prompt_tokens bigint,
    completion_tokens bigint,
    cost_usd numeric,
    cost_unknown bigint not null,
    ratings bigint not null,
    rating_sum bigint not null,
    good_stories bigint not null,

    constraint hourly_models_pkey primary key (hour, model_used, is_live)
);
create index hourly_models_pending_idx on tales.hourly_models (hour) where pending > 0;

create table tales.daily_seconds (
    day date not null,
    model_used text not null,
    is_first_token boolean not null,
    bucket integer not null,
    attempts bigint not null,

    constraint daily_seconds_pkey primary key (day, model_used, is_first_token, bucket)
);

create table tales.rollup_state (
    is_only boolean not null default true,
    complete_until timestamptz,

    constraint rollup_state_pkey primary key (is_only),
    constraint rollup_state_is_one_row check (is_only)
);
insert into tales.rollup_state default values;

-- What has changed after it was counted: the hour where it is known, or else the attempt.
create table tales.rollup_changes (
    id uuid not null default gen_random_uuid(),
    hour timestamptz,
    generation_id uuid,
    attempt_number integer,

    constraint rollup_changes_pkey primary key (id)
);

alter table tales.hourly_models enable row level security;
alter table tales.daily_seconds enable row level security;
alter table tales.rollup_state enable row level security;
alter table tales.rollup_changes enable row level security;

create policy "admins read hourly models" on tales.hourly_models
    for select to authenticated using ((select auth.jwt()) -> 'app_metadata' ->> 'role' = 'admin');
create policy "admins read daily seconds" on tales.daily_seconds
    for select to authenticated using ((select auth.jwt()) -> 'app_metadata' ->> 'role' = 'admin');
create policy "admins read the state of rollups" on tales.rollup_state
    for select to authenticated using ((select auth.jwt()) -> 'app_metadata' ->> 'role' = 'admin');
create policy "the service keeps hourly models" on tales.hourly_models
    for all to service_role using (true) with check (true);
create policy "the service keeps daily seconds" on tales.daily_seconds
    for all to service_role using (true) with check (true);
create policy "the service keeps the state of rollups" on tales.rollup_state
    for all to service_role using (true) with check (true);
create policy "the service keeps rollup changes" on tales.rollup_changes
    for all to service_role using (true) with check (true);

grant select on tales.hourly_models, tales.daily_seconds, tales.rollup_state to authenticated;
grant select, insert, delete on tales.hourly_models, tales.daily_seconds to service_role;
grant select, update on tales.rollup_state to service_role;
grant select, delete on tales.rollup_changes to service_role;

-- As their owner: whoever rates, erases or learns a cost need not be let write here. No call of a model sets one off.
create function tales.note_changed_rating() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    if tg_op = 'DELETE' then
        insert into tales.rollup_changes (generation_id, attempt_number)
        values (old.generation_id, old.attempt_number);
    else
        insert into tales.rollup_changes (generation_id, attempt_number)
        values (new.generation_id, new.attempt_number);
    end if;
    return null;
end
$$;

create function tales.note_changed_cost() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    insert into tales.rollup_changes (hour) values (date_trunc('hour', new.created_at, 'UTC'));
    return null;
end
$$;

create function tales.note_erased_attempts() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    insert into tales.rollup_changes (hour)
    select distinct date_trunc('hour', e.created_at, 'UTC') from erased as e;
    return null;
end
$$;

create trigger ratings_note_change after insert or update or delete on tales.ratings
    for each row execute function tales.note_changed_rating();
create trigger generations_note_cost after update of reconciled_cost_usd on tales.generations
    for each row when (old.reconciled_cost_usd is distinct from new.reconciled_cost_usd)
    execute function tales.note_changed_cost();
create trigger generations_note_erased after delete on tales.generations
    referencing old table as erased
    for each statement execute function tales.note_erased_attempts();

-- The bucket of a number of seconds: 1.02 ^ (bucket - 1) < seconds <= 1.02 ^ bucket. Nothing is quicker than 1 ms.
create function tales.seconds_bucket(seconds double precision) returns integer
language sql immutable parallel safe set search_path = ''
return ceil(ln(greatest(seconds, 0.001)) / ln(1.02::double precision))::integer;

-- Count the hours that have ended, at most so many, and again those in which something has changed. How many new ones
-- were counted: call it until that is 0. An hour is complete ten minutes after its end, when whatever was asked for in
-- it has been committed. One at a time: the state is locked.
create function tales.refresh_rollups(most_hours integer) returns integer
language plpgsql set search_path = '' as $$
declare
    begins timestamptz;
    ends constant timestamptz := date_trunc('hour', now() - interval '10 minutes', 'UTC');
    until timestamptz;
    hours timestamptz[];
    days date[];
begin
    perform set_config('request.jwt.claims', '{"role": "service_role"}', true),
        set_config('role', 'service_role', true);
    select complete_until into begins from tales.rollup_state for update;
    -- Nothing was asked for in the hours in between.
    select coalesce(
        greatest(begins, least(ends, date_trunc('hour', min(created_at), 'UTC'))), begins
    ) into begins
    from tales.generations where created_at >= coalesce(begins, '0001-01-02Z');
    if begins is null then
        return 0;
    end if;
    until := greatest(begins, least(ends, begins + make_interval(hours => most_hours)));
    with changes as (
        delete from tales.rollup_changes returning hour, generation_id, attempt_number
    )
    select array_agg(distinct found.hour) into hours
    from (
        select coalesce(c.hour, date_trunc('hour', g.created_at, 'UTC')) as hour
        from changes as c
        left join tales.generations as g
            on g.generation_id = c.generation_id and g.attempt_number = c.attempt_number
        union
        select h.hour from tales.hourly_models as h where h.pending > 0 and h.hour > now() - interval '2 days'
    ) as found
    where found.hour < begins;
    hours := coalesce(hours, '{}') || array(
        select generate_series(begins, until - interval '1 hour', interval '1 hour')
    );
    if hours = '{}' then
        return 0;
    end if;
    delete from tales.hourly_models where hour = any (hours);
    insert into tales.hourly_models
    select h.hour, a.model_used, a.is_live,
        count(*), count(*) filter (where status = 'success'), count(*) filter (where status = 'failed'),
        count(*) filter (where status = 'timeout'), count(*) filter (where status = 'pending'),
        coalesce(sum(completion_tokens) filter (where seconds is not null), 0),
        coalesce(sum(seconds::numeric) filter (where completion_tokens is not null), 0),
        sum(prompt_tokens), sum(completion_tokens), sum(cost_usd), count(*) filter (where is_cost_unknown),
        count(rating), coalesce(sum(rating), 0), count(*) filter (where rating >= 8)
    from unnest(hours) as h (hour)
    join tales.attempt_facts as a on a.created_at >= h.hour and a.created_at < h.hour + interval '1 hour'
    group by h.hour, a.model_used, a.is_live;
    -- Of days, those that are whole by now, and that an hour of these lies in.
    days := array(
        select distinct (h.hour at time zone 'UTC')::date from unnest(hours) as h (hour)
        where (h.hour at time zone 'UTC')::date < (until at time zone 'UTC')::date
    );
    delete from tales.daily_seconds where day = any (days);
    insert into tales.daily_seconds
    select d.day, a.model_used, m.is_first_token, tales.seconds_bucket(m.seconds), count(*)
    from unnest(days) as d (day)
    join tales.attempt_facts as a
        on a.created_at >= d.day::timestamp at time zone 'UTC'
        and a.created_at < (d.day + 1)::timestamp at time zone 'UTC'
    cross join lateral (values (false, a.seconds), (true, a.first_token_seconds)) as m (is_first_token, seconds)
    where a.is_live and m.seconds is not null
    group by 1, 2, 3, 4;
    update tales.rollup_state set complete_until = until;
    return round(extract(epoch from until - begins) / 3600);
end
$$;

-- Count all of it anew, with the next calls.
create function tales.forget_rollups() returns void
language plpgsql set search_path = '' as $$
begin
    perform set_config('request.jwt.claims', '{"role": "service_role"}', true),
        set_config('role', 'service_role', true);
    perform from tales.rollup_state for update;
    delete from tales.hourly_models;
    delete from tales.daily_seconds;
    update tales.rollup_state set complete_until = null;
end
$$;

revoke execute on function
    tales.note_changed_rating(), tales.note_changed_cost(), tales.note_erased_attempts(),
    tales.seconds_bucket(double precision), tales.refresh_rollups(integer), tales.forget_rollups()
from public;
grant execute on function tales.seconds_bucket(double precision) to authenticated, service_role;
grant execute on function tales.refresh_rollups(integer), tales.forget_rollups() to service_role;

-- step: open_stories

-- The ratings of before. The owner is bound by the policies of stories too, and would see none. To let it read them,
-- and to end that, locks the table for a moment, and to read all of it locks nobody out.
create policy "the owner reads ratings of before" on tales.stories for select to current_user using (true);

-- step: ratings

-- Of attempts that are still there when it comes to them: an application of before may delete meanwhile.
insert into tales.ratings (generation_id, attempt_number, user_id, rating)
select s.generation_id, s.generation_attempt, s.user_id, s.rating
from tales.stories as s
join tales.generations as g on g.generation_id = s.generation_id and g.attempt_number = s.generation_attempt
where s.rating is not null
for key share of g
on conflict do nothing;

-- step: close_stories

drop policy "the owner reads ratings of before" on tales.stories;
