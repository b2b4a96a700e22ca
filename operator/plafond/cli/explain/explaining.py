"""From facts to an explanation, purely: the same facts are explained in the same words."""

from plafond.cli.explain.case import Case, case_of
from plafond.cli.explain.explanation import Counts, Explanation, Moved, Rule
from plafond.cli.explain.facts import Facts, Live
from plafond.cli.explain.figures import figures
from plafond.cli.explain.lifts import lifts
from plafond.cli.explain.prospects import prospects
from plafond.cli.explain.troubles import troubles
from plafond.cli.explain.unknowns import demand_gap
from plafond.model.policy import Mode

CARRIED = "every limit carries what demand asks for"
UNGOVERNED = "no policy scales it, so nothing limits it"
IGNORED = "it carries plafond.dev/ignore, so it is neither scaled nor limited"
LISTED = "a ceiling is in force, and nothing that could be read says why"


def explain(live: Live, facts: Facts) -> Explanation:
    """Explain the workload *live* by *facts*."""
    case = case_of(live.id, facts)
    rule = _rule(case, live)
    return Explanation(
        now=facts.now,
        workload=live.id,
        headline=_headline(case, rule, live),
        mode=case.mode.value if case.mode is not None else None,
        policies=tuple(each.policy.name for each in case.governing),
        workload_class=_class(case),
        ceiling=case.ceiling,
        is_in_force=case.is_in_force,
        counts=_counts(case, live),
        rule=rule,
        numbers=figures(case),
        next=prospects(case),
        lifts=lifts(case, rule.reason),
        troubles=troubles(case),
        unread=facts.unread,
        scaled_by=facts.scaled_by,
        is_over_budget=any(each.is_over_budget for each in case.governing)
        or any(position.is_exhausted for position in case.positions),
    )


def _rule(case: Case, live: Live) -> Rule:
    moves = tuple(Moved(*each) for each in case.moves)
    if not case.governing and not case.is_in_force:
        return Rule(None, IGNORED if live.is_ignored else UNGOVERNED)
    if case.reason is not None:
        return Rule(case.reason, case.reason.sentence, case.limit, moves)
    if not case.governing or (case.listed is None and case.rationale is None):
        return Rule(None, f"{LISTED} but this: {case.facts.why}" if case.facts.why else LISTED)
    return Rule(None, CARRIED, case.limit, moves)


def _headline(case: Case, rule: Rule, live: Live) -> str:
    name = f"{live.id.namespace}/{live.id.name}"
    limit = f" ({rule.limit})" if rule.limit is not None else ""
    if case.ceiling is None:
        return f"{name} has no ceiling: {rule.sentence}{limit}"
    would = "would be allowed" if case.mode is Mode.OBSERVE else "may have"
    replicas = "1 replica" if case.ceiling == 1 else f"{case.ceiling} replicas"
    return f"{name} {would} {replicas}: {rule.sentence}{limit}"


def _counts(case: Case, live: Live) -> Counts:
    rationale = case.rationale
    return Counts(
        running=live.replicas,
        ready=live.ready,
        # While demand cannot be read this is what runs, or what was asked for before.
        recommended=case.recommended if demand_gap(case) is None else None,
        desired=case.desired,
        floor=rationale.floor if rationale else None,
        funded_floor=case.memory.funded_floor,
        class_maximum=rationale.most if rationale else None,
    )


def _class(case: Case) -> str | None:
    if case.listed is not None and case.listed.workload_class is not None:
        return case.listed.workload_class
    return case.rationale.workload_class.value if case.rationale else None
