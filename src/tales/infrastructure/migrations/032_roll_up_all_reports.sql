-- Every report is answered from rollups, which are kept up to date in the background (tales.refresh_rollups).
--
-- A cell counts the attempts of a quarter of an hour, an hour, a day or a month (of UTC) that have in common what its
-- detail says: 'model' (with outcome and reason), 'version' (also the version of the prompt), 'request' (also story
-- type and language), 'drawn' (the same, of what was drawn in one experiment alone), 'length' (model, outcome and
-- length of the prompt), or 'outcome' (nothing else, by the hour: a year has 8,760). Counts and sums are exact. Beside
-- them lie marks: how many calls took so long, and how many stories were so long, in buckets that grow by 2 %, so that
-- a percentile is at most 1 % beside its true value. Marks have the detail 'model' or 'request' too, or 'version'
-- (model and version of the prompt, whatever the outcome). Days and months are sums of hours, made when they are over.

-- step: tables

create table tales.rollup_cells (
    grain text not null,
    detail text not null,
    starts_at timestamptz not null,
    place integer not null,
    model_used text,
    is_live boolean not null,
    status text not null,
    error_type text,
    story_type text,
    language text,
    prompt_version text,
    prompt_length text,
    experiment text,
    attempts bigint not null,
    timed bigint not null,
    seconds double precision not null,
    seconds_squares double precision not null,
    timed_tokens bigint not null,
    timed_seconds double precision not null,
    prompt_tokens bigint,
    completion_tokens bigint,
    cost_usd numeric,
    cost_squares numeric,
    cost_unknown bigint not null,
    -- Of these, whose tokens are known.
    estimable bigint not null,
    ratings bigint not null,
    rating_sum bigint not null,
    rating_squares bigint not null,
    good_stories bigint not null,

    constraint rollup_cells_pkey primary key (grain, detail, starts_at, place),
    constraint rollup_cells_grain_is_known check (grain in ('quarter', 'hour', 'day', 'month')),
    constraint rollup_cells_detail_is_known
        check (detail in ('model', 'version', 'request', 'length', 'drawn', 'outcome'))
);
-- The hours of a year, for what depends on the hour: they lie far apart, among all else that is known of them.
create index rollup_cells_outcome_idx on tales.rollup_cells (starts_at) include (is_live, status, attempts)
    where grain = 'hour' and detail = 'outcome';
create index rollup_cells_pending_idx on tales.rollup_cells (starts_at)
    where grain = 'hour' and detail = 'model' and status = 'pending';

-- Marks (tales.mark) and how many attempts have each.
create table tales.rollup_marks (
    grain text not null,
    detail text not null,
    starts_at timestamptz not null,
    place integer not null,
    model_used text not null,
    status text,
    error_type text,
    story_type text,
    language text,
    prompt_version text,
    marks integer[] not null,
    counts bigint[] not null,

    constraint rollup_marks_pkey primary key (grain, detail, starts_at, place),
    constraint rollup_marks_grain_is_known check (grain in ('hour', 'day', 'month')),
    constraint rollup_marks_detail_is_known check (detail in ('model', 'version', 'request'))
);

-- The courses that generations took (models, outcomes and reasons in turn), by the time of their first attempt. A row
-- is one step of a course.
create table tales.rollup_courses (
    grain text not null,
    detail text not null,
    starts_at timestamptz not null,
    place integer not null,
    models text[] not null,
    statuses text[] not null,
    reasons text[] not null,
    step integer not null,
    story_type text,
    language text,
    prompt_version text,
    generations bigint not null,
    waited double precision not null,
    seconds double precision not null,
    timed bigint not null,
    cost_usd numeric,
    cost_unknown bigint not null,

    constraint rollup_courses_pkey primary key (grain, detail, starts_at, place),
    constraint rollup_courses_grain_is_known check (grain in ('hour', 'day', 'month')),
    constraint rollup_courses_detail_is_known check (detail in ('model', 'request'))
);
create index rollup_courses_pending_idx on tales.rollup_courses (starts_at)
    where grain = 'hour' and detail = 'model' and 'pending' = any (statuses);

