"""Sentences for people: what, why, the number, until when."""

import pytest
from tests.builders import MINUTE, budget, concurrency, money, policy, rolling, target
from tests.unit.report.support import part_of

from plafond.decide.decision import Decision
from plafond.decide.reason import Reason
from plafond.model.workload import WorkloadClass, WorkloadId
from plafond.report.messages import amount, cut, moved, summary, told

LLM = WorkloadId("team-a", "Deployment", "llm")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        ("1.005", "EUR", "1.00 EUR"),
        ("-3", "USD", "-3.00 USD"),
        ("12.5", "gpuHours", "12.50 gpuHours"),
        ("999", "tokens", "999 tokens"),
        ("1250000", "tokens", "1.25M tokens"),
        ("250000000", "tokens", "250M tokens"),
        ("-12344", "tokens", "-12.34k tokens"),
        ("3e15", "tokens", "3000T tokens"),
    ],
)
def test_amounts_have_two_decimals_at_most_and_their_unit(value, unit, text):
    assert amount(money(value), unit) == text


def test_a_move_tells_the_counts_the_ceiling_and_the_last_reason():
    decision = Decision(LLM, WorkloadClass.HOT, 6, 6, ceiling=4)

    assert moved(decision) == "6 replicas kept (ceiling 4)"
    assert moved(decision.moved_to(4, Reason.REPLICA_CEILING)) == (
        "6 → 4 replicas (ceiling 4): the ceiling on replicas allows no more"
    )


def test_a_summary_of_a_policy_without_news():
    assert summary(part_of(policy())) == "within all limits"


def test_an_event_tells_which_limit_it_was_and_where_there_is_more():
    decision = Decision(LLM, WorkloadClass.HOT, 6, 6, ceiling=4, limit="limits/launch")

    assert told(decision.moved_to(4, Reason.BUDGET_CEILING)) == (
        "6 → 4 replicas (ceiling 4): the budget carries no more replicas "
        "(limits/launch); see: kubectl plafond explain deployments.apps/llm -n team-a"
    )


def test_a_summary_tells_where_budgets_stand_what_is_squeezed_and_what_moves():
    # 12.00 EUR are spent; the remaining 3.00 carry no replica for the nine hours left.
    text = summary(part_of(policy(budgets=(budget("15"),), scaling=concurrency())))

    assert text.startswith(
        "budget launch: 12.00 EUR of 15.00 EUR spent (80 %), until 2026-11-16T21:00:00Z; "
        "money is short: replicas run at up to 95 %, or the limit of their class, "
        "before work is refused; chat 2 → "
    )


def test_a_summary_speaks_of_no_squeeze_where_no_count_follows_demand():
    text = summary(part_of(policy(budgets=(budget("15"),))))

    assert "chat 2 → " in text
    assert "run at up to" not in text


def test_a_summary_is_about_the_policy_s_own_budgets_and_targets():
    ours = policy("limits", targets=(target("embedder"),))
    theirs = policy("x", targets=(target("chat"),), budgets=(budget("12"),))

    assert "launch" not in summary(part_of(ours, theirs))
    assert "chat" not in summary(part_of(ours, theirs))


def test_a_summary_says_why_nothing_is_decided():
    assert summary(part_of(sheets=())) == "nothing is decided: there is no price sheet in EUR"


def test_what_is_cut_off_is_shown_to_be_missing():
    assert cut("x" * 1024) == "x" * 1024
    assert cut("x" * 1025) == "x" * 1023 + "…"


def test_control_characters_cannot_forge_lines():
    assert cut("fine\r\n2026 ERROR forged \x1b[31m") == "fine  2026 ERROR forged  [31m"


def test_a_rolling_budget_is_told_by_how_far_it_looks_back():
    # Three replicas at 4.00 for an hour.
    said = summary(part_of(policy(budgets=(budget("1000", window=rolling(90 * MINUTE)),))))

    assert said.startswith("budget launch: 12.00 EUR of 1000.00 EUR spent (1 %), in the last 1h30m")
