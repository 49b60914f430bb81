-- The stories that were set aside come back; what was moved is in the stories still, or again (017 down).

alter table tales.stories no force row level security;
alter table tales.generations no force row level security;

-- What an operator's choice changed is changed back; nothing of this is a write of the old application.
drop trigger stories_keep_generation on tales.stories;
drop trigger stories_keep_response on tales.stories;
select tales.say_moving(true);

update tales.stories as s set user_id = (n.old_value #>> '{}')::uuid
from tales.migration_notes as n
where n.story_id = s.id and n.column_name = 'user_id';

-- By name: 017 down has added the old columns at the end.
do $$
declare
    set_aside text;
    columns text;
begin
    foreach set_aside in array array['stories_unowned', 'stories_quarantined'] loop
        select string_agg(quote_ident(attname), ', ') into columns
        from pg_catalog.pg_attribute
        where attrelid = format('tales.%I', set_aside)::regclass
            and attnum > 0 and not attisdropped and attgenerated = '';
        execute format('insert into tales.stories (%s) select %s from tales.%I', columns, columns, set_aside);
    end loop;
end
$$;

delete from tales.generations;
delete from tales.migration_notes;
update tales.migration_state
set orphans = default, invalid = default, copied_up_to = default, linked_up_to = default, stories_file = default,
    stories_end = default;

select tales.say_moving(false);
create trigger stories_keep_generation after insert or update or delete on tales.stories
    for each row execute function tales.keep_generation();
create trigger stories_keep_response after update of full_response, generation_info on tales.stories
    for each row execute function tales.keep_generation('named');

drop function tales.refuse_unsettled_stories();
drop function tales.copy_next_stories(integer);
drop function tales.next_stories(tid, integer);
drop function tales.settle_stories(uuid[]);
drop function tales.set_aside(uuid[], regclass);
drop function tales.say_moving(boolean, boolean);
drop table tales.stories_quarantined;
drop table tales.stories_unowned;
