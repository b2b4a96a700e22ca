"""Small traces and worlds, made here: two weeks in bins of an hour, replicas of ten tokens/s."""

import gzip
from decimal import Decimal

from plafond.simulate.play import Moment, Verdict
from plafond.simulate.world import Model, Window

HEAD = "offset_s,tenant,requests,prompt_tokens,completion_tokens"
HOUR_S = 3600
MODEL = Model(tokens_per_s=10.0)


def write(path, *rows, head=HEAD):
    path.write_text("\n".join((head, *rows, "")), encoding="utf-8")
    return path


def compressed(path, text):
    path.write_bytes(gzip.compress(text.encode()))
    return path


def two_weeks(path, tokens_per_s=lambda hour: 20 + 40 * (8 <= hour % 24 < 20)):
    """A trace of one tenant whose demand depends on the hour."""
    rows = (
        f"{hour * HOUR_S},team,{HOUR_S},{tokens_per_s(hour) * HOUR_S},0" for hour in range(14 * 24)
    )
    return write(path, *rows)


def window(*demand, before=(), bin_s=60):
    """A window of these tokens a second, bin by bin, after those of *before*."""
    return Window((*before, *demand), bin_s, len(before), len(before) + len(demand))


class Fixed:
    """Asks for the counts that it was given, step by step, and then for the last one."""

    def __init__(self, *counts):
        self.counts = counts
        self.moments: list[Moment] = []

    def decide(self, moment):
        self.moments.append(moment)
        count = self.counts[min(moment.step, len(self.counts) - 1)]
        return Verdict(None, count, moment.wish)


def money(text):
    return Decimal(text)
