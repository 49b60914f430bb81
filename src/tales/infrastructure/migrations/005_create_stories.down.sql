-- What 017 and 022 down set aside for the way up goes with the stories that it belongs to.

drop table if exists tales.generations_archive;
drop table if exists tales.sequels;
drop table tales.stories;
