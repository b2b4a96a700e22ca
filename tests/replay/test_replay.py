"""On every recorded snapshot, we would still decide as we did."""

import pytest
from tests.builders import SETTINGS
from tests.possible import refuse_impossible
from tests.replay import recorded

from plafond.decide.evaluate import evaluate


@pytest.mark.parametrize("name", recorded.names())
def test_we_would_still_decide_as_we_did(name):
    evaluation = evaluate(recorded.read_snapshot(name), SETTINGS)

    assert recorded.described(evaluation) == recorded.read_decisions(name)


@pytest.mark.parametrize("name", recorded.names())
def test_a_recorded_snapshot_is_possible_and_comes_back_as_it_was(name, tmp_path, monkeypatch):
    before = recorded.read_snapshot(name)
    refuse_impossible(before)
    monkeypatch.setattr(recorded, "FOLDER", tmp_path)

    recorded.write_snapshot(name, before)

    assert recorded.read_snapshot(name) == before
