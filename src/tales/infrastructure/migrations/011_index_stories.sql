-- A family's library, newest first, and the stories of a child or hero.

create index stories_user_id_created_at_idx on tales.stories (user_id, created_at desc, id desc);
create index stories_child_id_idx on tales.stories (child_id);
create index stories_hero_id_idx on tales.stories (hero_id);
