"""A story as an electronic book (EPUB 3.3): a ZIP of a few small files, which the standard library writes whole.

The maintained libraries for it are under the AGPL.
"""

from __future__ import annotations

import io
import zipfile
from datetime import datetime
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from tales.domain.story import Story

MEDIA_TYPE = "application/epub+zip"
_RIGHT_TO_LEFT = frozenset({"ar"})
_FILES = {
    "META-INF/container.xml": "epub/container.xml",
    "EPUB/package.opf": "epub/package.opf",
    "EPUB/nav.xhtml": "epub/nav.xhtml",
    "EPUB/story.xhtml": "epub/story.xhtml",
    "EPUB/style.css": "epub/style.css",
}


def make_book(story: Story, paragraphs: list[str], language: str) -> bytes:
    """The bytes of the book."""
    facts = {
        "id": story.id,
        "title": _for_xml(story.title),
        "paragraphs": [_for_xml(text) for text in paragraphs],
        "language": language,
        "direction": "rtl" if language in _RIGHT_TO_LEFT else "ltr",
        "modified": story.updated_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    book = io.BytesIO()
    with zipfile.ZipFile(book, "w") as archive:
        # First, and as it is: so a reader knows the file by its first bytes (section 4.2.6.2).
        archive.writestr(_entry("mimetype", story.updated_at, zipfile.ZIP_STORED), MEDIA_TYPE)
        for name, template in _FILES.items():
            text = _environment().get_template(template).render(facts)
            archive.writestr(_entry(name, story.updated_at, zipfile.ZIP_DEFLATED), text)
    return book.getvalue()


def _entry(name: str, moment: datetime, compression: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, moment.timetuple()[:6])
    entry.compress_type = compression
    return entry


def _for_xml(text: str) -> str:
    """`text` without the characters that no XML can hold (XML 1.0, section 2.2)."""
    return "".join(
        char
        for char in text
        if char in "\t\n" or (char >= " " and char not in "\ufffe\uffff" and not "\ud800" <= char <= "\udfff")
    )


@cache
def _environment() -> Environment:
    return Environment(loader=PackageLoader("tales.interfaces.web"), autoescape=True, undefined=StrictUndefined)
