"""Delays between retries."""

from plafond.observe.backoff import Backoff


def test_delays_double_up_to_the_limit_with_jitter():
    backoff = Backoff(first_seconds=1, limit_seconds=8)

    delays = [backoff.next_seconds() for _ in range(6)]

    for delay, whole in zip(delays, (1, 2, 4, 8, 8, 8), strict=True):
        assert whole / 2 <= delay <= whole


def test_a_success_begins_anew():
    backoff = Backoff(first_seconds=1, limit_seconds=8)
    for _ in range(5):
        backoff.next_seconds()

    backoff.reset()

    assert backoff.next_seconds() <= 1


def test_an_endless_outage_does_not_overflow():
    backoff = Backoff()

    assert max(backoff.next_seconds() for _ in range(5_000)) <= backoff.limit_seconds
