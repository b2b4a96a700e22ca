"""Which events on our kinds are news: a new object, another spec, an end; not a status of ours."""

from collections.abc import Mapping
from typing import Any


class Generations:
    """Remembers the generation of every object that is there."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def is_news(self, kind: str | None, meta: Mapping[str, Any]) -> bool:
        """Say whether an event of *kind* on the object of *meta* is about more than its status."""
        uid, generation = meta.get("uid", ""), meta.get("generation", 0)
        if kind == "DELETED":
            self._seen.pop(uid, None)
            return True
        before = self._seen.get(uid)
        self._seen[uid] = int(generation)
        return before is None or before != int(generation)
