revoke all on tales.children from authenticated, service_role;

drop policy "the service reads children" on tales.children;
drop policy "users delete their own children" on tales.children;
drop policy "users change their own children" on tales.children;
drop policy "users add their own children" on tales.children;
drop policy "users read their own children" on tales.children;

alter table tales.children disable row level security;
