-- A story names the very attempt that wrote it, and loses what generations now hold (decision 1).
--
-- The foreign key is composite, because generation_id alone is not unique in generations; unique in stories, because
-- a generation gives one story at most.

-- It locks the table while it works; stories are read by nothing but the service, which waits. The dropped columns are
-- the specification's: what they held is in generations.
-- squawk-ignore-file adding-not-nullable-field, constraint-missing-not-valid, disallowed-unique-constraint
-- squawk-ignore-file adding-foreign-key-constraint, ban-drop-table, ban-drop-column

alter table tales.stories no force row level security;
alter table tales.generations no force row level security;

alter table tales.stories
    add column generation_id uuid,
    add column generation_attempt integer;

update tales.stories as s
set generation_id = coalesce(a.generation_id, tales.migrated_generation_id(s.id)),
    generation_attempt = coalesce(a.attempt_number, 1),
    created_at = coalesce(s.created_at, s.updated_at, 'epoch')
from tales.stories as t
left join tales.generations_archive as a on a.story_id = t.id
where t.id = s.id;

alter table tales.stories
    alter column user_id set not null,
    alter column created_at set not null,
    alter column generation_id set not null,
    alter column generation_attempt set not null,
    add constraint stories_generation_id_key unique (generation_id),
    add constraint stories_generation_fkey foreign key (generation_id, generation_attempt)
        references tales.generations (generation_id, attempt_number) on delete restrict;

-- A story is written by a success of its own user. Success is final, so a plain look is free of races.
create function tales.check_story_attempt() returns trigger
language plpgsql set search_path = '' as $$
begin
    if not exists (
        select from tales.generations
        where generation_id = new.generation_id
            and attempt_number = new.generation_attempt
            and status = 'success'
            and user_id = new.user_id
    ) then
        raise exception 'a story needs a successful attempt of the same user'
            using errcode = 'check_violation', constraint = 'stories_written_by_success', table = 'stories';
    end if;
    return new;
end
$$;

create trigger stories_check_attempt
    before insert or update of generation_id, generation_attempt, user_id on tales.stories
    for each row execute function tales.check_story_attempt();

drop table tales.generations_archive;

alter table tales.stories
    drop column model_used,
    drop column full_response,
    drop column generation_info,
    drop column story_type,
    drop column story_length,
    drop column moral,
    drop column hero_appearance,
    drop column relationship_description;

-- From here on the owner is bound by the policies too.
alter table tales.generations force row level security;
alter table tales.stories force row level security;
