drop function tales.count_requests(uuid[], integer);
drop table tales.request_rates;
drop table tales.idempotency_keys;
