-- squawk-ignore-file ban-drop-table, ban-drop-function

drop index if exists tales.generations_cost_question_idx;
drop table if exists tales.cost_questions;
drop function if exists tales.forget_rollups();
drop function if exists tales.refresh_rollups(integer);
drop function if exists tales.count_users_of_month(timestamptz);
drop function if exists tales.count_users_of_day(timestamptz, timestamptz);
drop function if exists tales.add_up(text, text, timestamptz, timestamptz);
drop function if exists tales.count_hours(timestamptz, timestamptz);
drop function if exists tales.next_month(timestamptz);
drop view if exists tales.course_steps;
drop view if exists tales.attempt_marks;
drop view if exists tales.drawn_cells;
drop view if exists tales.attempt_cells;
drop function if exists tales.mark(integer, double precision);
drop table if exists tales.rollup_users;
drop table if exists tales.rollup_courses;
drop table if exists tales.rollup_marks;
drop table if exists tales.rollup_cells;

-- The rollups of migration 028, as they were.
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

alter table tales.hourly_models enable row level security;
alter table tales.daily_seconds enable row level security;

create policy "admins read hourly models" on tales.hourly_models
    for select to authenticated using ((select auth.jwt()) -> 'app_metadata' ->> 'role' = 'admin');
create policy "admins read daily seconds" on tales.daily_seconds
    for select to authenticated using ((select auth.jwt()) -> 'app_metadata' ->> 'role' = 'admin');
create policy "the service keeps hourly models" on tales.hourly_models
    for all to service_role using (true) with check (true);
create policy "the service keeps daily seconds" on tales.daily_seconds
    for all to service_role using (true) with check (true);

grant select on tales.hourly_models, tales.daily_seconds to authenticated;
grant select, insert, delete on tales.hourly_models, tales.daily_seconds to service_role;

update tales.rollup_state set complete_until = null;

create or replace function tales.note_changed_cost() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    insert into tales.rollup_changes (hour) values (date_trunc('hour', new.created_at, 'UTC'));
    return null;
end
$$;

create or replace function tales.note_erased_attempts() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    insert into tales.rollup_changes (hour)
    select distinct date_trunc('hour', e.created_at, 'UTC') from erased as e;
    return null;
end
$$;

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
    tales.seconds_bucket(double precision), tales.refresh_rollups(integer), tales.forget_rollups()
from public;
grant execute on function tales.seconds_bucket(double precision) to authenticated, service_role;
grant execute on function tales.refresh_rollups(integer), tales.forget_rollups() to service_role;
