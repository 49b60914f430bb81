alter table tales.stories drop column rating;
