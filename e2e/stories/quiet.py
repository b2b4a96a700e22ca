"""What the operator writes and says, and when it has come to rest."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from e2e.rig.audit import AuditWrite
from e2e.rig.cluster import Rig
from e2e.rig.polling import poll
from e2e.rig.processes import Process
from e2e.world import utc_now

OPERATOR = "system:serviceaccount:plafond-system:plafond"
# Who leads is said again and again, and what was spent now and then, however little happens.
KEPT_UP = frozenset({"leases", "spendledgers"})


@dataclass
class Silence:
    """What was written, and what was said, while nothing should have happened."""

    writes: tuple[AuditWrite, ...] = ()
    said: str = ""

    @property
    def news(self) -> list[str]:
        """Every write beside leases and ledgers, as somebody would tell it."""
        return [_told(write) for write in self.writes if write.resource not in KEPT_UP]

    def most_of(self, resource: str) -> int:
        """Return how often that object of *resource* was written that was so most often."""
        found = Counter((w.namespace, w.name) for w in self.writes if w.resource == resource)
        return max(found.values(), default=0)


def writes_since(rig: Rig, since: datetime, namespace: str | None = None) -> tuple[AuditWrite, ...]:
    """Return what the operator wrote since then, of one namespace if named."""
    return tuple(
        write
        for write in rig.audit.writes_by(OPERATOR)
        if write.at >= since and namespace in (None, write.namespace, write.name)
    )


def comes_to_rest(rig: Rig, seconds: float, within: float, namespace: str | None = None) -> None:
    """Wait until for so many *seconds* nothing was written but leases and ledgers."""
    began, lasts = utc_now(), timedelta(seconds=seconds)

    def is_at_rest() -> bool:
        since = utc_now() - lasts
        return since >= began and not Silence(writes_since(rig, since, namespace)).news

    poll(is_at_rest, within, every=0.5, what=f"{seconds:g} s without news from the operator")


@contextmanager
def listening(rig: Rig, running: Process) -> Iterator[Silence]:
    """Note everything that the operator writes and logs while the block runs."""
    since, said = utc_now(), running.log_path.stat().st_size
    silence = Silence()
    yield silence
    silence.writes = writes_since(rig, since)
    silence.said = running.log_path.read_bytes()[said:].decode(errors="replace")


def passes(seconds: float, stays: Callable[[], bool] = lambda: True) -> None:
    """Let time pass, in which something *stays* true."""
    ends = utc_now() + timedelta(seconds=seconds)

    def is_over() -> bool:
        assert stays()
        return utc_now() >= ends

    poll(is_over, seconds + 30, every=0.5, what=f"{seconds:g} s to pass")


def _told(write: AuditWrite) -> str:
    what = f"{write.resource}/{write.subresource} {write.namespace}/{write.name}"
    return f"{write.at:%H:%M:%S.%f} {write.verb} {what}: {write.request_object}"
