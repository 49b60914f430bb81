-- 016 and 017 have put back what the legacy table can hold, and archived the rest.

drop function tales.is_migrating();
drop table tales.generations;

drop function tales.guard_attempt();
drop function tales.only_seals_response(jsonb, jsonb);
drop function tales.only_forgets(uuid, uuid, boolean);
drop function tales.check_attempt_sequence();
drop function tales.is_sealed(text);
drop function tales.json_name(jsonb);
drop function tales.json_amount(jsonb);
drop function tales.json_count(jsonb);
