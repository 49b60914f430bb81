-- What was asked for (legacy: moved to generations by 016). Nothing checks these values yet.

alter table tales.stories
    add column story_type text not null default 'child',
    add column story_length integer,
    add column moral text;
