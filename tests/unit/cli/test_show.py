"""How an explanation and an overview look: text without colour off a terminal, stable JSON."""

import io
import json
from datetime import timedelta

import pytest
from rich.console import Console
from tests.builders import DAY, HOUR, MINUTE, NOW, SECOND, budget, fixed
from tests.unit.cli.support import LATER, explained, facts
from tests.unit.decide.test_rationale import busy, ten_hours

from plafond.cli.show import as_json
from plafond.cli.show.text import show_explanation, show_overview
from plafond.cli.show.words import age, span, until
from plafond.model.money import TOKENS

WORLD = busy(ten_hours("200"))


def printed(show, value, **options):
    out = io.StringIO()
    show(Console(file=out, highlight=False, width=400, **options), value)
    return out.getvalue()


def test_a_person_reads_the_ceiling_the_rule_the_numbers_what_comes_and_what_lifts():
    text = printed(show_explanation, explained(WORLD))

    lines = text.splitlines()
    assert lines[0].startswith("team-a/llm may have 5 replicas: the budget carries no more")
    assert "  Limit      budget launch of policy limits" in lines
    assert "  Moves      Squeezed 10 → 9, BudgetCeiling 9 → 5" in lines
    for heading in ("Numbers", "What comes next", "What would lift it"):
        assert heading in lines
    assert "ledger   12s ago" in text
    assert "\x1b" not in text


def test_tokens_are_read_as_they_are_written():
    world = busy(budget("250000000", unit=TOKENS, window=fixed(NOW, 10 * HOUR)))

    explanation = printed(show_explanation, explained(world))
    overview = printed(show_overview, facts(world).policies)

    assert "250M tokens " in explanation
    assert "25M tokens/h" in explanation
    assert overview.splitlines()[1].split()[5:9] == ["0", "tokens", "250M", "tokens"]
    numbers = as_json.explanation(explained(world))["numbers"]
    assert numbers[0]["value"] == "250000000"


def test_a_command_is_never_broken_so_that_it_can_be_copied():
    text = printed(show_explanation, explained(WORLD))

    (command,) = [line for line in text.splitlines() if "kubectl patch" in line]
    assert command.endswith("}]'")


def test_on_a_terminal_there_is_colour_and_no_color_is_obeyed(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[1m" in printed(show_explanation, explained(WORLD), force_terminal=True)
    monkeypatch.setenv("NO_COLOR", "1")
    said = explained(busy(ten_hours("200")), unread=("something",))
    assert "\x1b[31m" not in printed(show_explanation, said, force_terminal=True)


def test_the_overview_has_a_line_per_budget_and_per_workload():
    text = printed(show_overview, facts(WORLD).policies)

    assert text.split("\n\n")[0].splitlines()[1].split()[:9] == (
        ["team-a", "limits", "Enforce", "launch", "0", "0", "EUR", "200", "EUR"]
    )
    assert "deployments.apps/llm   Warm    10     10      5         BudgetCeiling" in text
    assert all(line == line.rstrip() for line in text.splitlines())


def test_the_shape_of_an_explanation_does_not_change_lightly():
    found = json.loads(json.dumps(as_json.explanation(explained(WORLD))))

    assert list(found) == [
        "apiVersion", "kind", "time", "workload", "headline", "mode", "policies", "class",
        "ceiling", "ceilingInForce", "replicas", "scaledBy", "rule", "numbers", "next", "lifts",
        "troubles", "unread", "overBudget",
    ]  # fmt: skip
    assert (found["apiVersion"], found["kind"]) == ("plafond.dev/cli/v1", "Explanation")
    assert found["rule"] == {
        "reason": "BudgetCeiling",
        "sentence": "the budget carries no more replicas",
        "limit": "limits/launch",
        "moves": [
            {"reason": "Squeezed", "before": 10, "after": 9},
            {"reason": "BudgetCeiling", "before": 9, "after": 5},
        ],
    }
    assert found["numbers"][0] == {
        "name": "limits/launch: limit",
        "value": "200",
        "unit": "EUR",
        "source": "policy",
        "time": None,
    }
    assert {frozenset(each) for each in found["lifts"]} == {
        frozenset({"sentence", "command", "time"})
    }


def test_the_shape_of_an_overview_does_not_change_lightly():
    found = as_json.overview(facts(WORLD).policies, LATER)

    assert list(found) == ["apiVersion", "kind", "time", "policies", "overBudget"]
    (policy,) = found["policies"]
    assert list(policy) == [
        "namespace", "name", "mode", "time", "summary", "overBudget", "conditions", "budgets",
        "workloads",
    ]  # fmt: skip
    assert policy["workloads"][0]["limit"] == "limits/launch"


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(0), "0s"),
        (42 * SECOND, "42s"),
        (5 * MINUTE, "5m"),
        (5 * MINUTE + 3 * SECOND, "5m3s"),
        (26 * HOUR, "1d2h"),
        (DAY, "1d"),
        (-SECOND, "0s"),
    ],
)
def test_spans_are_written_as_kubectl_writes_ages(length, text):
    assert span(length) == text


def test_a_moment_is_seen_from_now():
    assert until(NOW + MINUTE, NOW) == "in 1m, 2026-11-16T12:01:00Z"
    assert until(NOW, NOW) == "due since 2026-11-16T12:00:00Z"
    assert until(None, NOW) == "now"
    assert age(None, NOW) == ""
