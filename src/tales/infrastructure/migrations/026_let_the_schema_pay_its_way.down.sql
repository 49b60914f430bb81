-- The index over the words of every story does not come back: without it searching is as slow as before 022, and
-- right.

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

drop function if exists tales.story_has(text, text, text[], tsquery);
drop function if exists tales.search_patterns(text);
drop function if exists tales.folded(text);
drop function if exists tales.search_query(text);

create or replace function tales.story_words(user_id uuid, title text, content text) returns tsvector
language sql immutable parallel safe set search_path = ''
return to_tsvector('simple', tales.spaced(left(title || ' ' || content, 200000)))
    || array_to_tsvector(array[user_id::text]);

create or replace function tales.search_query(user_id uuid, words text) returns tsquery
language sql immutable parallel safe set search_path = ''
begin atomic
    select ('''' || user_id || ''' & ' || string_agg(
        '(' || part::text || case when place = last_place then ':*' else '' end || ')', ' & ' order by place
    ))::tsquery
    from (
        select phraseto_tsquery('simple', tales.spaced(piece)) as part, place, max(place) over () as last_place
        from string_to_table(words, ' ') with ordinality as piece (piece, place)
        where numnode(phraseto_tsquery('simple', tales.spaced(piece))) > 0
    ) as parts;
end;

revoke execute on function tales.story_words(uuid, text, text), tales.search_query(uuid, text) from public;
grant execute on function tales.spaced(text), tales.story_words(uuid, text, text) to authenticated, service_role;
grant execute on function tales.search_query(uuid, text) to service_role;
