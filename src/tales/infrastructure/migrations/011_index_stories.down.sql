drop index tales.stories_user_id_created_at_idx;
drop index tales.stories_child_id_idx;
drop index tales.stories_hero_id_idx;