-- What the attempts of a user cost. It goes with the user (tales.note_erased_attempts), and has no foreign key:
-- whoever counts would wait for whoever erases, and that one for the counting. The dearest 200 of a day or month also
-- know what no other one cost more than: so a report finds the dearest of all without a look at every user. The day
-- that is not over is here too, as far as hours are complete.
create table tales.rollup_users (
    grain text not null,
    starts_at timestamptz not null,
    user_id uuid not null,
    is_live boolean not null,
    attempts integer not null,
    cost_usd numeric,
    failed_cost_usd numeric,
    cost_unknown integer not null,
    others_most_usd numeric,

    constraint rollup_users_pkey primary key (grain, starts_at, user_id, is_live),
    constraint rollup_users_grain_is_known check (grain in ('day', 'month'))
);
create index rollup_users_dearest_idx on tales.rollup_users (grain, starts_at)
    include (user_id, is_live, cost_usd, others_most_usd) where others_most_usd is not null;

-- Up to when they are complete.
create table tales.rollup_state (
    is_only boolean not null default true,
    complete_until timestamptz,

    constraint rollup_state_pkey primary key (is_only),
    constraint rollup_state_is_one_row check (is_only)
);
insert into tales.rollup_state default values;

-- Attempts whose cost the provider was asked for and did not know: when to ask again.
create table tales.cost_questions (
    generation_id uuid not null,
    attempt_number integer not null,
    asked integer not null,
    ask_again_at timestamptz not null,

    constraint cost_questions_pkey primary key (generation_id, attempt_number),
    constraint cost_questions_attempt_fkey foreign key (generation_id, attempt_number)
        references tales.generations (generation_id, attempt_number) on delete cascade
);
alter table tales.cost_questions enable row level security;
create policy "the service keeps cost questions" on tales.cost_questions
    for all to service_role using (true) with check (true);
grant select, insert, update on tales.cost_questions to service_role;

alter table tales.rollup_cells enable row level security;
alter table tales.rollup_marks enable row level security;
alter table tales.rollup_courses enable row level security;
alter table tales.rollup_users enable row level security;
alter table tales.rollup_state enable row level security;

-- Asked once a statement, not once a row: a report reads tens of thousands.
create policy "admins read rollup cells" on tales.rollup_cells
    for select to authenticated using ((select auth.jwt() -> 'app_metadata' ->> 'role' = 'admin'));
create policy "admins read rollup marks" on tales.rollup_marks
    for select to authenticated using ((select auth.jwt() -> 'app_metadata' ->> 'role' = 'admin'));
create policy "admins read rollup courses" on tales.rollup_courses
    for select to authenticated using ((select auth.jwt() -> 'app_metadata' ->> 'role' = 'admin'));
create policy "admins read rollup users" on tales.rollup_users
    for select to authenticated using ((select auth.jwt() -> 'app_metadata' ->> 'role' = 'admin'));
create policy "admins read the state of rollups" on tales.rollup_state
    for select to authenticated using ((select auth.jwt()) -> 'app_metadata' ->> 'role' = 'admin');
create policy "the service keeps rollup cells" on tales.rollup_cells
    for all to service_role using (true) with check (true);
create policy "the service keeps rollup marks" on tales.rollup_marks
    for all to service_role using (true) with check (true);
create policy "the service keeps rollup courses" on tales.rollup_courses
    for all to service_role using (true) with check (true);
create policy "the service keeps rollup users" on tales.rollup_users
    for all to service_role using (true) with check (true);
create policy "the service keeps the state of rollups" on tales.rollup_state
    for all to service_role using (true) with check (true);

grant select on
    tales.rollup_cells, tales.rollup_marks, tales.rollup_courses, tales.rollup_users, tales.rollup_state
to authenticated;
grant select, insert, delete on
    tales.rollup_cells, tales.rollup_marks, tales.rollup_courses, tales.rollup_users
