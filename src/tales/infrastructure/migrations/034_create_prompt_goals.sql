-- Goals that experiments with prompts are drawn towards, by what is known of each arm (decision 53).
--
-- An arm is a version of the prompt with a model. What is known of the arms of a goal is a snapshot, a row that never
-- changes and that the background adds every five minutes; a generation that was drawn by one names it in
-- tales.prompt_choices, so that the draw can be repeated. Without a goal nothing here is read or written.
-- Steps: see 016; each is a transaction of its own.
--
-- squawk-ignore-file constraint-missing-not-valid

-- step: tables

create table tales.prompt_goals (
    id uuid not null default gen_random_uuid(),
    story_type text not null,
    language text not null,
    -- What is a hit: a story ('success', and 'cost', which looks for the cheapest), or one that was rated 8 or better.
    measure text not null,
    models text[] not null,
    floor_percent integer not null default 5,
    least_success_percent integer not null default 90,
    window_days integer not null default 30,
    set_at timestamptz not null default now(),
    ended_at timestamptz,

    constraint prompt_goals_pkey primary key (id),
    constraint prompt_goals_story_type_is_known check (story_type in ('child', 'hero', 'combined')),
    constraint prompt_goals_language_is_short check (length(language) between 2 and 20),
    constraint prompt_goals_measure_is_known check (measure in ('success', 'good', 'cost')),
    constraint prompt_goals_models_are_few check (cardinality(models) between 1 and 8),
    constraint prompt_goals_models_have_names check (array_position(models, null) is null),
    constraint prompt_goals_floor_is_a_share check (floor_percent between 1 and 50),
    constraint prompt_goals_least_success_is_a_share check (least_success_percent between 1 and 100),
    constraint prompt_goals_window_has_a_size check (window_days between 1 and 366)
);
create unique index prompt_goals_one_at_a_time on tales.prompt_goals (story_type, language) where ended_at is null;

-- `arms`: of each its version, its model, hits, trials, and the mean cost of those trials whose cost is known.
create table tales.goal_snapshots (
    id uuid not null default gen_random_uuid(),
    goal_id uuid not null,
    taken_at timestamptz not null default now(),
    arms jsonb not null,

    constraint goal_snapshots_pkey primary key (id),
    constraint goal_snapshots_goal_id_fkey foreign key (goal_id) references tales.prompt_goals (id),
    constraint goal_snapshots_arms_are_a_list check (jsonb_typeof(arms) = 'array')
);
create index goal_snapshots_goal_id_idx on tales.goal_snapshots (goal_id, taken_at);

-- What draws are repeated from stays as it was; of a goal, only its end is said, once. A snapshot that a generation
-- names cannot be deleted either: its foreign key says so.
create function tales.keep_what_was_drawn() returns trigger
language plpgsql set search_path = '' as $$
begin
    if tg_op = 'UPDATE' and tg_table_name = 'prompt_goals' then
        if to_jsonb(old) ->> 'ended_at' is null and to_jsonb(new) - 'ended_at' = to_jsonb(old) - 'ended_at' then
            return new;
        end if;
    end if;
    raise exception 'what generations were drawn by never changes'
        using errcode = 'check_violation', constraint = tg_name, table = tg_table_name;
end
$$;

create trigger prompt_goals_are_final before update on tales.prompt_goals
    for each row execute function tales.keep_what_was_drawn();
create trigger goal_snapshots_are_final before update on tales.goal_snapshots
    for each row execute function tales.keep_what_was_drawn();
create trigger prompt_choices_are_final before update on tales.prompt_choices
    for each row execute function tales.keep_what_was_drawn();

-- Who may read and write them.

alter table tales.prompt_goals enable row level security;
alter table tales.goal_snapshots enable row level security;

create policy "admins read goals" on tales.prompt_goals
    for select to authenticated using ((select auth.jwt()) -> 'app_metadata' ->> 'role' = 'admin');
create policy "admins set goals" on tales.prompt_goals
    for insert to authenticated with check ((select auth.jwt()) -> 'app_metadata' ->> 'role' = 'admin');
create policy "admins end goals" on tales.prompt_goals
    for update to authenticated
    using ((select auth.jwt()) -> 'app_metadata' ->> 'role' = 'admin')
    with check ((select auth.jwt()) -> 'app_metadata' ->> 'role' = 'admin');
create policy "the service keeps goals" on tales.prompt_goals for all to service_role using (true) with check (true);
create policy "admins read snapshots of goals" on tales.goal_snapshots
    for select to authenticated using ((select auth.jwt()) -> 'app_metadata' ->> 'role' = 'admin');
create policy "the service keeps snapshots of goals" on tales.goal_snapshots
    for all to service_role using (true) with check (true);

grant select on tales.prompt_goals, tales.goal_snapshots to authenticated;
grant insert (story_type, language, measure, models, floor_percent, least_success_percent, window_days)
on tales.prompt_goals to authenticated;
grant update (ended_at) on tales.prompt_goals to authenticated;
-- To lock a goal while its snapshot is taken asks for the right to update it.
grant select, insert, update on tales.prompt_goals to service_role;
grant select, insert, delete on tales.goal_snapshots to service_role;

-- step: choices

-- The snapshot that a generation was drawn by.
alter table tales.prompt_choices
    add constraint prompt_choices_snapshot_id_fkey
        foreign key (snapshot_id) references tales.goal_snapshots (id) not valid;

-- step: functions

