-- What reports count, said once: a row for each attempt with what can be asked of it, and a view for each report.
--
-- The views read as whoever asks: a family counts its own attempts, an admin and the service count everybody's. Days
-- are those of UTC. `tales report` and the API count the same rows for any period, with intervals and percentiles.
-- Steps: see 016; each is a transaction of its own.
-- squawk-ignore-file ban-drop-function, ban-drop-table

-- step: ratings_table

-- How a story was rated, beside the attempt that wrote it: an admin may count ratings, and may not read stories.
create table tales.ratings (
    generation_id uuid not null,
    attempt_number integer not null,
    user_id uuid not null,
    rating integer not null,

    constraint ratings_pkey primary key (generation_id, attempt_number)
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

-- After the triggers, because whoever writes a story locks stories before generations: each would wait for the other.
alter table tales.ratings add constraint ratings_attempt_fkey foreign key (generation_id, attempt_number)
    references tales.generations (generation_id, attempt_number) on delete cascade;

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

-- step: open_stories

-- The ratings of before. The owner is bound by the policies of stories and of generations too, and would see none; to
-- lock a row takes the right to change it. To let the owner, and to end that, locks the tables for a moment, and to
-- read all of them locks nobody out.
create policy "the owner copies ratings of before" on tales.stories to current_user using (true);
create policy "the owner copies ratings of before" on tales.generations to current_user using (true);

-- step: copying

-- Up to which generation ratings have been copied.
create table tales.copied_ratings (up_to uuid primary key);
insert into tales.copied_ratings values ('00000000-0000-0000-0000-000000000000');

-- Copy the ratings of the next stories, `most` at a time; how many stories they were. Whoever rates a story whose
-- rating is being copied waits for that, so that none is copied that has just been taken back; a live database gets
-- through them in small batches. Of attempts that are still there when it comes to them: an application of before may
-- delete meanwhile.
create function tales.copy_ratings(most integer) returns integer
language plpgsql set search_path = '' as $$
declare
    ids uuid[];
begin
    ids := array(
        select s.generation_id from tales.stories as s
        where s.generation_id > (select up_to from tales.copied_ratings)
        order by s.generation_id limit most
    );
    insert into tales.ratings (generation_id, attempt_number, user_id, rating)
    select s.generation_id, s.generation_attempt, s.user_id, s.rating
    from tales.stories as s
    join tales.generations as g on g.generation_id = s.generation_id and g.attempt_number = s.generation_attempt
    where s.generation_id = any (ids) and s.rating is not null
    for share of s for key share of g
    on conflict do nothing;
    update tales.copied_ratings set up_to = ids[cardinality(ids)] where cardinality(ids) > 0;
    return cardinality(ids);
end
$$;

-- step: ratings, repeat tales.copy_ratings

-- Where nobody else writes, all at once.
select tales.copy_ratings(2147483647);

-- step: close_stories

drop policy "the owner copies ratings of before" on tales.stories;
drop policy "the owner copies ratings of before" on tales.generations;
drop function tales.copy_ratings(integer);
drop table tales.copied_ratings;
