revoke execute on function
    tales.json_count(jsonb), tales.json_amount(jsonb), tales.json_name(jsonb), tales.is_sealed(text),
    tales.only_forgets(uuid, uuid, boolean), tales.only_seals_response(jsonb, jsonb),
    tales.without_contents(tales.generations)
from authenticated, service_role;
grant execute on function
    tales.json_count(jsonb), tales.json_amount(jsonb), tales.json_name(jsonb), tales.is_sealed(text),
    tales.only_forgets(uuid, uuid, boolean), tales.only_seals_response(jsonb, jsonb),
    tales.without_contents(tales.generations),
    tales.check_attempt_sequence(), tales.guard_attempt(), tales.cancel_attempt(), tales.check_story_attempt()
to public;

drop trigger stories_check_family on tales.stories;
drop function tales.check_story_family();

drop trigger if exists children_keep_id on tales.children;
drop trigger if exists heroes_keep_id on tales.heroes;
drop trigger if exists stories_keep_id on tales.stories;
drop trigger if exists children_take_id on tales.children;
drop trigger if exists heroes_take_id on tales.heroes;
drop trigger if exists stories_take_id on tales.stories;
drop trigger if exists generations_take_id on tales.generations;
drop function if exists tales.take_id();

drop trigger if exists children_check_values on tales.children;
drop trigger if exists heroes_check_values on tales.heroes;
drop trigger if exists stories_check_values on tales.stories;
drop trigger if exists generations_check_values on tales.generations;
drop function if exists
    tales.check_values(), tales.are_interests(text[]), tales.is_time(timestamptz), tales.is_line(text, integer),
    tales.hides_something(text);
