-- Every legacy story gets the attempt that wrote it: attempt 1, a success, of origin 'migrated' (decisions 3 to 6).
--
-- Its generation id is derived from the story's id, so that each step can be repeated and 017 needs no mapping.
-- What cannot be moved as it is has a rule, or stops the migration. The operator's choices are settings:
--   set tales.orphans = 'quarantine' | 'assign=<user id>'   for stories without a user
--   set tales.invalid = 'null' | 'quarantine'               for values that a check of generations refuses
-- Nothing is dropped: old values are kept in migration_notes, quarantined stories whole, and `down` puts them back.

-- The owner moves every family's rows.
alter table tales.stories no force row level security;
alter table tales.generations no force row level security;

-- SHA-256 of a fixed text and the story's id, with the bits of a UUID of version 8 (RFC 9562, section 5.8).
create function tales.migrated_generation_id(story_id uuid) returns uuid
language sql immutable parallel safe set search_path = ''
begin atomic
    select encode(set_byte(set_byte(bytes, 6, get_byte(bytes, 6) & 15 | 128), 8, get_byte(bytes, 8) & 63 | 128), 'hex')::uuid
    from (select substring(sha256(convert_to('tales:migrated-generation:' || story_id, 'UTF8')) for 16) as bytes) as hash;
end;

-- What was changed of a story on its way, by column, with the value that it had.
create table tales.migration_notes (
    story_id uuid not null,
    column_name text not null,
    old_value jsonb,
    primary key (story_id, column_name)
);
-- Stories that have no place in the new model, whole. They are erased with their user, like any other.
create table tales.stories_unowned (
    like tales.stories,
    primary key (id),
    foreign key (child_id) references tales.children (id) on delete set null,
    foreign key (hero_id) references tales.heroes (id) on delete set null
);
create table tales.stories_quarantined (
    like tales.stories,
    primary key (id),
    foreign key (user_id) references auth.users (id) on delete cascade,
    foreign key (child_id) references tales.children (id) on delete set null,
    foreign key (hero_id) references tales.heroes (id) on delete set null
);

-- What the legacy table could not hold when a migration was taken back (017 down); empty the first time.
create table if not exists tales.generations_archive (
    like tales.generations,
    story_id uuid,
    foreign key (user_id) references auth.users (id) on delete cascade,
    foreign key (child_id) references tales.children (id) on delete set null,
    foreign key (hero_id) references tales.heroes (id) on delete set null
);

alter table tales.generations_archive enable row level security;
alter table tales.migration_notes enable row level security;
alter table tales.stories_unowned enable row level security;
alter table tales.stories_quarantined enable row level security;

do $$
declare
    orphans constant text := coalesce(current_setting('tales.orphans', true), '');
    invalid constant text := coalesce(current_setting('tales.invalid', true), '');
    refused bigint;
begin
    -- Stories without a user.
    select count(*) into refused from tales.stories where user_id is null;
    if refused = 0 then
        null;
    elsif orphans = 'quarantine' then
        with moved as (delete from tales.stories where user_id is null returning *)
        insert into tales.stories_unowned select * from moved;
    elsif starts_with(orphans, 'assign=') then
        insert into tales.migration_notes
        select id, 'user_id', 'null' from tales.stories where user_id is null;
        update tales.stories set user_id = substring(orphans from 8)::uuid where user_id is null;
    else
        raise exception '% stories have no user. Choose --orphans quarantine or --orphans assign=<user id>.', refused
            using errcode = 'check_violation';
    end if;

    -- Values that the checks of generations refuse. A story type cannot be NULL, so it can only be quarantined.
    if invalid = 'quarantine' then
        with moved as (
            delete from tales.stories
            where story_length <= 0 or story_type is null or story_type not in ('child', 'hero', 'combined')
            returning *
        )
        insert into tales.stories_quarantined select * from moved;
    elsif invalid = 'null' then
        insert into tales.migration_notes
        select id, 'story_length', to_jsonb(story_length) from tales.stories where story_length <= 0;
    else
        select count(*) into refused from tales.stories where story_length <= 0;
        if refused > 0 then
            raise exception '% stories have a story_length that is not allowed. Choose --invalid null or --invalid quarantine.',
                refused using errcode = 'check_violation';
        end if;
    end if;
    select count(*) into refused from tales.stories
    where story_type is null or story_type not in ('child', 'hero', 'combined');
    if refused > 0 then
        raise exception '% stories have a story_type that is not allowed. Choose --invalid quarantine.', refused
            using errcode = 'check_violation';
    end if;

    -- NULLs for which there is a rule.
    insert into tales.migration_notes
    select id, 'model_used', 'null'::jsonb from tales.stories where model_used is null
    union all
    select id, 'moral', 'null' from tales.stories where moral is null
    union all
    select id, 'created_at', 'null' from tales.stories where created_at is null
    on conflict do nothing;
end
$$;

insert into tales.generations (
    generation_id, attempt_number, model_used, full_response, status, prompt, user_id, story_type, story_length,
    hero_appearance, relationship_description, moral, error_message, created_at, completed_at, origin, generation_info,
    child_id, hero_id, language, prompt_version, started_at, first_token_at, error_type, http_status,
    provider_generation_id, reconciled_cost_usd
)
select
    generation_id, attempt_number, model_used, full_response, status, prompt, user_id, story_type, story_length,
    hero_appearance, relationship_description, moral, error_message, created_at, completed_at, origin, generation_info,
    child_id, hero_id, language, prompt_version, started_at, first_token_at, error_type, http_status,
    provider_generation_id, reconciled_cost_usd
from tales.generations_archive
order by generation_id, attempt_number;

insert into tales.generations (
    generation_id, attempt_number, model_used, full_response, status, user_id, story_type, story_length,
    hero_appearance, relationship_description, moral, created_at, completed_at, origin, generation_info,
    child_id, hero_id
)
select
    tales.migrated_generation_id(s.id), 1, coalesce(s.model_used, 'unknown'), s.full_response, 'success', s.user_id,
    s.story_type, case when s.story_length > 0 then s.story_length end,
    s.hero_appearance, s.relationship_description, coalesce(s.moral, 'unknown'),
    coalesce(s.created_at, s.updated_at, 'epoch'), coalesce(s.created_at, s.updated_at, 'epoch'), 'migrated',
    s.generation_info, s.child_id, s.hero_id
from tales.stories as s
where not exists (select from tales.generations_archive as a where a.story_id = s.id)
on conflict (generation_id, attempt_number) do nothing;

alter table tales.generations force row level security;
