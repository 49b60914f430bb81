-- The change log also keeps who set or ended a goal, and who put a prompt into use, weighed or retired it (record 55).
-- Steps: see 016; each is a transaction of its own.
--
-- squawk-ignore-file ban-drop-constraint, constraint-missing-not-valid, require-concurrent-index-deletion

-- step: relations

-- A wider list: no row has to be looked at.
alter table tales.change_log
    drop constraint change_log_relation_is_known,
    add constraint change_log_relation_is_known
        check (relation in ('budgets', 'prices', 'prompt_goals', 'prompt_templates')) not valid;

-- As its owner, like tales.log_change. Text and note stay where they are: a version that was in use keeps both.
create function tales.log_prompt_change() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    insert into tales.change_log (changed_by, relation, before, after)
    values (
        auth.uid(), tg_table_name,
        to_jsonb(old) - array['template', 'note'], to_jsonb(new) - array['template', 'note']
    );
    return null;
end
$$;
revoke execute on function tales.log_prompt_change() from public;

create trigger prompt_templates_log_change after update on tales.prompt_templates
    for each row when (old.state is distinct from new.state or old.weight is distinct from new.weight)
    execute function tales.log_prompt_change();
create trigger prompt_goals_log_change after insert or update or delete on tales.prompt_goals
    for each row execute function tales.log_change();

-- step: check

alter table tales.change_log validate constraint change_log_relation_is_known;

-- step: page_index, concurrently

-- The log is read page by page, the newest first, and of one relation.
create index if not exists change_log_place_idx on tales.change_log (changed_at, id);

-- step: relation_index, concurrently

create index if not exists change_log_relation_idx on tales.change_log (relation, changed_at, id);

-- step: old_index

drop index if exists tales.change_log_changed_at_idx;
