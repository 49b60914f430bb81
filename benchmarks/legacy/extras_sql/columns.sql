-- Columns that teams added to stories, none of which stands in a new story's way.

alter table tales.stories
    add column child_name text,
    add column child_age integer,
    add column language text default 'en',
    add column audio_url text,
    add column audio_duration numeric(8, 2) check (audio_duration > 0);
comment on column tales.stories.child_name is 'As it was when the story was told';
create index stories_language_idx on tales.stories (language) where language <> 'en';
grant select (id, title, language) on tales.stories to anon;
