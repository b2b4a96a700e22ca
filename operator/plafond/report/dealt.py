"""Pure: which rows are shown where there are too many, so that no namespace hides another's."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeVar

Row = TypeVar("Row")
Key = tuple[str, ...]


def dealt(rows: Iterable[Row], key: Callable[[Row], Key], most: int) -> list[Row]:
    """
    Return *most* of *rows*, dealt out in turn to the namespaces, which *key* begins with.

    The same rows are shown in every pass: in a namespace those with the least keys come first.
    """
    turn: Counter[str] = Counter()
    turns: list[tuple[int, Key, Row]] = []
    for row in sorted(rows, key=key):
        named = key(row)
        turns.append((turn[named[0]], named, row))
        turn[named[0]] += 1
    if len(turns) > most:
        turns.sort(key=lambda each: each[:2])
    return [row for _, _, row in turns[:most]]
