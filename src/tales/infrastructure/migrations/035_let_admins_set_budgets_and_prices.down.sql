-- squawk-ignore-file ban-drop-table, ban-drop-function

drop function tales.take_back_price(text, timestamptz);
drop function tales.remove_budget(text, uuid, text, text);
drop function tales.check_admin();
revoke insert (model, valid_from, prompt_usd_per_million, completion_usd_per_million, request_usd, source)
on tales.prices from authenticated;
revoke update (prompt_usd_per_million, completion_usd_per_million, request_usd, source)
on tales.prices from authenticated;
drop policy "admins change prices that are not in force yet" on tales.prices;
drop policy "admins add prices from now on" on tales.prices;
revoke insert (scope, user_id, model, period, limit_usd, warn_share) on tales.budgets from authenticated;
revoke update (limit_usd, warn_share) on tales.budgets from authenticated;
drop policy "admins change budgets" on tales.budgets;
drop policy "admins add budgets" on tales.budgets;
drop trigger prices_log_change on tales.prices;
drop trigger budgets_log_change on tales.budgets;
drop table tales.change_log;
drop function tales.keep_change_log();
drop function tales.log_change();
