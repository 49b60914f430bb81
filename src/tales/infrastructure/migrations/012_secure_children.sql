-- A family sees and changes its own children only.

alter table tales.children enable row level security;

create policy "users read their own children" on tales.children
    for select to authenticated using (user_id = (select auth.uid()));
create policy "users add their own children" on tales.children
    for insert to authenticated with check (user_id = (select auth.uid()));
create policy "users change their own children" on tales.children
    for update to authenticated using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create policy "users delete their own children" on tales.children
    for delete to authenticated using (user_id = (select auth.uid()));
create policy "the service reads children" on tales.children
    for select to service_role using (true);

grant select, insert, update, delete on tales.children to authenticated;
grant select on tales.children to service_role;
