-- squawk-ignore-file ban-drop-table, ban-drop-function

drop index if exists tales.generations_unknown_cost_idx;
drop view tales.attempt_estimates;
drop view tales.price_periods;
drop function tales.token_cost(integer, integer, numeric, numeric, numeric);
drop table tales.prices;
