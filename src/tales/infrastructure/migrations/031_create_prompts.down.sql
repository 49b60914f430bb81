-- squawk-ignore-file ban-drop-table, ban-drop-function

drop function if exists tales.keep_prompt_choice(uuid, jsonb);
drop table if exists tales.prompt_choices;
drop table if exists tales.prompt_templates;
drop function if exists tales.keep_used_prompts();
