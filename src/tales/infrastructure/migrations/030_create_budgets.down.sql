-- squawk-ignore-file ban-drop-table, ban-drop-function, ban-drop-column

drop function tales.finish_within_budgets(jsonb);
drop function tales.enqueue_within_budgets(jsonb);
drop function tales.recount_budgets();
drop trigger generations_release_budget on tales.generations;
drop trigger generations_settle_learned_cost on tales.generations;
drop trigger generations_settle_budget on tales.generations;
drop trigger generations_reserve_budget on tales.generations;
drop function tales.settle_budget();
drop function tales.reserve_budget();
drop function tales.lock_budgets();
drop function tales.budgets_of(uuid, text, timestamptz);
drop function tales.charge_of(tales.generations);
drop function tales.most_cost(text, text, text, integer);
drop function tales.most_tokens(integer);
alter table tales.generations drop column reserved_usd;
drop table tales.budget_spending;
drop table tales.budgets;
