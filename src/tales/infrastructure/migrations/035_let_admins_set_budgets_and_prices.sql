-- Admins set budgets and prices themselves, on the pages and by the API, and who changed one is a row (decision 48).
--
-- A price that is in force is what calls have been estimated by: an admin adds versions from now on, and takes back
-- those that are not in force yet. Only the operator, at the server, corrects the past.

-- How each budget and each price was changed. Ids and figures alone, so a row outlives the user that a budget was for.
create table tales.change_log (
    id uuid not null default gen_random_uuid(),
    changed_at timestamptz not null default now(),
    -- The admin whose token it was; none is the operator, on a machine that reaches the database, or the service.
    changed_by uuid,
    relation text not null,
    -- The row as it was, and as it has been since; none where there was no row, or is none any more.
    before jsonb,
    after jsonb,

    constraint change_log_pkey primary key (id),
    constraint change_log_relation_is_known check (relation in ('budgets', 'prices')),
    constraint change_log_changes_something check (before is distinct from after)
);
create index change_log_changed_at_idx on tales.change_log (changed_at);

-- As its owner: whoever changes a budget or a price writes here through it alone.
create function tales.log_change() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    if tg_op <> 'UPDATE' or old is distinct from new then
        insert into tales.change_log (changed_by, relation, before, after)
        values (
            auth.uid(), tg_table_name,
            case when tg_op <> 'INSERT' then to_jsonb(old) end, case when tg_op <> 'DELETE' then to_jsonb(new) end
        );
    end if;
    return null;
end
$$;

create function tales.keep_change_log() returns trigger
language plpgsql set search_path = '' as $$
begin
    raise exception 'who has changed something is kept, and never changes'
        using errcode = 'check_violation', constraint = 'change_log_is_kept', table = 'change_log';
end
$$;
revoke execute on function tales.log_change(), tales.keep_change_log() from public;

create trigger budgets_log_change after insert or update or delete on tales.budgets
    for each row execute function tales.log_change();
create trigger prices_log_change after insert or update or delete on tales.prices
    for each row execute function tales.log_change();
create trigger change_log_is_kept before update or delete or truncate on tales.change_log
    for each statement execute function tales.keep_change_log();

alter table tales.change_log enable row level security;

create policy "admins read the change log" on tales.change_log
    for select to authenticated using ((select auth.jwt()) -> 'app_metadata' ->> 'role' = 'admin');
create policy "the service reads the change log" on tales.change_log for select to service_role using (true);
grant select on tales.change_log to authenticated, service_role;

-- The service counts what the period has cost so far in the same transaction (tales.recount_budgets).
create policy "admins add budgets" on tales.budgets
    for insert to authenticated with check ((select auth.jwt()) -> 'app_metadata' ->> 'role' = 'admin');
create policy "admins change budgets" on tales.budgets
    for update to authenticated
    using ((select auth.jwt()) -> 'app_metadata' ->> 'role' = 'admin')
    with check ((select auth.jwt()) -> 'app_metadata' ->> 'role' = 'admin');
grant insert (scope, user_id, model, period, limit_usd, warn_share) on tales.budgets to authenticated;
grant update (limit_usd, warn_share) on tales.budgets to authenticated;

-- From now on is a minute wide: the clock of whoever asks may be a little behind this one.
create policy "admins add prices from now on" on tales.prices
    for insert to authenticated with check (
        (select auth.jwt()) -> 'app_metadata' ->> 'role' = 'admin'
        and valid_from > now() - interval '1 minute' and source = 'operator'
    );
create policy "admins change prices that are not in force yet" on tales.prices
    for update to authenticated
    using ((select auth.jwt()) -> 'app_metadata' ->> 'role' = 'admin' and valid_from > now())
    with check (
        (select auth.jwt()) -> 'app_metadata' ->> 'role' = 'admin' and valid_from > now() and source = 'operator'
    );
grant insert (model, valid_from, prompt_usd_per_million, completion_usd_per_million, request_usd, source)
on tales.prices to authenticated;
grant update (prompt_usd_per_million, completion_usd_per_million, request_usd, source)
on tales.prices to authenticated;

-- By functions, as their owner, and not by policies: whoever may delete from a table may lock it whole, and families
-- come as the same role.
create function tales.check_admin() returns void
language plpgsql set search_path = '' as $$
begin
    if 'admin' is distinct from auth.jwt() -> 'app_metadata' ->> 'role'
        and 'service_role' is distinct from auth.jwt() ->> 'role'
    then
        raise exception 'this is for admins' using errcode = 'insufficient_privilege';
    end if;
end
$$;

-- False where there is no such budget.
create function tales.remove_budget(of_scope text, of_user uuid, of_model text, of_period text) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
    perform tales.check_admin();
    delete from tales.budgets as b
    where b.scope = of_scope and b.period = of_period and b.user_id is not distinct from of_user
        and b.model is not distinct from of_model;
    return found;
end
$$;

-- False where there is no such price, or it is in force.
create function tales.take_back_price(of_model text, of_time timestamptz) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
    perform tales.check_admin();
    delete from tales.prices as p where p.model = of_model and p.valid_from = of_time and p.valid_from > now();
    return found;
end
$$;

revoke execute on function
    tales.check_admin(), tales.remove_budget(text, uuid, text, text), tales.take_back_price(text, timestamptz)
from public;
grant execute on function tales.remove_budget(text, uuid, text, text), tales.take_back_price(text, timestamptz)
to authenticated, service_role;
