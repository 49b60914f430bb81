-- Takes away only an `auth` schema that Tales made itself.

do $$
begin
    if obj_description(to_regnamespace('auth'), 'pg_namespace') = 'Made by Tales' then
        drop schema auth cascade;
    end if;
end
$$;