to service_role;
grant select, update on tales.rollup_state to service_role;

-- step: changes

-- What has changed after it was counted: its hour where that is known, the attempt, or both.
create table tales.rollup_changes (
    id uuid not null default gen_random_uuid(),
    hour timestamptz,
    generation_id uuid,
    attempt_number integer,

    constraint rollup_changes_pkey primary key (id)
);

alter table tales.rollup_changes enable row level security;
create policy "the service keeps rollup changes" on tales.rollup_changes
    for all to service_role using (true) with check (true);
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

-- The course of the attempt lies in another hour, maybe.
create function tales.note_changed_cost() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    insert into tales.rollup_changes (hour, generation_id, attempt_number)
    values (date_trunc('hour', new.created_at, 'UTC'), new.generation_id, new.attempt_number);
    return null;
end
$$;

-- What an erased user cost goes at once, but for rows that are being counted at this moment: nobody waits for those.
-- They go with the next call: it sees the hours noted here, whether that counting saw the attempts or not.
create function tales.note_erased_attempts() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    insert into tales.rollup_changes (hour)
    select distinct date_trunc('hour', e.created_at, 'UTC') from erased as e;
    delete from tales.rollup_users
    where (grain, starts_at, user_id, is_live) in (
        select u.grain, u.starts_at, u.user_id, u.is_live
        from tales.rollup_users as u
        where (u.user_id, u.grain, u.starts_at) in (
            select e.user_id, g.grain, date_trunc(g.grain, e.created_at, 'UTC')
            from erased as e
            cross join (values ('day'), ('month')) as g (grain)
        )
        for update of u skip locked
    );
    return null;
end
$$;

revoke execute on function
    tales.note_changed_rating(), tales.note_changed_cost(), tales.note_erased_attempts()
from public;

create trigger ratings_note_change after insert or update or delete on tales.ratings
    for each row execute function tales.note_changed_rating();
create trigger generations_note_cost after update of reconciled_cost_usd on tales.generations
    for each row when (old.reconciled_cost_usd is distinct from new.reconciled_cost_usd)
    execute function tales.note_changed_cost();
create trigger generations_note_erased after delete on tales.generations
    referencing old table as erased
    for each statement execute function tales.note_erased_attempts();

-- step: counting

-- The mark of a value: its bucket, 1.02 ^ (bucket - 1) < value <= 1.02 ^ bucket, and what was measured (0: seconds of
-- the call, 1: seconds until the first token, 2: tokens of a story). Nothing is less than 0.001.
-- Without a setting of its own, so that it becomes part of the statements that ask for it.
create function tales.mark(measure integer, value double precision) returns integer
language sql immutable parallel safe
return case when value is not null then
    measure * 10000 + 1000 + ceil(ln(greatest(value, 0.001)) / ln(1.02::double precision))::integer end;

-- An attempt as a cell of its own: what rollups add up, and what reports count beside them. Its counts are integers: a
-- sum of them takes a third of the time that one of a bigint takes.
create view tales.attempt_cells with (security_invoker = true) as
select
    created_at, user_id, model_used, is_live, status, error_type, story_type, language, prompt_version,
    case when prompt_length < 1000 then 'under 1000' when prompt_length < 2000 then '1000 to 1999'
        when prompt_length < 4000 then '2000 to 3999' when prompt_length >= 4000 then 'from 4000'
        else 'unknown' end as prompt_length,
    1 as attempts,
    (seconds is not null)::integer as timed, coalesce(seconds, 0) as seconds,
    coalesce(seconds * seconds, 0) as seconds_squares,
    case when seconds is not null then coalesce(completion_tokens, 0) else 0 end as timed_tokens,
    case when completion_tokens is not null then coalesce(seconds, 0) else 0 end as timed_seconds,
    prompt_tokens, completion_tokens,
    cost_usd, cost_usd * cost_usd as cost_squares, is_cost_unknown::integer as cost_unknown,
    (is_cost_unknown and prompt_tokens is not null and completion_tokens is not null)::integer as estimable,
    (rating is not null)::integer as ratings, coalesce(rating, 0) as rating_sum,
    coalesce(rating * rating, 0) as rating_squares,
    coalesce(rating >= 8, false)::integer as good_stories,
    generation_id, attempt_number
