"""Brings the catalogues of the pages up to date with what templates and modules say (`make catalogues`).

A message that is new comes in without a translation, one that is said no longer goes.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

PAGES = Path(__file__).parents[1] / "src" / "tales" / "interfaces" / "web"
CATALOGUES = PAGES / "catalogues"
METHODS = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]
OPTIONS = {"**.html": {"trimmed": "true", "silent": "false"}}
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "say": None, "translatable": None}


def messages() -> Catalog:
    """All that the pages say."""
    catalogue = Catalog(charset="utf-8")
    found = extract_from_dir(PAGES, METHODS, OPTIONS, KEYWORDS)
    for file, _line, message, _comments, context in sorted(found, key=lambda one: (one[0], one[1])):
        catalogue.add(message, locations=[(file, 0)], context=context)
    return catalogue


def updated(path: Path) -> bytes:
    """The catalogue of a language as it should stand."""
    with path.open("rb") as file:
        catalogue = read_po(file, locale=path.stem)
    catalogue.update(messages(), no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    written = io.BytesIO()
    write_po(written, catalogue, width=0, omit_header=False, sort_output=True, no_location=True, ignore_obsolete=True)
    return written.getvalue()


def main() -> None:
    """Write each language's anew; with `--check`, only say whether one would change."""
    outdated = [path for path in sorted(CATALOGUES.glob("*.po")) if updated(path) != path.read_bytes()]
    if "--check" in sys.argv and outdated:
        sys.exit(f"Outdated: {', '.join(path.name for path in outdated)}. Run `make catalogues`.")
    for path in outdated:
        path.write_bytes(updated(path))


if __name__ == "__main__":
    main()
