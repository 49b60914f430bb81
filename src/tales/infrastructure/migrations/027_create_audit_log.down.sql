-- Who has looked stays, if anybody has: the way up finds it again.
-- squawk-ignore-file ban-drop-table, ban-drop-function

drop index if exists tales.generations_error_type_idx;

drop trigger audit_log_is_kept on tales.audit_log;
drop function tales.keep_audit_log();
drop policy "the service reads the audit log" on tales.audit_log;
drop policy "the service writes the audit log" on tales.audit_log;
revoke select, insert on tales.audit_log from service_role;
-- Or the owner would not see whether there is one.
alter table tales.audit_log no force row level security;
do $$
begin
    if not exists (select from tales.audit_log) then
        drop table tales.audit_log;
    end if;
end
$$;
