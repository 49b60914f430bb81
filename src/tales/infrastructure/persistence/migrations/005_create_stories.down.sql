drop table tales.stories;
