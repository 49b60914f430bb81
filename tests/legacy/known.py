"""What 015 to 017 do not do for every shape yet, and the change that would. A line goes when it is mended."""

from __future__ import annotations

import re

LOST = (
    # 017 down takes NOT NULL from both; 017 should keep whether they had it, as it does for the columns that it drops.
    r"column tales\.stories\.(user_id|created_at): ",
    # 016 lets the owner pass its own policies, and 016 and 017 down do not bind it again.
    r"r tales\.stories: rls \w+, forced ",
    # tales.legacy_columns keeps format_type, which says nothing of a collation.
    r"column tales\.stories\.(model_used|moral|hero_appearance|relationship_description): .* collation ",
)
"""Lines of the catalog that may differ after the way back."""

FAILURES = (
    # 017 down deletes from a table that has no key: `replica identity full`, there and in 015.
    r'cannot delete from table "generations_archive" because it does not have a replica identity',
    # 016 down leaves out what is computed in stories_unowned, and not what is computed in stories.
    r"cannot insert a non-DEFAULT value into column",
    # 017 down sets NOT NULL again on what it adds, though a story that was written since may have nothing there.
    r'column "(story_length|hero_appearance|relationship_description)" of relation "stories" contains null values',
    r'column "(full_response|generation_info)" of relation "stories" contains null values',
    # `check` has a view read what moves through stories.generation_id, which 017 down drops: it names the view.
    r"cannot drop column generation_id of table tales.stories because other objects depend on it",
)
"""What ends the way up or back."""

STATEMENTS = (
    # The view that `check` writes anew reads text from generations where the dropped column was of another type.
    r"cannot change (data type|collation) of view column",
)
"""What `check` says to do, and PostgreSQL refuses."""


def is_known(text: str, patterns: tuple[str, ...]) -> bool:
    """Whether `text` tells of one of these."""
    return any(re.search(pattern, text) for pattern in patterns)
