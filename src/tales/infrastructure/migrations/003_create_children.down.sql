drop table tales.children;