-- As in 032; what was drawn for a goal is an experiment of its own, which has the goal's name: its shares follow its
-- results, so reports compare nothing of it, and the next snapshots count it.
create or replace view tales.drawn_cells with (security_invoker = true) as
select
    coalesce('goal ' || s.goal_id::text, c.weights::text) as experiment,
    coalesce(c.failed_version, a.prompt_version) as prompt_version,
    a.created_at, a.user_id, a.model_used, a.is_live, a.status, a.error_type, a.story_type, a.language,
    a.prompt_length, a.attempts, a.timed, a.seconds, a.seconds_squares, a.timed_tokens, a.timed_seconds,
    a.prompt_tokens, a.completion_tokens, a.cost_usd, a.cost_squares, a.cost_unknown, a.estimable, a.ratings,
    a.rating_sum, a.rating_squares, a.good_stories
from tales.attempt_cells as a
join tales.prompt_choices as c on c.generation_id = a.generation_id and c.attempt_number = a.attempt_number
left join tales.goal_snapshots as s on s.id = c.snapshot_id
where a.is_live and a.prompt_version is not null;

-- The arms of a goal as they are now: a model's own active versions come before those of every model.
create function tales.arms_of(goal tales.prompt_goals) returns table (version text, model text)
language sql stable set search_path = ''
begin atomic
    select arm.version, arm.model
    from (
        select t.version, asked.model,
            t.model is not null as is_own, bool_or(t.model is not null) over (partition by asked.model) as has_own
        from unnest(goal.models) as asked (model)
        join tales.prompt_templates as t on t.state = 'active' and t.story_type = goal.story_type
            and t.language = goal.language and (t.model is null or t.model = asked.model)
    ) as arm
    where arm.is_own = arm.has_own;
end;

-- What is known of each arm of a goal: from rollups as far as they go, and after that from the attempts. The plan is
-- made for just this moment, as in 032.
create function tales.known_of_arms(goal tales.prompt_goals) returns jsonb
language plpgsql stable set search_path = '' set plan_cache_mode = 'force_custom_plan' as $$
declare
    named constant text := 'goal ' || goal.id::text;
    since constant timestamptz := date_trunc('hour', now(), 'UTC') - make_interval(days => goal.window_days);
    rolled_until constant timestamptz := (
        select greatest(since, r.complete_until) from tales.rollup_state as r
    );
begin
    return (
        with outcome as (
            select c.prompt_version, c.model_used, c.status, c.attempts, c.ratings, c.good_stories, c.cost_usd,
                c.cost_unknown
            from tales.rollup_cells as c
            where c.grain = 'hour' and c.detail = 'drawn' and c.experiment = named
                and c.starts_at >= since and c.starts_at < rolled_until
            union all
            select d.prompt_version, d.model_used, d.status, d.attempts, d.ratings, d.good_stories, d.cost_usd,
                d.cost_unknown
            from tales.drawn_cells as d
            where d.experiment = named and d.created_at >= rolled_until
        ),
        counted as (
            select o.prompt_version, o.model_used,
                case goal.measure when 'good' then sum(o.good_stories)
                    else sum(o.attempts) filter (where o.status = 'success') end as hits,
                sum(case goal.measure when 'good' then o.ratings else o.attempts end) as trials,
                round(sum(o.cost_usd) / nullif(sum(o.attempts - o.cost_unknown), 0), 12) as mean_cost_usd
            from outcome as o
            where o.status <> 'pending'
            group by o.prompt_version, o.model_used
        )
        select coalesce(jsonb_agg(jsonb_build_object(
            'version', arm.version, 'model', arm.model, 'hits', coalesce(k.hits, 0), 'trials', coalesce(k.trials, 0),
            'mean_cost_usd', k.mean_cost_usd
        ) order by arm.version, arm.model), '[]')
        from tales.arms_of(goal) as arm
        left join counted as k on k.prompt_version = arm.version and k.model_used = arm.model
    );
end
$$;

-- A snapshot of each goal whose last one is five minutes old, or of other arms; how many were taken. Those that no
-- generation was drawn by go after a day: by then every process has read a newer one.
create function tales.take_snapshots() returns integer
language plpgsql set search_path = '' as $$
declare
    goal tales.prompt_goals;
    newest record;
    taken integer := 0;
begin
    for goal in select * from tales.prompt_goals where ended_at is null for no key update skip locked loop
        select s.id, s.taken_at, array(
            select a.arm ->> 'version' || ' ' || (a.arm ->> 'model')
            from jsonb_array_elements(s.arms) with ordinality as a (arm, place) order by a.place
        ) as arms_named
        into newest
        from tales.goal_snapshots as s where s.goal_id = goal.id order by s.taken_at desc limit 1;
        continue when newest.taken_at > now() - interval '5 minutes' and newest.arms_named = array(
            select a.version || ' ' || a.model from tales.arms_of(goal) as a order by a.version, a.model
        );
        insert into tales.goal_snapshots (goal_id, arms) values (goal.id, tales.known_of_arms(goal));
        taken := taken + 1;
        -- Nor the last one: a machine that slept for a day may still draw by it.
        delete from tales.goal_snapshots as s
        where s.goal_id = goal.id and s.taken_at < now() - interval '1 day' and s.taken_at > now() - interval '2 days'
            and s.id <> newest.id
            and not exists (select from tales.prompt_choices as c where c.snapshot_id = s.id);
    end loop;
    return taken;
end
$$;

revoke execute on function
    tales.keep_what_was_drawn(), tales.arms_of(tales.prompt_goals), tales.known_of_arms(tales.prompt_goals),
    tales.take_snapshots()
from public;
grant execute on function
    tales.arms_of(tales.prompt_goals), tales.known_of_arms(tales.prompt_goals), tales.take_snapshots()
to service_role;

-- step: check

alter table tales.prompt_choices validate constraint prompt_choices_snapshot_id_fkey;
