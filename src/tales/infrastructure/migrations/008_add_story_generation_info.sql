-- Further facts about the call (legacy: moved to generations by 016).

alter table tales.stories add column generation_info jsonb;
