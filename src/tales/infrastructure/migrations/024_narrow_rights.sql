-- What a user can do beside the service, narrowed where it went further than it must.

-- A foreign key does not ask whose the row is that it leads to: a user could let a story of their own name another
-- family's child or hero, and so find out which ids exist. The service writes what the attempt says, and is not asked;
-- everybody else is, whatever their role is called. What a story named before is not asked for again: where an old
-- table has no foreign key, it may name a child that is gone, and its hero must be able to go too.
create function tales.check_story_family() returns trigger
language plpgsql set search_path = '' as $$
begin
    if ((tg_op = 'INSERT' or new.child_id is distinct from old.child_id)
            and new.child_id is not null and not exists (select from tales.children where id = new.child_id))
        or ((tg_op = 'INSERT' or new.hero_id is distinct from old.hero_id)
            and new.hero_id is not null and not exists (select from tales.heroes where id = new.hero_id))
    then
        raise exception 'a story is about a child and a hero that its family sees'
            using errcode = 'check_violation', constraint = 'stories_of_own_family', table = 'stories';
    end if;
    return new;
end
$$;

create trigger stories_check_family before insert or update of child_id, hero_id on tales.stories
    for each row when (
        current_user <> 'service_role' and (new.child_id is not null or new.hero_id is not null)
    ) execute function tales.check_story_family();

-- A primary key does not ask whose the row is that has an id already, and says so: a user could find out which ids
-- exist. So a row is tried before a user's insert, and taken back: no look-up sees what the policies hide from the
-- owner too, or has not been committed yet, but the key itself does. A row that would take another's id is made
-- nobody's, and the policies refuse it as any row that is not the user's own. The service makes its ids itself.
create function tales.take_id() returns trigger
language plpgsql set search_path = '' as $$
declare
    violated text;
    is_own boolean;
begin
    if tg_op = 'UPDATE' then
        new.user_id := null;
        return new;
    end if;
    begin
        execute (
            select format('insert into tales.%I (%s) select %s', tg_table_name,
                string_agg(quote_ident(attname), ', '), string_agg('($1).' || quote_ident(attname), ', '))
            from pg_catalog.pg_attribute
            where attrelid = tg_relid and attnum > 0 and not attisdropped and attgenerated = '' and attidentity = ''
                and has_column_privilege(tg_relid, attnum, 'insert')
        ) using new;
        raise exception 'taken back';
    exception
        when unique_violation then
            get stacked diagnostics violated = constraint_name;
        -- Whatever else is wrong with the row, it is refused for it in a moment.
        when others then
            return new;
    end;
    if exists (
        select from pg_catalog.pg_constraint where conrelid = tg_relid and conname = violated and contype = 'p'
    ) then
        execute format('select exists (select from tales.%I where %2$I = ($1).%2$I)', tg_table_name, tg_argv[0])
        into is_own using new;
        if not is_own then
            new.user_id := null;
        end if;
    end if;
    return new;
end
$$;

-- By their names these come after the triggers that look at the row as it is.
create trigger children_take_id before insert on tales.children
    for each row when (
        current_user <> 'service_role' and pg_trigger_depth() = 0 and row_security_active('tales.children')
    ) execute function tales.take_id('id');
create trigger heroes_take_id before insert on tales.heroes
    for each row when (
        current_user <> 'service_role' and pg_trigger_depth() = 0 and row_security_active('tales.heroes')
    ) execute function tales.take_id('id');
create trigger stories_take_id before insert on tales.stories
    for each row when (
        current_user <> 'service_role' and pg_trigger_depth() = 0 and row_security_active('tales.stories')
    ) execute function tales.take_id('id');
create trigger generations_take_id before insert on tales.generations
    for each row when (
        current_user not in ('service_role', 'tales_requester') and pg_trigger_depth() = 0
        and row_security_active('tales.generations')
    ) execute function tales.take_id('generation_id');
-- Nor is a row given another id.
create trigger children_keep_id before update of id on tales.children
    for each row when (new.id <> old.id and row_security_active('tales.children')) execute function tales.take_id();
