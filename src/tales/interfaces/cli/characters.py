"""Who a story in the terminal is about: the child and the hero that the options name, known already or new."""

from __future__ import annotations

from dataclasses import dataclass

from tales.client import AsyncTales, Child, Hero
from tales.domain.errors import InvalidInput
from tales.domain.family import NewChild, NewHero
from tales.domain.page import MAX_PAGE
from tales.domain.story_spec import StoryType


@dataclass(frozen=True, slots=True, kw_only=True)
class Characters:
    """The options of `tales write` that say who the story is about. `age` in years."""

    story_type: StoryType
    name: str | None
    age: int | None
    likes: tuple[str, ...]
    gender: str | None
    hero: str | None
    appearance: str | None

    @classmethod
    def type_of(cls, name: str | None, hero: str | None) -> StoryType:
        """The type of story that suits the names given."""
        if hero is None:
            return StoryType.CHILD
        return StoryType.COMBINED if name else StoryType.HERO

    async def find_child(self, tales: AsyncTales) -> Child | None:
        """The child; the one of that name from last time when nothing else is said of it.

        Raises: InvalidInput.
        """
        if self.story_type is StoryType.HERO:
            return None
        if self.name is None:
            raise InvalidInput("name", 'Say for whom the story is: tales write "Mia" --age 6')
        children = [child async for child in tales.children.list(page_size=MAX_PAGE)]
        if self.age is None:
            namesakes = [child for child in children if child.name == self.name]
            if not namesakes:
                raise InvalidInput(
                    "--age", f'--age is missing. Say how old the child is: tales write "{self.name}" --age 6'
                )
            if not self.likes and not self.gender:
                return namesakes[0]
        new = NewChild(self.name, self.age if self.age is not None else namesakes[0].age, self.likes, self.gender)
        known = next((child for child in children if _facts(child) == _facts(new)), None)
        return known or await tales.children.add(new.name, new.age, interests=new.interests, gender=new.gender)

    async def find_hero(self, tales: AsyncTales) -> Hero | None:
        """The hero, known already or new. Raises: InvalidInput."""
        if self.story_type is StoryType.CHILD:
            return None
        name = self.hero or (self.name if self.story_type is StoryType.HERO else None)
        if name is None:
            raise InvalidInput("--hero", '--hero is missing. Say who the hero is: --hero "Captain Owl"')
        new = NewHero(name, self.appearance)
        heroes = [hero async for hero in tales.heroes.list(page_size=MAX_PAGE)]
        known = next((hero for hero in heroes if (hero.name, hero.appearance) == (new.name, new.appearance)), None)
        return known or await tales.heroes.add(new.name, appearance=new.appearance)


def _facts(child: Child | NewChild) -> tuple[object, ...]:
    return (child.name, child.age, child.interests, child.gender)
