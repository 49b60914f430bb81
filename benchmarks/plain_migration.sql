-- What a migration in one transaction would be: the yardstick of `bench_migration`. The table of generations is that
-- of 015, with all its indexes, constraints and triggers; what is written in the end is the same.

begin;

create function pg_temp.generation_id_of(story_id uuid) returns uuid language sql immutable as $$
    select encode(set_byte(set_byte(bytes, 6, get_byte(bytes, 6) & 15 | 128), 8, get_byte(bytes, 8) & 63 | 128),
        'hex')::uuid
    from (select substring(sha256(('tales:migrated-generation:' || story_id::text)::bytea) for 16) as bytes) as hashed
$$;
create table tales.saved_originals (
    story_id uuid not null,
    column_name text not null,
    old_value jsonb,
    primary key (story_id, column_name)
);

insert into tales.generations (
    generation_id, attempt_number, model_used, full_response, status, user_id, story_type, story_length,
    hero_appearance, relationship_description, moral, created_at, completed_at, origin, generation_info, child_id,
    hero_id
)
select
    pg_temp.generation_id_of(id), 1, coalesce(model_used, 'unknown'), full_response, 'success', user_id, story_type,
    case when story_length > 0 then story_length end, hero_appearance, relationship_description,
    coalesce(moral, 'unknown'), coalesce(created_at, updated_at, 'epoch'), coalesce(created_at, updated_at, 'epoch'),
    'migrated', generation_info, child_id, hero_id
from tales.stories;

insert into tales.saved_originals
select s.id, original.column_name, original.old_value
from tales.stories as s
cross join lateral (values
    ('model_used', 'null'::jsonb, s.model_used is null),
    ('moral', 'null', s.moral is null),
    ('created_at', 'null', s.created_at is null),
    ('story_length', to_jsonb(s.story_length), s.story_length <= 0)
) as original (column_name, old_value, is_needed)
where original.is_needed;

alter table tales.stories
    add column generation_id uuid,
    add column generation_attempt integer;

update tales.stories as s
set generation_id = g.generation_id,
    generation_attempt = g.attempt_number,
    created_at = coalesce(s.created_at, s.updated_at, 'epoch')
from tales.generations as g
where g.generation_id = pg_temp.generation_id_of(s.id);

alter table tales.stories
    add constraint stories_generation_id_key unique (generation_id),
    add constraint stories_generation_fkey foreign key (generation_id, generation_attempt)
        references tales.generations (generation_id, attempt_number) on delete restrict,
    alter column user_id set not null,
    alter column created_at set not null,
    alter column generation_id set not null,
    alter column generation_attempt set not null,
    drop column model_used,
    drop column full_response,
    drop column generation_info,
    drop column story_type,
    drop column story_length,
    drop column moral,
    drop column hero_appearance,
    drop column relationship_description;

commit;
