-- squawk-ignore-file ban-drop-table, ban-drop-function

drop function tales.finish_within_budgets(jsonb);
drop function tales.enqueue_within_budgets(jsonb);
drop function tales.recount_budgets(uuid[]);
drop trigger generations_release_budget on tales.generations;
drop trigger generations_settle_budget on tales.generations;
drop trigger generations_wait_for_budgets on tales.generations;
drop trigger generations_reserve_budget on tales.generations;
drop function tales.release_budget();
drop function tales.settle_budget();
drop function tales.reserve_budget();
drop function tales.settle_attempt(uuid, integer);
drop function tales.wait_for_budgets();
drop function tales.lock_budgets();
drop function tales.budgets_of(uuid, text, timestamptz);
drop function tales.charge_of(
    numeric, integer, integer, text, text, timestamptz, timestamptz, timestamptz, text, numeric
);
drop function tales.charge_of_unknown(timestamptz, timestamptz, text, numeric);
drop function tales.most_cost(text, text, text, integer);
drop function tales.most_tokens(integer);
drop table tales.budget_reservations;
drop table tales.budget_spending;
drop table tales.budgets;
