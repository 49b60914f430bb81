-- squawk-ignore-file ban-drop-table, ban-drop-function

drop trigger generations_tell_of_cancelled_attempt on tales.generations;
drop function tales.tell_of_cancelled_attempt();
drop trigger generations_forget_live_text on tales.generations;
drop function tales.forget_live_text();
drop table tales.live_text;
