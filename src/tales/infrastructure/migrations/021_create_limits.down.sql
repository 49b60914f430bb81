drop table tales.request_rates;
drop table tales.idempotency_keys;
