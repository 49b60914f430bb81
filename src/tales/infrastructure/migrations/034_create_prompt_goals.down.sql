-- What was drawn for a goal loses that; the versions that were drawn stay, and so do the attempts.
-- squawk-ignore-file ban-drop-table, ban-drop-function

drop trigger if exists prompt_choices_are_final on tales.prompt_choices;
delete from tales.prompt_choices where reason = 'goal' or snapshot_id is not null;
create or replace view tales.drawn_cells with (security_invoker = true) as
select
    c.weights::text as experiment, coalesce(c.failed_version, a.prompt_version) as prompt_version,
    a.created_at, a.user_id, a.model_used, a.is_live, a.status, a.error_type, a.story_type, a.language,
    a.prompt_length, a.attempts, a.timed, a.seconds, a.seconds_squares, a.timed_tokens, a.timed_seconds,
    a.prompt_tokens, a.completion_tokens, a.cost_usd, a.cost_squares, a.cost_unknown, a.estimable, a.ratings,
    a.rating_sum, a.rating_squares, a.good_stories
from tales.attempt_cells as a
join tales.prompt_choices as c on c.generation_id = a.generation_id and c.attempt_number = a.attempt_number
where a.is_live and a.prompt_version is not null;
delete from tales.rollup_cells where detail = 'drawn' and experiment like 'goal %';
alter table tales.prompt_choices drop constraint if exists prompt_choices_snapshot_id_fkey;
drop function if exists tales.take_snapshots();
drop function if exists tales.known_of_arms(tales.prompt_goals);
drop function if exists tales.arms_of(tales.prompt_goals);
drop table if exists tales.goal_snapshots;
drop table if exists tales.prompt_goals;
drop function if exists tales.keep_what_was_drawn();
