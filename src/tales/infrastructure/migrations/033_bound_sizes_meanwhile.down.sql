-- squawk-ignore-file ban-drop-function

drop trigger if exists children_check_sizes on tales.children;
drop trigger if exists heroes_check_sizes on tales.heroes;
drop trigger if exists stories_check_sizes on tales.stories;
drop function if exists tales.check_sizes();
