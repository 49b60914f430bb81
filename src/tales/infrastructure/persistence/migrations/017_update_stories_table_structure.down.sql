-- Stories hold again what the legacy table held. What it cannot hold (other attempts, prompts) goes to an archive, from
-- which 016 brings it back.

alter table tales.stories no force row level security;
alter table tales.generations no force row level security;

-- It is erased with its user, like any other row.
create table tales.generations_archive (
    like tales.generations,
    story_id uuid,
    foreign key (user_id) references auth.users (id) on delete cascade,
    foreign key (child_id) references tales.children (id) on delete set null,
    foreign key (hero_id) references tales.heroes (id) on delete set null
);
alter table tales.generations_archive enable row level security;

insert into tales.generations_archive
select g.*, s.id
from tales.generations as g
left join tales.stories as s on s.generation_id = g.generation_id and s.generation_attempt = g.attempt_number
where g.origin = 'live' or s.id is null or g.reconciled_cost_usd is not null;

alter table tales.stories
    add column model_used text,
    add column full_response jsonb,
    add column generation_info jsonb,
    add column story_type text not null default 'child',
    add column story_length integer,
    add column moral text,
    add column hero_appearance text,
    add column relationship_description text,
    alter column user_id drop not null,
    alter column created_at drop not null;

drop trigger stories_check_attempt on tales.stories;
drop function tales.check_story_attempt();

update tales.stories as s
set model_used = g.model_used,
    full_response = g.full_response,
    generation_info = g.generation_info,
    story_type = g.story_type,
    story_length = g.story_length,
    moral = g.moral,
    hero_appearance = g.hero_appearance,
    relationship_description = g.relationship_description
from tales.generations as g
where g.generation_id = s.generation_id and g.attempt_number = s.generation_attempt;

-- What was changed of a story on its way is changed back.
update tales.stories as s
set model_used = case when n.names ? 'model_used' then n.names ->> 'model_used' else s.model_used end,
    moral = case when n.names ? 'moral' then n.names ->> 'moral' else s.moral end,
    story_length = case when n.names ? 'story_length' then (n.names ->> 'story_length')::integer else s.story_length end,
    created_at = case when n.names ? 'created_at' then null else s.created_at end,
    user_id = case when n.names ? 'user_id' then null else s.user_id end
from (
    select story_id, jsonb_object_agg(column_name, old_value) as names
    from tales.migration_notes
    group by story_id
) as n
where n.story_id = s.id;

alter table tales.stories
    drop constraint stories_generation_fkey,
    drop constraint stories_generation_id_key,
    drop column generation_id,
    drop column generation_attempt;

alter table tales.generations force row level security;
