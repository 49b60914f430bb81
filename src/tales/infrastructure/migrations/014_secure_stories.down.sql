revoke all on tales.stories from authenticated, service_role;

drop policy "the service adds stories" on tales.stories;
drop policy "the service reads stories" on tales.stories;
drop policy "users delete their own stories" on tales.stories;
drop policy "users change their own stories" on tales.stories;
drop policy "users add their own stories" on tales.stories;
drop policy "users read their own stories" on tales.stories;

alter table tales.stories disable row level security;