from tales.attempt_facts;

-- Of these, the first attempts of generations whose prompt was drawn in an experiment: who gets another attempt
-- depends on how the first one went. The version is the one that was drawn, also where it failed and another wrote.
create view tales.drawn_cells with (security_invoker = true) as
select
    c.weights::text as experiment, coalesce(c.failed_version, a.prompt_version) as prompt_version,
    a.created_at, a.user_id, a.model_used, a.is_live, a.status, a.error_type, a.story_type, a.language,
    a.prompt_length, a.attempts, a.timed, a.seconds, a.seconds_squares, a.timed_tokens, a.timed_seconds,
    a.prompt_tokens, a.completion_tokens, a.cost_usd, a.cost_squares, a.cost_unknown, a.estimable, a.ratings,
    a.rating_sum, a.rating_squares, a.good_stories
from tales.attempt_cells as a
join tales.prompt_choices as c on c.generation_id = a.generation_id and c.attempt_number = a.attempt_number
where a.is_live and a.prompt_version is not null;

-- Three rows for each attempt that Tales made: its marks, NULL where nothing was measured.
create view tales.attempt_marks with (security_invoker = true) as
select created_at, user_id, model_used, status, error_type, story_type, language, prompt_version, measure,
    case measure when 0 then tales.mark(0, seconds) when 1 then tales.mark(1, first_token_seconds)
        else tales.mark(2, case when status = 'success' then completion_tokens end) end as mark
from tales.attempt_facts
cross join (values (0), (1), (2)) as measured (measure)
where is_live;

-- The steps of each generation's course. Most are a success at once, and need no look at further attempts.
create view tales.course_steps with (security_invoker = true) as
select created_at as began_at, user_id, story_type, language, prompt_version,
    array[model_used] as models, array[status] as statuses, array[error_type] as reasons, 1 as step,
    date_part('epoch', started_at - created_at) as waited, seconds, cost_usd, is_cost_unknown
from tales.attempt_facts
where is_live and attempt_number = 1 and status = 'success'
union all
select a.created_at, a.user_id, a.story_type, a.language, a.prompt_version,
    course.models, course.statuses, course.reasons, step.place::integer,
    step.waited, step.seconds, step.cost_usd, step.is_cost_unknown
from tales.attempt_facts as a
cross join lateral (
    select array_agg(b.model_used order by b.attempt_number) as models,
        array_agg(b.status order by b.attempt_number) as statuses,
        array_agg(b.error_type order by b.attempt_number) as reasons,
        array_agg(b.seconds order by b.attempt_number) as seconds,
        array_agg(date_part('epoch', b.started_at - coalesce(b.ended_before, b.created_at)) order by b.attempt_number)
            as waits,
        array_agg(b.cost_usd order by b.attempt_number) as costs,
        array_agg(b.is_cost_unknown order by b.attempt_number) as unknown
    from (
        select f.*, lag(f.completed_at) over (order by f.attempt_number) as ended_before
        from tales.attempt_facts as f
        where f.generation_id = a.generation_id
    ) as b
) as course
cross join lateral unnest(course.seconds, course.waits, course.costs, course.unknown) with ordinality
    as step (seconds, waited, cost_usd, is_cost_unknown, place)
where a.is_live and a.attempt_number = 1 and a.status <> 'success';

grant select on tales.attempt_cells, tales.drawn_cells, tales.attempt_marks, tales.course_steps
to authenticated, service_role;

-- The first moment of the month after the one that begins then, in UTC.
create function tales.next_month(begins timestamptz) returns timestamptz
language sql immutable parallel safe set search_path = ''
return (begins at time zone 'UTC' + interval '1 month') at time zone 'UTC';

