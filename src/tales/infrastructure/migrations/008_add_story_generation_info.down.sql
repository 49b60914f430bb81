alter table tales.stories drop column generation_info;
