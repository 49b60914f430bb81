-- 016 and 017 have put back what the legacy table can hold, and archived the rest.

drop trigger stories_keep_generation on tales.stories;
drop trigger stories_keep_response on tales.stories;
drop function tales.keep_generation();
drop function tales.is_moving();
drop function tales.looks_same_for_copy(tales.stories, tales.stories);
drop function tales.drop_copy(uuid);
drop function tales.write_copy(tales.stories, tales.stories);
drop function tales.copy_stories(uuid[]);
drop function tales.notes_of(tales.stories);
drop function tales.wants_copy(uuid, uuid, text, integer);
drop function tales.has_place(uuid, text, integer);
drop function tales.is_valid(text, integer);
drop function tales.may_forget_length();
drop function tales.is_user(uuid);
drop function tales.sees_users();
drop table tales.migration_state;
drop table tales.migration_notes;
drop function tales.migrated_generation_id(uuid);
drop function tales.uuid_of_version_8(bytea);

-- An archive that holds nothing is none.
do $$
begin
    if not exists (select from tales.generations_archive) then
        drop table tales.generations_archive;
    end if;
end
$$;

drop function tales.is_migrating();
drop function tales.without_contents(tales.generations);
drop table tales.generations;

drop function tales.guard_attempt();
drop function tales.cancel_attempt();
drop function tales.only_seals_response(jsonb, jsonb);
drop function tales.only_forgets(uuid, uuid, boolean);
drop function tales.check_attempt_sequence();
drop function tales.is_sealed(text);
drop function tales.json_name(jsonb);
drop function tales.json_amount(jsonb);
drop function tales.json_count(jsonb);
