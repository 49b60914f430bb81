-- Who has looked stays, if anybody has: the way up finds it again.
-- squawk-ignore-file ban-drop-table, ban-drop-function

drop index if exists tales.generations_error_type_idx;

drop trigger looks_are_kept on tales.looks;
drop function tales.keep_looks();
drop policy "the service reads looks" on tales.looks;
drop policy "the service records looks" on tales.looks;
revoke select, insert on tales.looks from service_role;
-- Or the owner would not see whether there is one.
alter table tales.looks no force row level security;
do $$
begin
    if not exists (select from tales.looks) then
        drop table tales.looks;
    end if;
end
$$;
