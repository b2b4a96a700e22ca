"""Recordings are played as steps."""

from pathlib import Path

from e2e.rig import demand
from e2e.rig.demand import read_recording, recording

TWO_DAYS = Path(demand.__file__).parent / "demand" / "two-days.csv"


def test_a_step_lasts_until_the_next():
    played = recording([(0, "chat", 2), (60, "chat", 5)])

    assert [played.at(offset)["chat"] for offset in (-1, 0, 59, 60, 119, 120)] == [0, 2, 2, 5, 5, 0]


def test_workloads_are_called_as_the_cluster_calls_them():
    played = recording([(0, "chat", 2), (0, "embed", 1)]).renamed({"chat": "ai/chat"})

    assert played.at(0) == {"ai/chat": 2, "embed": 1}


def test_two_days_are_forty_eight_hours_of_two_workloads():
    played = read_recording(TWO_DAYS)

    assert sorted(played.steps) == ["chat", "embed"]
    assert {len(steps.offsets_seconds) for steps in played.steps.values()} == {48}
    assert (played.row_seconds, played.ends_at) == (3600, 48 * 3600)
