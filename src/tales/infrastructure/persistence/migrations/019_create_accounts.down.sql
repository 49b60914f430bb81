drop table tales.accounts;
