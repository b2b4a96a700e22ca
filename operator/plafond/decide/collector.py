"""The collector of cyclic garbage, to which frozen values give nothing to do."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def resting_collector() -> Iterator[None]:
    """
    Let the process's collector rest; afterwards it does what it did before.

    Where only frozen values are made there are no cycles: each of them refers to what was there
    before it, and goes when nobody refers to it. Looking for cycles nevertheless means to walk
    through everything that is known, again and again: in a large cluster, for a third of a pass.
    """
    was_at_work = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_at_work:
            gc.enable()
