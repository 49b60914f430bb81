drop index if exists tales.generations_success_idx;

alter table tales.generations
    drop constraint generations_error_type_is_known,
    add constraint generations_error_type_is_known check (error_type in (
        'connection', 'connect_timeout', 'first_token_timeout', 'idle_timeout', 'deadline', 'provider_timeout',
        'stream_interrupted', 'response_too_large', 'malformed_response',
        'rate_limited', 'overloaded', 'provider_unavailable', 'server_error', 'invalid_request', 'authentication',
        'payment_required', 'permission_denied', 'model_not_found', 'content_policy',
        'empty', 'truncated', 'refusal', 'too_short', 'too_long',
        'wrong_language', 'name_missing', 'facts', 'echo', 'meta', 'markup', 'loop', 'garbled', 'unsuitable',
        'queue_timeout', 'worker_lost', 'cancelled', 'not_enqueued', 'internal'
    ));
drop function if exists tales.is_error_type(text);
