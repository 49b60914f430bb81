-- What every story and every attempt pays for is what somebody uses; docs/decisions/0036-what-the-schema-costs.md has
-- the figures. Steps: see 016; each is a transaction of its own.
--
-- squawk-ignore-file constraint-missing-not-valid

-- step: success_index, concurrently

-- From a story to the attempt that wrote it: one page, and not one for each level of the primary key. Only a success
-- is in it, so it is written once a generation. Less than half full: a page that is about to be split holds twice as
-- much.
create index if not exists generations_success_idx on tales.generations using hash (generation_id)
    with (fillfactor = 40) where status = 'success';

-- step: error_types

-- The reasons of failure. Every statement reads every check of its table out of the catalog, and one that named them
-- would be longer than all others together. A function is read once a session, and not called where there is no error.
create function tales.is_error_type(value text) returns boolean
language plpgsql immutable strict parallel safe set search_path = '' as $$
begin
    return value in (
        'connection', 'connect_timeout', 'first_token_timeout', 'idle_timeout', 'deadline', 'provider_timeout',
        'stream_interrupted', 'response_too_large', 'malformed_response',
        'rate_limited', 'overloaded', 'provider_unavailable', 'server_error', 'invalid_request', 'authentication',
        'payment_required', 'permission_denied', 'model_not_found', 'content_policy',
        'empty', 'truncated', 'refusal', 'too_short', 'too_long',
        'wrong_language', 'name_missing', 'facts', 'echo', 'meta', 'markup', 'loop', 'garbled', 'unsuitable',
        'queue_timeout', 'worker_lost', 'cancelled', 'not_enqueued', 'internal'
    );
end
$$;
revoke execute on function tales.is_error_type(text) from public;
grant execute on function tales.is_error_type(text) to authenticated, service_role;

alter table tales.generations
    add constraint generations_error_type_is_known check (tales.is_error_type(error_type)) not valid;

-- step: validate

alter table tales.generations validate constraint generations_error_type_is_known;
