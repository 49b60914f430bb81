drop table tales.heroes;
