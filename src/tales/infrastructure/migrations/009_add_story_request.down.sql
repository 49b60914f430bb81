alter table tales.stories
    drop column story_type,
    drop column story_length,
    drop column moral;
