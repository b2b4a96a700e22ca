"""What a person sees while the rig works: one line per thing, and a sign of life."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

HEARTBEAT_SECONDS = 15.0


def say(line: str) -> None:
    """Write one line to the screen at once; results go to stdout, talk goes to stderr."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


@contextmanager
def doing(what: str) -> Iterator[Callable[[str], None]]:
    """Say that *what* begins and how long it took, and beat while it lasts.

    The yielded function replaces the word "done" at the end.
    """
    began = time.monotonic()
    outcome = ["done"]
    over = threading.Event()
    say(f"{what} …")
    thread = threading.Thread(target=_beat, args=(what, began, over), daemon=True)
    thread.start()
    try:
        yield lambda text: outcome.__setitem__(0, text)
    except BaseException:
        outcome[0] = "failed"
        raise
    finally:
        over.set()
        thread.join()
        say(f"{what}: {outcome[0]} after {time.monotonic() - began:.0f} s")


def _beat(what: str, began: float, over: threading.Event) -> None:
    while not over.wait(HEARTBEAT_SECONDS):
        say(f"{what}: still at it after {time.monotonic() - began:.0f} s")
