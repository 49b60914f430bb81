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
drop trigger if exists generations_note_erased on tales.generations;
drop trigger if exists generations_note_cost on tales.generations;
drop trigger if exists ratings_note_change on tales.ratings;
drop function if exists tales.note_erased_attempts();
drop function if exists tales.note_changed_cost();
drop function if exists tales.note_changed_rating();
drop table if exists tales.rollup_changes;
drop table if exists tales.rollup_state;
drop table if exists tales.rollup_users;
drop table if exists tales.rollup_courses;
drop table if exists tales.rollup_marks;
drop table if exists tales.rollup_cells;
