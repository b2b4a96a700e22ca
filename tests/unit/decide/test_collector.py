"""The collector of cyclic garbage rests while a pass is evaluated: it would find nothing."""

import gc

import pytest
from tests.builders import SETTINGS
from tests.replay import recorded

from plafond.decide.collector import resting_collector
from plafond.decide.evaluate import evaluate


@pytest.mark.parametrize("name", recorded.names())
def test_a_pass_leaves_no_cycles_behind(name):
    snapshot = recorded.read_snapshot(name)
    evaluate(snapshot, SETTINGS)  # what is computed once is computed
    gc.collect()

    evaluate(snapshot, SETTINGS)

    assert gc.collect() == 0


def test_the_collector_works_again_where_a_pass_fails():
    @resting_collector()
    def fails():
        assert not gc.isenabled()
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        fails()

    assert gc.isenabled()


def test_a_collector_that_rests_already_is_not_woken():
    gc.disable()
    try:
        with resting_collector():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
