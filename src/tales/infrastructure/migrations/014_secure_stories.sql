-- A family sees and changes its own stories only.

alter table tales.stories enable row level security;

create policy "users read their own stories" on tales.stories
    for select to authenticated using (user_id = (select auth.uid()));
create policy "users add their own stories" on tales.stories
    for insert to authenticated with check (user_id = (select auth.uid()));
create policy "users change their own stories" on tales.stories
    for update to authenticated using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create policy "users delete their own stories" on tales.stories
    for delete to authenticated using (user_id = (select auth.uid()));
create policy "the service reads stories" on tales.stories
    for select to service_role using (true);
create policy "the service adds stories" on tales.stories
    for insert to service_role with check (true);

grant select, insert, update, delete on tales.stories to authenticated;
grant select, insert on tales.stories to service_role;
