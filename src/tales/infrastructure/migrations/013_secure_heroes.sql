-- A family sees its own heroes and the ready-made ones, and changes its own only.

alter table tales.heroes enable row level security;

create policy "users read their own and ready-made heroes" on tales.heroes
    for select to authenticated using (user_id is null or user_id = (select auth.uid()));
create policy "users add their own heroes" on tales.heroes
    for insert to authenticated with check (user_id = (select auth.uid()));
create policy "users change their own heroes" on tales.heroes
    for update to authenticated using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create policy "users delete their own heroes" on tales.heroes
    for delete to authenticated using (user_id = (select auth.uid()));
create policy "the service reads heroes" on tales.heroes
    for select to service_role using (true);

grant select, insert, update, delete on tales.heroes to authenticated;
grant select on tales.heroes to service_role;