create trigger heroes_keep_id before update of id on tales.heroes
    for each row when (new.id <> old.id and row_security_active('tales.heroes')) execute function tales.take_id();
create trigger stories_keep_id before update of id on tales.stories
    for each row when (new.id <> old.id and row_security_active('tales.stories')) execute function tales.take_id();

-- The tables take from a user what the API takes, and no more: one row of megabytes, or of a time that no program can
-- show, would burden each list that it is in. Only what is new or has changed is looked at, so that a row of before
-- can still be rated, renamed and deleted; `tales migrate check` counts those. What the service writes in its own
-- name, the domain has checked. A test compares these numbers with the domain's.

-- Whether a value hides something: holds what nobody sees, and no script and no emoji needs where it stands. What that
-- is, `tales.domain.invisible` says; of joiners and selectors only what shows without a look at the letters is
-- refused, and the prompt goes without the rest.
create function tales.hides_something(value text) returns boolean
language plpgsql immutable parallel safe set search_path = '' as $$
begin
    -- The flags of England, Scotland and Wales are written in tags.
    return regexp_replace(value, '\U0001f3f4\U000e0067\U000e0062'
        '(\U000e0065\U000e006e\U000e0067|\U000e0073\U000e0063\U000e0074|\U000e0077\U000e006c\U000e0073)\U000e007f',
        '', 'g') ~ ('[\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u200b'
        '\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\U000110bd\U000110cd'
        '\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]'
        '|[\u200c\u200d]{2}|[\u0001-\u007f][\u200c\u200d]'
        '|[\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]{2}');
end
$$;

-- Whether a value is one line of 1 to `most` characters, with something to see in it, and no control character and
-- nothing hidden.
create function tales.is_line(value text, most integer) returns boolean
language plpgsql immutable parallel safe set search_path = '' as $$
begin
    return value is not null and length(value) <= most and value !~ '[\u0001-\u001f\u007f-\u009f]'
        and value ~ ('[^ \u00a0\u1680\u180b-\u180f\u2000-\u200a\u200c\u200d\u2028\u2029\u202f\u205f\u2800\u3000'
            '\ufe00-\ufe0f\U000e0100-\U000e01ef]')
        and not tales.hides_something(value);
end
$$;

-- Whether these are at most 12 lines of up to 60 characters, in one dimension.
create function tales.are_interests(value text[]) returns boolean
language plpgsql immutable parallel safe set search_path = '' as $$
begin
    return value is not null and coalesce(array_ndims(value), 1) = 1 and cardinality(value) <= 12
        and not exists (select from unnest(value) as item where not tales.is_line(item, 60));
end
$$;

-- Whether a time is one that every program can show, in every time zone.
create function tales.is_time(value timestamptz) returns boolean
language plpgsql immutable parallel safe set search_path = '' as $$
begin
    return coalesce(value between '0001-01-02Z' and '9999-12-30Z', false);
end
$$;

-- As its owner: nobody else has to be let call the functions above, whatever role writes.
create function tales.check_values() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
    is_new constant boolean := tg_op = 'INSERT';
    refused text;
