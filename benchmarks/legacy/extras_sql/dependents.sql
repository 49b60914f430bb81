-- What depends on a column that 017 drops: by a record in the catalog, or (function bodies) by name alone.

-- Indexes go with their column, without a word.
create index stories_full_response_idx on tales.stories using gin (full_response jsonb_path_ops);
create index stories_model_used_idx on tales.stories (model_used);
create index stories_moral_lower_idx on tales.stories (lower(moral)) where story_type = 'combined';

-- So do a check of the column alone and extended statistics.
alter table tales.stories add constraint stories_moral_is_short check (length(moral) < 1000000) not valid;
create statistics tales.stories_model_and_type on model_used, story_type from tales.stories;

-- These make PostgreSQL refuse the drop.
alter table tales.stories add column moral_length integer generated always as (length(moral)) stored;
create view tales.story_overview with (security_invoker = true) as
    select id, user_id, title, model_used, story_type, created_at from tales.stories;
create view tales.recent_story_overview with (security_invoker = true) as
    select * from tales.story_overview where created_at > now() - interval '30 days';
create materialized view tales.stories_by_model as
    select model_used, count(*) as stories, avg(rating) as rating from tales.stories group by model_used;
create unique index stories_by_model_model_used_idx on tales.stories_by_model (model_used) nulls not distinct;
create policy "editors read stories about kindness" on tales.stories
    for select to authenticated using (moral = 'kindness' and (select auth.jwt()) ->> 'role' = 'editor');
create function tales.note_new_model() returns trigger language plpgsql set search_path = '' as $$
begin
    perform pg_catalog.pg_notify('models', new.model_used);
    return new;
end
$$;
create trigger stories_note_new_model after update of model_used on tales.stories
    for each row when (old.model_used is distinct from new.model_used) execute function tales.note_new_model();
create function tales.stories_with_moral(wanted text) returns bigint language sql stable set search_path = ''
begin atomic
    select count(*) from tales.stories where moral = wanted;
end;

-- The catalog knows nothing of what these name.
create function tales.favourite_model(of_user uuid) returns text language sql stable set search_path = '' as $$
    select stories.model_used from tales.stories where stories.user_id = of_user
    group by stories.model_used order by count(*) desc, stories.model_used limit 1
$$;
create function tales.cost_of(story_id uuid) returns numeric language plpgsql stable set search_path = '' as $$
begin
    return (select (s.full_response -> 'usage' ->> 'cost')::numeric from tales.stories as s where s.id = story_id);
end
$$;

-- An update that only fills a new column changes what families see, too, unless this is kept from it.
create function tales.touch_updated_at() returns trigger language plpgsql set search_path = '' as $$
begin
    new.updated_at := now();
    return new;
end
$$;
create trigger stories_touch_updated_at before update on tales.stories
    for each row execute function tales.touch_updated_at();
