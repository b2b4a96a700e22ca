"""Elements of HTML and SVG, well-formed also as XML, in which every text is escaped."""

import re
from collections.abc import Iterable
from html import escape

LONGEST_TEXT = 600
# What XML cannot hold, and halves of characters that UTF-8 cannot.
UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Markup(str):
    """A string that is markup already; any other string is text, and is escaped."""

    __slots__ = ()


def text(said: str) -> Markup:
    """Return *said* as text of a page: escaped, printable, and not endless."""
    shown = said if len(said) <= LONGEST_TEXT else f"{said[: LONGEST_TEXT - 1]}…"
    return Markup(escape(UNPRINTABLE.sub("\ufffd", shown)))


def element(name: str, /, *content: str, **attributes: str) -> Markup:
    """Return an element; `class_` is the attribute class, and `_` in a name stands for `-`."""
    said = "".join(f' {_name(key)}="{joined((value,))}"' for key, value in attributes.items())
    if not content:
        return Markup(f"<{name}{said}/>")
    return Markup(f"<{name}{said}>{joined(content)}</{name}>")


def joined(parts: Iterable[str]) -> Markup:
    """Return *parts* one after another; those that are not markup are escaped."""
    return Markup("".join(part if isinstance(part, Markup) else text(part) for part in parts))


def _name(key: str) -> str:
    # SVG writes some attributes in camel case; those arrive as they are.
    return key.rstrip("_").replace("_", "-")
