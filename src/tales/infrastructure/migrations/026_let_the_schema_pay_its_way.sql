-- What every story and every attempt pays for is what somebody uses; docs/decisions/0036-what-the-schema-costs.md has
-- the figures. Steps: see 016; each is a transaction of its own.
--
-- squawk-ignore-file ban-drop-function, ban-drop-constraint, constraint-missing-not-valid

-- step: search

-- Words are looked for in a family's own stories, of which there are hundreds: no index that every story pays for.
-- Databases that took 022 before have one.
drop index if exists tales.stories_words_idx;
drop function tales.search_query(uuid, text);
drop function tales.story_words(uuid, text, text);

-- The words to look for: all of them, and the last may be the beginning of one. NULL: no words.
create function tales.search_query(words text) returns tsquery
language sql immutable parallel safe set search_path = ''
begin atomic
    select string_agg(
        '(' || part::text || case when place = last_place then ':*' else '' end || ')', ' & ' order by place
    )::tsquery
    from (
        select phraseto_tsquery('simple', tales.spaced(piece)) as part, place, max(place) over () as last_place
        from string_to_table(words, ' ') with ordinality as piece (piece, place)
        where numnode(phraseto_tsquery('simple', tales.spaced(piece))) > 0
    ) as parts;
end;

-- Text for a rough comparison: letters that some collations make of a capital one, and others do not, are the same.
create function tales.folded(value text) returns text
language sql immutable parallel safe
return replace(replace(replace(lower(value), U&'\0307', ''), U&'\03C2', U&'\03C3'), U&'\0131', 'i');

-- What a story with these words must be like, roughly: every word is somewhere in it.
create function tales.search_patterns(words text) returns text[]
language sql immutable parallel safe set search_path = ''
begin atomic
    select array_agg(distinct '%' || regexp_replace(tales.folded(word), '([\\%_])', '\\\1', 'g') || '%')
    from string_to_table(words, ' ') as piece,
        unnest(tsvector_to_array(to_tsvector('simple', tales.spaced(piece)))) as word;
end;

-- Whether a story has these words. To take a story apart takes longer than the rough look, so that comes first. A
-- text of megabytes would be refused by tsvector itself.
create function tales.story_has(title text, content text, patterns text[], query tsquery) returns boolean
language sql immutable parallel safe
return case when tales.folded(title || ' ' || content) like all (patterns)
    then to_tsvector('simple', tales.spaced(left(title || ' ' || content, 200000))) @@ query
end;

revoke execute on function
    tales.spaced(text), tales.search_query(text), tales.folded(text), tales.search_patterns(text),
    tales.story_has(text, text, text[], tsquery)
from public, service_role;
grant execute on function
    tales.spaced(text), tales.search_query(text), tales.folded(text), tales.search_patterns(text),
    tales.story_has(text, text, text[], tsquery)
to authenticated;

-- step: success_index, concurrently

-- From a story to the attempt that wrote it: one page, and not one for each level of the primary key. Only a success
-- is in it, so it is written once a generation. Less than half full: a page that is about to be split holds twice as
-- much.
create index if not exists generations_success_idx on tales.generations using hash (generation_id)
    with (fillfactor = 40) where status = 'success';

-- step: error_types

-- Every statement reads every check of its table out of the catalog, and this one was longer than all others
-- together. A function is read once a session, and not called for an attempt that has no error.
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
    drop constraint generations_error_type_is_known,
    add constraint generations_error_type_is_known check (tales.is_error_type(error_type)) not valid;

-- step: validate

alter table tales.generations validate constraint generations_error_type_is_known;
