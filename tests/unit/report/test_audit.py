"""The audit log: one line of JSON per changed decision, and silence otherwise."""

import json
import logging

import pytest
from tests.builders import NOW, SECOND, budget, policy, target
from tests.unit.report.support import CHAT, decided

from plafond.model.policy import Mode
from plafond.report.audit import AuditLog


@pytest.fixture
def lines(caplog):
    """Return what was written since the last call, parsed."""
    caplog.set_level(logging.INFO, logger="plafond.audit")

    def found():
        parsed = [json.loads(record.getMessage()) for record in caplog.records]
        caplog.clear()
        return parsed

    return found


def test_a_line_says_what_was_decided_and_by_which_numbers(lines):
    log = AuditLog()
    # 8.00 an hour carry the embedder, which is not a target, and one of two replicas of chat.
    cheap = policy(budgets=(budget("412"),), cost_per_hour="8.00", targets=(target("chat"),))

    log.record(decided(cheap).judgements, NOW)

    (line,) = lines()
    assert line.pop("moves")[-1] == "CostPerHourCeiling: 2 to 1"
    (limit,) = line.pop("limits").items()
    assert (limit[0], limit[1]["unit"], limit[1]["remaining"]) == (
        "limits/launch",
        "EUR",
        "400.000000",
    )
    assert line == {
        "time": "2026-11-16T12:00:00+00:00",
        "namespace": "team-a",
        "policies": ["limits"],
        "mode": "Enforce",
        "workload": "deployments.apps/chat",
        "class": "Warm",
        "observed": 2,
        "recommended": 2,
        "desired": 1,
        "ceiling": 1,
        "limit": "limits/ceilings.costPerHour",
    }


def test_an_unchanged_world_is_silent(lines):
    log = AuditLog()
    log.record(decided().judgements, NOW)
    assert len(lines()) == 2

    log.record(decided().judgements, NOW + SECOND)

    assert lines() == []


def test_only_the_decision_that_changed_is_said(lines):
    log = AuditLog()
    log.record(decided(policy()).judgements, NOW)
    lines()

    log.record(decided(policy(targets=(target("chat"),), cost_per_hour="8")).judgements, NOW)

    assert [line["workload"] for line in lines()] == [str(CHAT.id)]


def test_a_workload_in_two_observing_policies_is_said_for_both(lines):
    log = AuditLog()
    two = (policy("a", mode=Mode.OBSERVE), policy("b", mode=Mode.OBSERVE))
    for _ in range(2):
        log.record(decided(*two, workloads=(CHAT,)).judgements, NOW)

    assert [line["policies"] for line in lines()] == [["a"], ["b"]]


def test_a_workload_that_left_and_came_back_is_said_again(lines):
    log = AuditLog()
    for judgements in (decided().judgements, (), decided().judgements):
        log.record(judgements, NOW)

    assert len(lines()) == 4


def test_nothing_is_remembered_of_what_is_gone():
    log = AuditLog()
    log.record(decided().judgements, NOW)

    log.record((), NOW)

    assert log._said == {}  # noqa: SLF001 - its size is the point
