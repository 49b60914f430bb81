-- The roles stay, like those of 001: they belong to the cluster, and other databases may use them. What 018 has
-- changed of tables that are not ours is changed back, each statement by itself: what cannot be is said, and stops
-- nothing.

do $$
declare
    change record;
begin
    if to_regclass('tales_migration.undo_statements') is null then
        return;
    end if;
    for change in select undo from tales_migration.undo_statements order by number loop
        begin
            execute change.undo;
        exception
            -- It comes back with what was granted on it: 017 down.
            when undefined_column then null;
            when others then
                raise warning 'Not done: %. %', change.undo, sqlerrm;
        end;
    end loop;
    drop table tales_migration.undo_statements;
end
$$;

revoke insert (queue, available_at, turn, worker_id, started_at) on tales.generations from tales_requester;
