-- While stories are being migrated (015 to 017), the old application writes by rules of its own, and what 024 refuses
-- is let through. Whatever its rules are, it shows no name of megabytes: from a user, who may write beside it, texts
-- beyond any application's are refused already then. With the old columns 017 drops the triggers, and 024's rules take
-- over.

-- Only what is new or has changed is looked at, as in 024. The owner, whose migration moves rows of before, is not
-- asked, nor is who goes round the policies.
create function tales.check_sizes() returns trigger
language plpgsql set search_path = '' as $$
declare
    is_new constant boolean := tg_op = 'INSERT';
    most constant integer := 40000;
    refused text;
begin
    if not row_security_active(tg_relid) or pg_has_role(
        current_user, (select relowner from pg_catalog.pg_class where oid = tg_relid), 'member'
    ) then
        return new;
    end if;
    case tg_table_name
    when 'children' then
        refused := case
            when (is_new or new.name is distinct from old.name) and octet_length(new.name) > most then 'name'
            when (is_new or new.gender is distinct from old.gender) and octet_length(new.gender) > most then 'gender'
            when (is_new or new.interests is distinct from old.interests)
                and pg_column_size(new.interests) > most then 'interests'
        end;
    when 'heroes' then
        refused := case
            when (is_new or new.name is distinct from old.name) and octet_length(new.name) > most then 'name'
            when (is_new or new.appearance is distinct from old.appearance)
                and octet_length(new.appearance) > most then 'appearance'
        end;
    when 'stories' then
        refused := case
            when (is_new or new.title is distinct from old.title) and octet_length(new.title) > most then 'title'
            when (is_new or new.content is distinct from old.content)
                and octet_length(new.content) > 25 * most then 'content'
            when (is_new or new.moral is distinct from old.moral) and octet_length(new.moral) > most then 'moral'
            when (is_new or new.model_used is distinct from old.model_used)
                and octet_length(new.model_used) > most then 'model_used'
            when (is_new or new.hero_appearance is distinct from old.hero_appearance)
                and octet_length(new.hero_appearance) > most then 'hero_appearance'
            when (is_new or new.relationship_description is distinct from old.relationship_description)
                and octet_length(new.relationship_description) > most then 'relationship_description'
        end;
    end case;
    if refused is not null then
        raise exception '%.% is larger than any application needs', tg_table_name, refused
            using errcode = 'check_violation', table = tg_table_name, column = refused,
                constraint = format('%s_%s_size', tg_table_name, refused);
    end if;
    return new;
end
$$;
revoke execute on function tales.check_sizes() from public;

do $$
begin
    if exists (
        select from pg_catalog.pg_attribute
        where attrelid = 'tales.stories'::regclass and attname = 'model_used' and not attisdropped
    ) then
        create trigger children_check_sizes before insert or update on tales.children
            for each row when (current_user <> 'service_role') execute function tales.check_sizes();
        create trigger heroes_check_sizes before insert or update on tales.heroes
            for each row when (current_user <> 'service_role') execute function tales.check_sizes();
        create trigger stories_check_sizes before insert or update on tales.stories
            for each row when (current_user <> 'service_role') execute function tales.check_sizes();
    end if;
end
$$;
