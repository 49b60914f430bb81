-- Which model wrote a story, and all that it answered (legacy: moved to generations by 016).

alter table tales.stories
    add column model_used text,
    add column full_response jsonb;
