"""What the conditions of a policy say: each in every state that it can have."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.builders import HOUR, NOW, SECOND, budget, concurrency, fixed, policy, sheet, target
from tests.unit.report.support import part_of

from plafond.model.gap import Gap
from plafond.model.history import Untold
from plafond.model.money import TOKENS
from plafond.model.policy import InvalidPolicy, Mode
from plafond.report.conditions import (
    Condition,
    Observed,
    Truth,
    conditions,
    excluded,
    invalid,
    written,
)

TYPES = ["Ready", "WithinBudget", "Enforcing", "MetricsAvailable"]
BAD_ZONE = InvalidPolicy("team-a", "limits", "uid", 3, "spec.budgets[0]", "no such time zone")


def said(part, observed=None):
    """Return what each condition says, by its type."""
    return {c.type: (c.status, c.reason) for c in conditions(part, observed or Observed())}


def test_every_type_is_there_from_the_first_pass_on():
    assert [c.type for c in conditions(part_of(), Observed())] == TYPES


def test_a_policy_as_it_should_be():
    assert said(part_of()) == {
        "Ready": (Truth.TRUE, "Evaluated"),
        "WithinBudget": (Truth.TRUE, "WithinBudget"),
        "Enforcing": (Truth.TRUE, "Enforcing"),
        "MetricsAvailable": (Truth.TRUE, "NotNeeded"),
    }


def test_ready_counts_the_workloads_of_this_policy_alone():
    both = (
        policy("chat", targets=(target("chat"),)),
        policy("limits", targets=(target("chat"), target("embedder"))),
    )

    messages = [conditions(part_of(*both, name=p.name), Observed())[0].message for p in both]

    assert messages == ["1 workload is evaluated", "2 workloads are evaluated"]


def test_over_budget_is_told_with_its_numbers_and_is_not_unready():
    # Three replicas at 4.00 for an hour are 12.00.
    found = conditions(part_of(policy(budgets=(budget("10"),))), Observed())

    assert found[0].status is Truth.TRUE
    assert found[1] == Condition(
        "WithinBudget",
        Truth.FALSE,
        "BudgetExhausted",
        "budget launch: 12.00 EUR of 10.00 EUR spent (120 %), until 2026-11-16T21:00:00Z",
    )


def test_the_fullest_budget_speaks():
    budgets = (budget("1000", name="wide"), budget("24", name="tight"))

    found = conditions(part_of(policy(budgets=budgets)), Observed())[1]

    assert (found.reason, "budget tight" in found.message) == ("WithinBudget", True)


@pytest.mark.parametrize(
    ("budgets", "reason"),
    [
        pytest.param((), "NoBudget", id="no budget at all"),
        pytest.param(
            (budget(window=fixed(NOW + timedelta(days=1))),), "NoOpenBudget", id="not open yet"
        ),
    ],
)
def test_without_an_open_budget_nothing_can_be_exceeded(budgets, reason):
    assert said(part_of(policy(budgets=budgets)))["WithinBudget"] == (Truth.TRUE, reason)


def test_the_budget_of_a_neighbor_is_not_ours():
    ours, theirs = policy("limits", budgets=(budget(),)), policy("x", budgets=(budget("10"),))

    assert said(part_of(ours, theirs))["WithinBudget"] == (Truth.TRUE, "WithinBudget")
    assert said(part_of(ours, theirs, name="x"))["WithinBudget"][0] is Truth.FALSE


def test_a_currency_without_prices_leaves_everything_alone_and_says_so():
    found = {c.type: c for c in conditions(part_of(sheets=()), Observed())}

    why = "there is no price sheet in EUR"
    assert found["Ready"] == Condition("Ready", Truth.FALSE, "PriceMissing", why)
    assert found["WithinBudget"].status is Truth.UNKNOWN
    assert found["Enforcing"].status is Truth.FALSE


def test_a_workload_without_a_price_is_named_with_how_many_more():
    unpriced = sheet(nodes=())

    (ready, *_) = conditions(part_of(sheets=(unpriced,)), Observed())

    assert (ready.status, ready.reason) == (Truth.FALSE, "PriceUnknown")
    assert ready.message.startswith("chat and 1 more has no usable price: ")


def test_tokens_that_are_still_measured_are_no_alarm():
    tokens = policy(budgets=(budget("9000", unit=TOKENS),))

    (ready, *_) = conditions(part_of(tokens), Observed())

    assert (ready.status, ready.reason) == (Truth.TRUE, "MeasuringTokens")
    assert not ready.is_alarming
    assert ready.message == (
        "chat and 1 more keeps what runs until it has shown its use: tokens: 0 of the 3 stretches "
        "in which its replicas must have worked are measured"
    )


def test_a_missing_price_is_told_before_tokens_that_are_still_measured():
    limits = policy(budgets=(budget("9000"), budget("9000", unit=TOKENS, name="tokens")))

    (ready, *_) = conditions(part_of(limits, sheets=(sheet(nodes=()),)), Observed())

    assert (ready.status, ready.reason) == (Truth.FALSE, "PriceUnknown")
    assert "tokens" not in ready.message


def test_observe_mode_enforces_nothing_and_that_is_no_alarm():
    found = conditions(part_of(policy(mode=Mode.OBSERVE)), Observed())[2]

    assert (found.status, found.reason, found.is_alarming) == (Truth.FALSE, "ObserveMode", False)


def test_a_write_that_failed_is_why_nothing_is_enforced():
    found = conditions(part_of(), Observed(write_trouble="403 no"))[2]

    assert found == Condition("Enforcing", Truth.FALSE, "WriteFailed", "403 no")
    assert found.is_alarming


@pytest.mark.parametrize(
    ("scaling", "gap", "status", "reason"),
    [
        pytest.param(None, None, Truth.TRUE, "NotNeeded", id="scales by nothing"),
        pytest.param(None, Gap("lost"), Truth.FALSE, "MetricsUnavailable", id="an HPA's are lost"),
        pytest.param(concurrency(), None, Truth.TRUE, "MetricsRead", id="all are read"),
        pytest.param(
            concurrency(), Gap("no answer"), Truth.FALSE, "MetricsUnavailable", id="missing"
        ),
    ],
)
def test_metrics_are_available_or_not_needed(scaling, gap, status, reason):
    part = part_of(policy(scaling=scaling))

    assert said(part, Observed(metrics_gap=gap))["MetricsAvailable"] == (status, reason)


def test_whoever_limits_tokens_needs_their_meter():
    part = part_of(policy(budgets=(budget("9000", unit=TOKENS),)))

    assert said(part)["MetricsAvailable"] == (Truth.TRUE, "MetricsRead")


@pytest.mark.parametrize(
    ("found", "reason", "message", "enforced"),
    [
        pytest.param(
            invalid(BAD_ZONE),
            "InvalidSpec",
            "spec.budgets[0]: no such time zone",
            "what is in force stays; nothing is raised",
            id="invalid",
        ),
        pytest.param(
            excluded("kube-system"),
            "NamespaceExcluded",
            "kube-system is a system namespace or excluded by configuration; it is never governed",
            "workloads are left alone",
            id="excluded",
        ),
    ],
)
def test_what_retrying_cannot_help_is_stalled(found, reason, message, enforced):
    by_type = {c.type: c for c in found}

    assert list(by_type) == [*TYPES, "Stalled"]
    assert by_type["Ready"] == Condition("Ready", Truth.FALSE, reason, message)
    assert by_type["Stalled"] == Condition("Stalled", Truth.TRUE, reason, message)
    assert by_type["WithinBudget"].status is by_type["MetricsAvailable"].status is Truth.UNKNOWN
    assert by_type["Enforcing"] == Condition("Enforcing", Truth.FALSE, reason, enforced)


READY = Condition("Ready", Truth.TRUE, "Evaluated", "fine")
BEFORE = {
    "type": "Ready",
    "status": "True",
    "observedGeneration": 1,
    "lastTransitionTime": "2026-11-01T00:00:00Z",
    "reason": "Evaluated",
    "message": "was fine",
}


def test_a_transition_time_stays_while_the_status_stays():
    later = Condition("Ready", Truth.TRUE, "Different", "still fine")

    assert written([later], [BEFORE], 7, NOW + SECOND) == [
        {
            **BEFORE,
            "observedGeneration": 7,
            "reason": "Different",
            "message": "still fine",
        }
    ]


@pytest.mark.parametrize(
    "before",
    [
        pytest.param([], id="first time"),
        pytest.param([{**BEFORE, "status": "False"}], id="other status"),
        pytest.param([{"type": "Ready", "status": "True"}], id="somebody left the time out"),
        pytest.param([{}], id="nonsense"),
    ],
)
def test_a_transition_time_is_now_when_the_status_is_new(before):
    (found,) = written([READY], before, 1, NOW)

    assert found["lastTransitionTime"] == "2026-11-16T12:00:00Z"


def test_what_is_not_said_any_more_is_gone():
    stalled = {**BEFORE, "type": "Stalled"}

    assert [c["type"] for c in written([READY], [BEFORE, stalled], 1, NOW)] == ["Ready"]


def test_a_message_is_one_line_that_fits():
    long = Condition("Ready", Truth.FALSE, "Long", "a\nb\x00c" + "x" * 2000)

    (found,) = written([long], [], 1, NOW)

    assert found["message"].startswith("a b cxxx")
    assert (len(found["message"]), found["message"][-1]) == (1024, "…")


def with_account(**more):
    """A part of a policy that is within its budget, and what else is known of its account."""
    part = part_of(policy(budgets=(budget("1000"),)))
    account = replace(part.judgement.account, **more)
    return replace(part, judgement=replace(part.judgement, account=account))


UNREAD = Gap("history: Prometheus does not answer")
STRETCH = "counted is what still ran later of what was spent from 2026-11-16T09:00:00Z to"


@pytest.mark.parametrize(
    ("why", "is_awaited", "reason", "words"),
    [
        pytest.param(UNREAD, True, "WithinBudget", "", id="it is waited for"),
        pytest.param(UNREAD, False, "HistoryMissing", f"{STRETCH}", id="it was waited for"),
        pytest.param(None, False, "WithinBudget", f"; {STRETCH}", id="nobody knows"),
    ],
)
def test_what_was_spent_before_it_was_counted_is_told(why, is_awaited, reason, words):
    untold = Untold(NOW - 3 * HOUR, NOW, why, is_awaited)

    found = conditions(with_account(untold=untold), Observed())[1]

    assert found.reason == reason
    assert found.status is (Truth.UNKNOWN if reason == "HistoryMissing" else Truth.TRUE)
    assert words in found.message
    assert (UNREAD.why in found.message) is (reason == "HistoryMissing")


def test_a_pod_that_ended_without_a_price_is_told():
    found = conditions(with_account(owing={"EUR": Gap("its node is not known")}), Observed())[0]

    assert (found.status, found.reason) == (Truth.FALSE, "PriceUnknown")
    assert found.message.endswith("so the spend is too low: its node is not known")
