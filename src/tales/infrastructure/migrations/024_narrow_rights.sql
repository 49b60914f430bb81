-- What a user can do beside the service, narrowed where it went further than it must.

-- A foreign key does not ask whose the row is that it leads to: a user could let a story of their own name another
-- family's child or hero, and so find out which ids exist. The service writes what the attempt says, and is not asked.
create function tales.check_story_family() returns trigger
language plpgsql set search_path = '' as $$
begin
    if (new.child_id is not null and not exists (select from tales.children where id = new.child_id))
        or (new.hero_id is not null and not exists (select from tales.heroes where id = new.hero_id))
    then
        raise exception 'a story is about a child and a hero that its family sees'
            using errcode = 'check_violation', constraint = 'stories_of_own_family', table = 'stories';
    end if;
    return new;
end
$$;

create trigger stories_check_family before insert or update of child_id, hero_id on tales.stories
    for each row when (
        current_user in ('authenticated', 'tales_requester') and (new.child_id is not null or new.hero_id is not null)
    ) execute function tales.check_story_family();

-- Everybody may call a new function, and Supabase shows it as a remote procedure. These are called by triggers and
-- generated columns, in the name of whoever writes an attempt; the others by the owner alone.
revoke execute on function
    tales.json_count(jsonb), tales.json_amount(jsonb), tales.json_name(jsonb), tales.is_sealed(text),
    tales.only_forgets(uuid, uuid, boolean), tales.only_seals_response(jsonb, jsonb),
    tales.without_contents(tales.generations),
    tales.check_attempt_sequence(), tales.guard_attempt(), tales.cancel_attempt(), tales.check_story_attempt(),
    tales.check_story_family()
from public;
grant execute on function
    tales.json_count(jsonb), tales.json_amount(jsonb), tales.json_name(jsonb), tales.is_sealed(text),
    tales.only_forgets(uuid, uuid, boolean), tales.only_seals_response(jsonb, jsonb),
    tales.without_contents(tales.generations)
to authenticated, service_role;
