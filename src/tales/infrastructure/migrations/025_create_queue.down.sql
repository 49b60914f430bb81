-- squawk-ignore-file ban-drop-table, ban-drop-function
-- Attempts keep what the queue has said of them; those that wait wait for the way up.

revoke execute on function tales.session_is_open(uuid) from tales_requester, service_role;
drop function tales.renew_lease(uuid, text, text, integer, integer);
drop function tales.finish_attempts(jsonb);
drop function tales.claim_attempts(uuid, text, integer, timestamptz, uuid[]);
drop function tales.enqueue_attempts(jsonb);
drop function tales.next_turn(text, uuid, bigint);
drop function tales.is_queue_full(text, integer);
drop function tales.first_turn(text);
drop index tales.generations_claimable_idx;
drop table tales.turns;
drop table tales.workers;