-- Count the hours from `since` until `before` from their attempts, and the quarters in them. The plan is made for just
-- these hours: of any hours, the planner would think that they are a third of all. Ratings are looked up by their key:
-- a hash join would read those of all years.
create function tales.count_hours(since timestamptz, before timestamptz) returns void
language plpgsql set search_path = '' set work_mem = '256MB' set plan_cache_mode = 'force_custom_plan'
    set enable_hashjoin = off as $$
begin
    delete from tales.rollup_cells
    where grain in ('quarter', 'hour') and detail in ('model', 'version', 'request', 'length', 'drawn', 'outcome')
        and starts_at >= since and starts_at < before;
    insert into tales.rollup_cells
    select case when grouping(quarter) = 0 then 'quarter' else 'hour' end,
        case when grouping(prompt_length) = 0 then 'length' when grouping(language) = 0 then 'request'
            when grouping(prompt_version) = 0 then 'version' when grouping(model_used) = 0 then 'model'
            else 'outcome' end,
        coalesce(quarter, hour), row_number() over (),
        model_used, is_live, status, error_type, story_type, language, prompt_version, prompt_length, null,
        sum(attempts), sum(timed), sum(seconds), sum(seconds_squares), sum(timed_tokens), sum(timed_seconds),
        sum(prompt_tokens), sum(completion_tokens), sum(cost_usd), sum(cost_squares), sum(cost_unknown),
        sum(estimable), sum(ratings), sum(rating_sum), sum(rating_squares), sum(good_stories)
    from (
        select *, date_trunc('hour', created_at, 'UTC') as hour,
            date_bin('15 minutes', created_at, '2000-01-01Z') as quarter
        from tales.attempt_cells
        where created_at >= since and created_at < before
    ) as attempt
    group by grouping sets (
        (quarter, model_used, is_live, status, error_type),
        (hour, is_live, status),
        (hour, model_used, is_live, status, error_type),
        (hour, model_used, is_live, status, error_type, prompt_version),
        (hour, model_used, is_live, status, prompt_length),
        (hour, model_used, is_live, status, error_type, story_type, language, prompt_version)
    );
    insert into tales.rollup_cells
    select 'hour', 'drawn', hour, row_number() over (),
        model_used, is_live, status, error_type, story_type, language, prompt_version, null, experiment,
        sum(attempts), sum(timed), sum(seconds), sum(seconds_squares), sum(timed_tokens), sum(timed_seconds),
        sum(prompt_tokens), sum(completion_tokens), sum(cost_usd), sum(cost_squares), sum(cost_unknown),
        sum(estimable), sum(ratings), sum(rating_sum), sum(rating_squares), sum(good_stories)
    from (
        select *, date_trunc('hour', created_at, 'UTC') as hour
        from tales.drawn_cells
        where created_at >= since and created_at < before
    ) as attempt
    group by hour, model_used, is_live, status, error_type, story_type, language, prompt_version, experiment;
    delete from tales.rollup_marks
    where grain = 'hour' and detail in ('model', 'version', 'request') and starts_at >= since and starts_at < before;
    insert into tales.rollup_marks
    select 'hour', detail, hour, row_number() over (),
        model_used, status, error_type, story_type, language, prompt_version, array_agg(mark), array_agg(marked)
    from (
        select case when grouping(language) = 0 then 'request' when grouping(prompt_version) = 0 then 'version'
                else 'model' end as detail, hour,
            model_used, status, error_type, story_type, language, prompt_version, mark, count(*) as marked
        from (
            select *, date_trunc('hour', created_at, 'UTC') as hour
            from tales.attempt_marks
            where created_at >= since and created_at < before and mark is not null
        ) as attempt
        group by grouping sets (
            (hour, model_used, status, error_type, mark),
            (hour, model_used, prompt_version, mark),
            (hour, model_used, status, error_type, story_type, language, prompt_version, mark)
        )
    ) as marked
    -- No report asks for the first token by version.
    where detail <> 'version' or mark / 10000 <> 1
    group by detail, hour, model_used, status, error_type, story_type, language, prompt_version;
    delete from tales.rollup_courses
    where grain = 'hour' and detail in ('model', 'request') and starts_at >= since and starts_at < before;
    insert into tales.rollup_courses
    select 'hour', case when grouping(language) = 0 then 'request' else 'model' end, hour,
        row_number() over (),
        models, statuses, reasons, step, story_type, language, prompt_version,
        count(*), coalesce(sum(waited) filter (where seconds is not null), 0), coalesce(sum(seconds), 0),
        count(seconds), sum(cost_usd), count(*) filter (where is_cost_unknown)
    from (
        select date_trunc('hour', began_at, 'UTC') as hour, *
        from tales.course_steps
        where began_at >= since and began_at < before
    ) as steps
    group by grouping sets (
        (hour, models, statuses, reasons, step),
        (hour, models, statuses, reasons, step, story_type, language, prompt_version)
    );
