"""
What a rolling window holds, and when it lets go of it.

A bucket counts whole until the last of it is older than the window, so what is in the window is
never too little. What falls out at about the same time is put together, and then falls out when the
last of it does: money is promised late rather than early.
"""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from itertools import groupby

from plafond.account.ledger import EPOCH
from plafond.model.budget import FallsOut
from plafond.model.ledger import Bucket
from plafond.model.money import ZERO
from plafond.model.window import Span

# So many moments in a window, however many buckets it has.
MOST_STEPS = 100


def rolled(buckets: tuple[Bucket, ...], span: Span) -> tuple[Decimal, tuple[FallsOut, ...]]:
    """
    Return what *buckets* hold of the window *span* that ends now, and when it falls out.

    What is in the bucket of now, or after it (the clock stepped back), stays for the whole window.
    """
    first = bisect_right(buckets, span.start, key=lambda bucket: bucket.end)
    inside = buckets[first:]
    value = sum((bucket.value for bucket in inside), ZERO)
    leaving = (each for each in inside if each.end < span.end and each.value)
    return value, tuple(_falling_out(leaving, span))


def _falling_out(buckets: Iterable[Bucket], span: Span) -> Iterable[FallsOut]:
    # Steps lie on a grid of their own: where they are does not change from pass to pass.
    step = max(span.length / MOST_STEPS, timedelta(microseconds=1))
    for _, group in groupby(buckets, key=lambda bucket: (bucket.end - EPOCH) // step):
        leaving = tuple(group)
        total = sum((bucket.value for bucket in leaving), ZERO)
        yield FallsOut(leaving[-1].end - span.start, total)
