-- What a library needs: search by text, sequels, pages in the order of an index, ready-made heroes, and leave to
-- erase a user.
--
-- Nothing of the tables that there are changes, so nothing is rewritten; each index on a table that may be large is
-- built without locking it. Steps: see 016.

-- step: sequels

-- Which story a generation carries on. A table of its own: generations never change once they have ended, and
-- forgetting an earlier story that is deleted would change them. `down` leaves it where it holds anything, like an
-- archive.
create table if not exists tales.sequels (
    generation_id uuid not null,
    user_id uuid not null,
    sequel_of uuid not null,

    constraint sequels_pkey primary key (generation_id),
    constraint sequels_user_id_fkey foreign key (user_id) references auth.users (id) on delete cascade,
    constraint sequels_sequel_of_fkey foreign key (sequel_of) references tales.stories (id) on delete cascade
);
create index if not exists sequels_user_id_idx on tales.sequels (user_id);
create index if not exists sequels_sequel_of_idx on tales.sequels (sequel_of);

-- Both ends belong to the family. Whoever inserts sees its own rows alone, and the service sees all: either is enough.
create function tales.check_sequel() returns trigger
language plpgsql set search_path = '' as $$
begin
    if not exists (select from tales.stories where id = new.sequel_of and user_id = new.user_id)
        or not exists (select from tales.generations where generation_id = new.generation_id and user_id = new.user_id)
    then
        raise exception 'a sequel carries on a story of its own family'
            using errcode = 'check_violation', constraint = 'sequels_one_family', table = 'sequels';
    end if;
    return new;
end
$$;
revoke execute on function tales.check_sequel() from public;

create trigger sequels_check_sequel before insert or update on tales.sequels
    for each row execute function tales.check_sequel();

alter table tales.sequels enable row level security;
alter table tales.sequels force row level security;

create policy "users read their own sequels" on tales.sequels
    for select to authenticated using (user_id = (select auth.uid()));
create policy "users add their own sequels" on tales.sequels
    for insert to authenticated with check (user_id = (select auth.uid()));
create policy "the service reads sequels" on tales.sequels
    for select to service_role using (true);

grant select, insert on tales.sequels to authenticated;
grant select on tales.sequels to service_role;

-- step: search_functions

-- Words are looked for in a family's own stories, of which there are hundreds: no index that every story pays for.

-- Text with each letter of a script that is written without spaces apart, so that each is a word.
create function tales.spaced(value text) returns text
language sql immutable parallel safe set search_path = ''
return regexp_replace(value, '([\u0E00-\u0EFF\u2E80-\u9FFF\uAC00-\uD7AF\uF900-\uFAFF])', ' \1 ', 'g');

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

-- step: child_index, concurrently

-- Most stories are about a child or about a hero: neither index holds what has none.
create index if not exists stories_child_id_created_at_idx on tales.stories (child_id, created_at desc, id desc)
    where child_id is not null;

-- step: hero_index, concurrently

create index if not exists stories_hero_id_created_at_idx on tales.stories (hero_id, created_at desc, id desc)
    where hero_id is not null;

-- step: generations_index, concurrently

-- With what a list is filtered by, so that a filter that few pass reads the index alone.
create index if not exists generations_user_id_created_at_idx on tales.generations
    (user_id, created_at desc, generation_id desc) include (attempt_number, status, model_used);

-- step: family_indexes

create index children_user_id_created_at_idx on tales.children (user_id, created_at desc, id desc);
create index heroes_user_id_created_at_idx on tales.heroes (user_id, created_at desc, id desc);
create index heroes_ready_made_idx on tales.heroes (created_at desc, id desc) where user_id is null;

-- These begin as the new ones do. A database of another origin may lack them, or have something else of that name:
-- what is not as 003, 004 and 011 make it stays, and the new index says so for `down`. Stories come first, as they do
-- with whoever writes one: each would wait for the other.
do $$
declare
    replaced record;
begin
    for replaced in
        select * from (values
            ('stories', 'child_id', 'stories_child_id_created_at_idx'),
            ('stories', 'hero_id', 'stories_hero_id_created_at_idx'),
            ('children', 'user_id', 'children_user_id_created_at_idx'),
            ('heroes', 'user_id', 'heroes_user_id_created_at_idx')
        ) as r (on_table, column_name, successor)
        cross join lateral format('%s_%s_idx', on_table, column_name) as old_name
        cross join lateral to_regclass('tales.' || old_name) as old_index
    loop
        if pg_get_indexdef(replaced.old_index) = format('CREATE INDEX %s ON tales.%s USING btree (%s)',
                replaced.old_name, replaced.on_table, replaced.column_name)
            and obj_description(replaced.old_index, 'pg_class') is null
        then
            execute format('drop index tales.%I', replaced.old_name);
        else
            execute format('comment on index tales.%I is %L', replaced.successor, 'It replaces no other index.');
        end if;
    end loop;
end
$$;

drop index if exists tales.generations_user_id_idx;

-- step: heroes

-- The owner is bound by the policies, once 017 is done, and they let nobody add these.
alter table tales.heroes no force row level security;

-- Heroes for everybody, older than any of a family's own. `down` leaves those that stories or attempts are about.
insert into tales.heroes (id, user_id, name, appearance, created_at) values
    ('00000000-0000-8000-8000-000000000101', null, 'Luna the Owl',
        'a small grey owl with round golden eyes and a scarf full of stars', '2000-01-01 00:00:06Z'),
    ('00000000-0000-8000-8000-000000000102', null, 'Pip the Hedgehog',
        'a tiny hedgehog in a yellow raincoat, who always knows the way home', '2000-01-01 00:00:05Z'),
    ('00000000-0000-8000-8000-000000000103', null, 'Bramble the Bear',
        'a big brown bear with a patched blue waistcoat and a pocket full of berries', '2000-01-01 00:00:04Z'),
    ('00000000-0000-8000-8000-000000000104', null, 'Marina the Mermaid',
        'a mermaid with a silver tail, seaweed braids and a lantern made of a shell', '2000-01-01 00:00:03Z'),
    ('00000000-0000-8000-8000-000000000105', null, 'Tock the Robot',
        'a round copper robot with one wobbly wheel and a soft green light for a heart', '2000-01-01 00:00:02Z'),
    ('00000000-0000-8000-8000-000000000106', null, 'Juniper the Fox',
        'a slim red fox with white paws, tall rain boots and a map of the forest', '2000-01-01 00:00:01Z')
on conflict do nothing;

do $$
begin
    if not exists (
        select from pg_catalog.pg_attribute
        where attrelid = 'tales.stories'::regclass and attname = 'model_used' and not attisdropped
    ) then
        alter table tales.heroes force row level security;
    end if;
end
$$;

-- step: erasing

-- On Supabase users are the platform's to erase.
do $$
begin
    if obj_description(to_regnamespace('auth'), 'pg_namespace') = 'Made by Tales' then
        create policy "the service erases users" on auth.users for delete to service_role using (true);
        grant delete on auth.users to service_role;
    end if;
end
$$;