end
$$;

-- Add up the cells and courses of `from_grain` in the day or month from `since` until `before`.
create function tales.add_up(from_grain text, into_grain text, since timestamptz, before timestamptz) returns void
language plpgsql set search_path = '' set work_mem = '256MB' set plan_cache_mode = 'force_custom_plan' as $$
begin
    delete from tales.rollup_cells
    where grain = into_grain and detail in ('model', 'version', 'request', 'length', 'drawn')
        and starts_at = since;
    insert into tales.rollup_cells
    select into_grain, detail, since, row_number() over (),
        model_used, is_live, status, error_type, story_type, language, prompt_version, prompt_length, experiment,
        sum(attempts), sum(timed), sum(seconds), sum(seconds_squares), sum(timed_tokens), sum(timed_seconds),
        sum(prompt_tokens), sum(completion_tokens), sum(cost_usd), sum(cost_squares), sum(cost_unknown),
        sum(estimable), sum(ratings), sum(rating_sum), sum(rating_squares), sum(good_stories)
    from tales.rollup_cells
    where grain = from_grain and detail in ('model', 'version', 'request', 'length', 'drawn')
        and starts_at >= since and starts_at < before
    group by detail, model_used, is_live, status, error_type, story_type, language, prompt_version, prompt_length,
        experiment;
    delete from tales.rollup_marks
    where grain = into_grain and detail in ('model', 'version', 'request') and starts_at = since;
    insert into tales.rollup_marks
    select into_grain, detail, since, row_number() over (),
        model_used, status, error_type, story_type, language, prompt_version, array_agg(mark), array_agg(marked)
    from (
        select c.detail, c.model_used, c.status, c.error_type, c.story_type, c.language, c.prompt_version,
            m.mark, sum(m.marked)::bigint as marked
        from tales.rollup_marks as c
        cross join lateral unnest(c.marks, c.counts) as m (mark, marked)
        where c.grain = from_grain and c.detail in ('model', 'version', 'request')
            and c.starts_at >= since and c.starts_at < before
        group by 1, 2, 3, 4, 5, 6, 7, 8
    ) as marked
    group by detail, model_used, status, error_type, story_type, language, prompt_version;
    delete from tales.rollup_courses
    where grain = into_grain and detail in ('model', 'request') and starts_at = since;
    insert into tales.rollup_courses
    select into_grain, c.detail, since, row_number() over (),
        c.models, c.statuses, c.reasons, c.step, c.story_type, c.language, c.prompt_version,
        sum(c.generations), sum(c.waited), sum(c.seconds), sum(c.timed), sum(c.cost_usd), sum(c.cost_unknown)
    from tales.rollup_courses as c
    where c.grain = from_grain and c.detail in ('model', 'request') and c.starts_at >= since and c.starts_at < before
    group by c.detail, c.models, c.statuses, c.reasons, c.step, c.story_type, c.language, c.prompt_version;
end
$$;

