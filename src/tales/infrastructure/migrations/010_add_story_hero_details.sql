-- The hero and the relationship as they were told to the model (legacy: moved to generations by 016).

alter table tales.stories
    add column hero_appearance text,
    add column relationship_description text;
