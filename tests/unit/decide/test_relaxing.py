"""What loosens a limit, and what is left of a write without that."""

from dataclasses import replace
from decimal import Decimal

from tests.builders import TEAM, namespace, workload_id

from plafond.decide.plan import ClearCeilings, ClearQuota, ScaleTo, SetCeilings, SetQuota
from plafond.decide.relaxing import without_relaxing
from plafond.model.snapshot import Quota

A, B = workload_id("a"), workload_id("b")
IN_FORCE = namespace(a=4, b=4)
GPUS, AMD = "requests.nvidia.com/gpu", "requests.amd.com/gpu"
STANDING = Quota("uid", {GPUS: Decimal(8)}, is_ours=True)


def scale(before, after):
    return ScaleTo(A, "uid-a", "1", before, after)


def test_a_lower_count_stays_and_a_higher_one_waits():
    assert without_relaxing(scale(4, 2), IN_FORCE) == scale(4, 2)
    assert without_relaxing(scale(2, 4), IN_FORCE) is None


def test_of_ceilings_only_what_is_lower_or_new_is_written():
    wished = SetCeilings(TEAM, {A: 2, B: 9}, "why")

    assert without_relaxing(wished, IN_FORCE) == SetCeilings(TEAM, {A: 2, B: 4}, "why")


def test_a_ceiling_that_would_be_left_out_stays():
    assert without_relaxing(SetCeilings(TEAM, {A: 4}, "why"), IN_FORCE).ceilings == {A: 4, B: 4}


def test_the_first_ceilings_are_no_relaxing():
    first = SetCeilings(TEAM, {A: 7}, "why")

    assert without_relaxing(first, namespace()) == first


def test_nothing_is_taken_off():
    assert without_relaxing(ClearCeilings(TEAM), IN_FORCE) is None
    assert without_relaxing(ClearQuota(TEAM, "uid"), IN_FORCE) is None


def limited(**hard):
    """A namespace with our quota."""
    names = {"gpu": GPUS, "amd": AMD}
    bounds = {names[name]: Decimal(most) for name, most in hard.items()}
    return replace(IN_FORCE, quota=Quota("uid", bounds, is_ours=True))


def test_a_quota_falls_but_does_not_rise():
    assert without_relaxing(SetQuota(TEAM, {GPUS: 9}, STANDING), limited(gpu=8)).hard == {GPUS: 8}
    assert without_relaxing(SetQuota(TEAM, {GPUS: 2}, STANDING), limited(gpu=8)).hard == {GPUS: 2}
    assert without_relaxing(SetQuota(TEAM, {GPUS: 2}, None), IN_FORCE).hard == {GPUS: 2}


def test_the_second_of_two_writes_does_not_take_the_first_ones_rise_for_granted():
    between = Quota("uid", {GPUS: Decimal(8), AMD: Decimal(8)}, is_ours=True)
    second = SetQuota(TEAM, {GPUS: 8, AMD: 4}, between)

    assert without_relaxing(second, limited(gpu=4, amd=8)).hard == {GPUS: 4, AMD: 4}


def test_a_bound_that_would_be_left_out_stays():
    wished = SetQuota(TEAM, {GPUS: 2}, STANDING)

    assert without_relaxing(wished, limited(gpu=8, amd=4)).hard == {GPUS: 2, AMD: 4}