-- What each user's attempts of a day cost, which begins then, as far as `before`. In the order of the key, so that
-- its index is filled page by page.
create function tales.count_users_of_day(day timestamptz, before timestamptz) returns void
language plpgsql set search_path = '' set work_mem = '256MB' set plan_cache_mode = 'force_custom_plan' as $$
begin
    delete from tales.rollup_users where grain = 'day' and starts_at = day;
    insert into tales.rollup_users
    select 'day', day, user_id, is_live, attempts, cost_usd, failed_cost_usd, cost_unknown,
        case when place <= 200 then next_usd end
    from (
        select *, row_number() over dearest as place, coalesce(nth_value(cost_usd, 201) over dearest, 0) as next_usd
        from (
            select user_id, is_live, count(*) as attempts, sum(cost_usd) as cost_usd,
                sum(cost_usd) filter (where status in ('failed', 'timeout')) as failed_cost_usd,
                count(*) filter (where is_cost_unknown) as cost_unknown
            from tales.attempt_facts
            where created_at >= day and created_at < before
            group by user_id, is_live
        ) as counted
        window dearest as (
            order by cost_usd desc nulls last rows between unbounded preceding and unbounded following
        )
    ) as placed
    order by user_id, is_live;
end
$$;

-- The same of a month, out of its days.
create function tales.count_users_of_month(month timestamptz) returns void
language plpgsql set search_path = '' set work_mem = '256MB' set plan_cache_mode = 'force_custom_plan' as $$
begin
    delete from tales.rollup_users where grain = 'month' and starts_at = month;
    insert into tales.rollup_users
    select 'month', month, user_id, is_live, attempts, cost_usd, failed_cost_usd, cost_unknown,
        case when place <= 200 then next_usd end
    from (
        select *, row_number() over dearest as place, coalesce(nth_value(cost_usd, 201) over dearest, 0) as next_usd
        from (
            select user_id, is_live, sum(attempts) as attempts, sum(cost_usd) as cost_usd,
                sum(failed_cost_usd) as failed_cost_usd, sum(cost_unknown) as cost_unknown
            from tales.rollup_users
            where grain = 'day' and starts_at >= month and starts_at < tales.next_month(month)
            group by user_id, is_live
        ) as counted
        window dearest as (
            order by cost_usd desc nulls last rows between unbounded preceding and unbounded following
        )
    ) as placed
    order by user_id, is_live;
end
$$;

-- Count the hours that have ended, at most so many, and again those in which something has changed, as many at most,
-- or in which attempts had not ended yet. How many new and changed hours were seen to: call it until that is 0. An
-- hour is complete ten minutes after its end, when whatever was asked for in it has been committed. One at a time: the
-- state is locked.
create function tales.refresh_rollups(most_hours integer) returns integer
language plpgsql set search_path = '' as $$
declare
    complete timestamptz;
    begins timestamptz;
    ends constant timestamptz := date_trunc('hour', now() - interval '10 minutes', 'UTC');
    until timestamptz;
    today timestamptz;
    hours timestamptz[];
    days timestamptz[];
    one timestamptz;
    changed integer;
