-- squawk-ignore-file ban-drop-table, ban-drop-function

drop policy if exists "the owner reads ratings of before" on tales.stories;
drop function if exists tales.forget_rollups();
drop function if exists tales.refresh_rollups(integer);
drop function if exists tales.seconds_bucket(double precision);
drop trigger if exists generations_note_erased on tales.generations;
drop trigger if exists generations_note_cost on tales.generations;
drop trigger if exists ratings_note_change on tales.ratings;
drop function if exists tales.note_erased_attempts();
drop function if exists tales.note_changed_cost();
drop function if exists tales.note_changed_rating();
drop table if exists tales.rollup_changes;
drop table if exists tales.rollup_state;
drop table if exists tales.daily_seconds;
drop table if exists tales.hourly_models;
drop view tales.report_costs;
drop view tales.report_timeouts;
drop view tales.report_retries;
drop view tales.report_models;
drop view tales.attempt_facts;
drop trigger stories_forget_rating on tales.stories;
drop trigger stories_keep_rating on tales.stories;
drop trigger stories_keep_rating_of_new on tales.stories;
drop function tales.keep_rating();
drop table tales.ratings;
