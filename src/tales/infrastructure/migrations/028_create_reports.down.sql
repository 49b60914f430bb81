-- squawk-ignore-file ban-drop-table, ban-drop-function

drop policy if exists "the owner copies ratings of before" on tales.stories;
drop policy if exists "the owner copies ratings of before" on tales.generations;
drop function if exists tales.copy_ratings(integer);
drop table if exists tales.copied_ratings;
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