begin
    perform set_config('request.jwt.claims', '{"role": "service_role"}', true),
        set_config('role', 'service_role', true);
    select complete_until into complete from tales.rollup_state for update;
    -- Nothing was asked for in the hours in between.
    select coalesce(
        greatest(complete, least(ends, date_trunc('hour', min(created_at), 'UTC'))), complete
    ) into begins
    from tales.generations where created_at >= coalesce(complete, '0001-01-02Z');
    if begins is null then
        return 0;
    end if;
    until := greatest(begins, least(ends, begins + make_interval(hours => most_hours)));
    with noted as materialized (
        select c.id, c.generation_id, coalesce(c.hour, date_trunc('hour', g.created_at, 'UTC')) as hour
        from tales.rollup_changes as c
        left join tales.generations as g
            on c.hour is null and g.generation_id = c.generation_id and g.attempt_number = c.attempt_number
    ),
    -- All that has changed in an hour, at once. An attempt that is gone has no hour; its erasure noted that.
    changes as (
        delete from tales.rollup_changes as c using noted as n
        where c.id = n.id and (n.hour is null or n.hour in (
            select distinct n.hour from noted as n where n.hour is not null limit most_hours
        ))
        returning n.hour, n.generation_id
    )
    select array_agg(distinct found.hour), (select count(distinct c.hour) from changes as c) into hours, changed
    from (
        select c.hour from changes as c
        union
        -- A course stands in the hour of its first attempt.
        select date_trunc('hour', g.created_at, 'UTC')
        from changes as c
        join tales.generations as g on g.generation_id = c.generation_id
        union
        select h.starts_at from tales.rollup_cells as h
        where h.grain = 'hour' and h.detail = 'model' and h.status = 'pending'
        union
        select h.starts_at from tales.rollup_courses as h
        where h.grain = 'hour' and h.detail = 'model' and 'pending' = any (h.statuses)
    ) as found
    where found.hour < begins;
    foreach one in array coalesce(hours, '{}') loop
        perform tales.count_hours(one, one + interval '1 hour');
    end loop;
    if begins < until then
        perform tales.count_hours(begins, until);
    end if;
    -- Of days and months, those that are over, and in which an hour was counted now, or the last one before.
    days := array(
        select distinct date_trunc('day', h.hour, 'UTC')
        from unnest(
            hours || complete || array(select generate_series(begins, until - interval '1 hour', interval '1 hour'))
        ) as h (hour)
        where h.hour < date_trunc('day', until, 'UTC')
            and (complete is distinct from until or h.hour = any (hours))
    );
    foreach one in array days loop
        perform tales.add_up('hour', 'day', one, one + interval '24 hours'),
            tales.count_users_of_day(one, one + interval '24 hours');
    end loop;
    today := date_trunc('day', until, 'UTC');
    if today < until and (begins < until or exists (select from unnest(hours) as h (hour) where h.hour >= today)) then
        perform tales.count_users_of_day(today, until);
    end if;
    for one in
        select distinct date_trunc('month', d.day, 'UTC') from unnest(days) as d (day)
        where d.day < date_trunc('month', until, 'UTC')
    loop
        perform tales.add_up('day', 'month', one, tales.next_month(one)), tales.count_users_of_month(one);
    end loop;
    update tales.rollup_state set complete_until = until;
    return changed + round(extract(epoch from until - begins) / 3600);
end
$$;

-- Count all of it anew, with the next calls.
create function tales.forget_rollups() returns void
language plpgsql set search_path = '' as $$
begin
    perform set_config('request.jwt.claims', '{"role": "service_role"}', true),
        set_config('role', 'service_role', true);
    perform from tales.rollup_state for update;
    delete from tales.rollup_cells;
    delete from tales.rollup_marks;
    delete from tales.rollup_courses;
    delete from tales.rollup_users;
    update tales.rollup_state set complete_until = null;
end
$$;

revoke execute on function
    tales.mark(integer, double precision), tales.next_month(timestamptz), tales.count_hours(timestamptz, timestamptz),
    tales.add_up(text, text, timestamptz, timestamptz),
    tales.count_users_of_day(timestamptz, timestamptz), tales.count_users_of_month(timestamptz),
    tales.refresh_rollups(integer), tales.forget_rollups()
from public;
grant execute on function tales.mark(integer, double precision) to authenticated, service_role;
grant execute on function
    tales.next_month(timestamptz), tales.count_hours(timestamptz, timestamptz),
    tales.add_up(text, text, timestamptz, timestamptz),
    tales.count_users_of_day(timestamptz, timestamptz), tales.count_users_of_month(timestamptz),
    tales.refresh_rollups(integer), tales.forget_rollups()
to service_role;

-- step: cost_question_index, concurrently

-- For the questions after costs: only an attempt that has an id of its provider and no cost is in it.
create index if not exists generations_cost_question_idx on tales.generations (queue, created_at desc)
    where provider_generation_id is not null and cost_usd is null and reconciled_cost_usd is null
        and status <> 'pending';