begin
    case tg_table_name
    when 'children' then
        refused := case
            when (is_new or new.name is distinct from old.name) and not tales.is_line(new.name, 80) then 'name'
            when (is_new or new.age is distinct from old.age) and not coalesce(new.age between 0 and 17, false)
                then 'age'
            when (is_new or new.gender is distinct from old.gender)
                and new.gender is not null and not tales.is_line(new.gender, 80) then 'gender'
            when (is_new or new.interests is distinct from old.interests) and not tales.are_interests(new.interests)
                then 'interests'
            when (is_new or new.created_at is distinct from old.created_at) and not tales.is_time(new.created_at)
                then 'created_at'
        end;
    when 'heroes' then
        refused := case
            when (is_new or new.name is distinct from old.name) and not tales.is_line(new.name, 80) then 'name'
            when (is_new or new.appearance is distinct from old.appearance)
                and new.appearance is not null and not tales.is_line(new.appearance, 400) then 'appearance'
            when (is_new or new.created_at is distinct from old.created_at) and not tales.is_time(new.created_at)
                then 'created_at'
        end;
    when 'stories' then
        refused := case
            when (is_new or new.title is distinct from old.title) and not tales.is_line(new.title, 120) then 'title'
            when (is_new or new.content is distinct from old.content)
                and not coalesce(length(new.content) <= 200000, false) then 'content'
            when (is_new or new.rating is distinct from old.rating) and new.rating not between 1 and 10 then 'rating'
            when (is_new or new.created_at is distinct from old.created_at) and not tales.is_time(new.created_at)
                then 'created_at'
            when (is_new or new.updated_at is distinct from old.updated_at)
                and new.updated_at is not null and not tales.is_time(new.updated_at) then 'updated_at'
        end;
    when 'generations' then
        refused := case
            when new.moral is not null and not tales.is_line(new.moral, 200) then 'moral'
            when new.model_used is not null and not tales.is_line(new.model_used, 200) then 'model_used'
            when new.relationship_description is not null and not tales.is_line(new.relationship_description, 300)
                then 'relationship_description'
            when new.hero_appearance is not null and not tales.is_line(new.hero_appearance, 400)
                then 'hero_appearance'
            when new.story_length > 30 then 'story_length'
            when length(new.language) > 20 then 'language'
            when length(new.prompt_version) > 80 then 'prompt_version'
            when length(new.prompt) > 200000 then 'prompt'
        end;
    end case;
    if refused is not null then
        raise exception '%.% has a value that the service would not take', tg_table_name, refused
            using errcode = 'check_violation', table = tg_table_name, column = refused,
                constraint = format('%s_%s_as_by_the_service', tg_table_name, refused);
    end if;
    return new;
end
$$;

create trigger children_check_values before insert or update on tales.children
    for each row execute function tales.check_values();
create trigger heroes_check_values before insert or update on tales.heroes
    for each row execute function tales.check_values();
create trigger stories_check_values before insert or update on tales.stories
    for each row when (current_user <> 'service_role') execute function tales.check_values();
-- A user changes no more of an attempt than to cancel it (015).
create trigger generations_check_values before insert on tales.generations
    for each row when (current_user not in ('service_role', 'tales_requester')) execute function tales.check_values();

-- Until 017 has dropped its columns, the old application writes these tables too, and by rules of its own. Then these
-- triggers are switched on with what drops the columns.
do $$
declare
    waiting record;
begin
    if exists (
        select from pg_catalog.pg_attribute
        where attrelid = 'tales.stories'::regclass and attname = 'model_used' and not attisdropped
    ) then
        for waiting in
            select tgrelid::regclass as on_table, tgname from pg_catalog.pg_trigger
            where tgfoid in ('tales.check_values()'::regprocedure, 'tales.take_id()'::regprocedure)
        loop
            execute format('alter table %s disable trigger %I', waiting.on_table, waiting.tgname);
        end loop;
    end if;
end
$$;

-- Everybody may call a new function, and Supabase shows it as a remote procedure. These are called by triggers and
-- generated columns, in the name of whoever writes an attempt; the others by the owner alone.
revoke execute on function
    tales.json_count(jsonb), tales.json_amount(jsonb), tales.json_name(jsonb), tales.is_sealed(text),
    tales.only_forgets(uuid, uuid, boolean), tales.only_seals_response(jsonb, jsonb),
    tales.without_contents(tales.generations),
    tales.check_attempt_sequence(), tales.guard_attempt(), tales.cancel_attempt(), tales.check_story_attempt(),
    tales.check_story_family(), tales.take_id(), tales.check_values(), tales.is_line(text, integer),
    tales.hides_something(text), tales.are_interests(text[]), tales.is_time(timestamptz)
from public;
grant execute on function
    tales.json_count(jsonb), tales.json_amount(jsonb), tales.json_name(jsonb), tales.is_sealed(text),
    tales.only_forgets(uuid, uuid, boolean), tales.only_seals_response(jsonb, jsonb),
    tales.without_contents(tales.generations)
to authenticated, service_role;
