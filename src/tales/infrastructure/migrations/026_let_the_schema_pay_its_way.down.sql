drop index if exists tales.generations_success_idx;

alter table tales.generations drop constraint if exists generations_error_type_is_known;
drop function if exists tales.is_error_type(text);
