-- Columns that every row must have and that no program fills by itself: they would refuse every new story, child and
-- hero.
-- The default is there only for the rows that exist already.

alter table tales.stories add column tenant text not null default 'legacy';
alter table tales.stories alter column tenant drop default;
alter table tales.children add column tenant text not null default 'legacy';
alter table tales.children alter column tenant drop default;
alter table tales.heroes add column tenant text not null default 'legacy';
alter table tales.heroes alter column tenant drop default;
