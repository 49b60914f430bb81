-- What a family thinks of a story.

alter table tales.stories
    add column rating integer constraint stories_rating_from_1_to_10 check (rating between 1 and 10);
