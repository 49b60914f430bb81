alter table tales.stories
    drop column hero_appearance,
    drop column relationship_description;
