"""What is not as it should be, and concerns the workload: conditions, silence, what is missing."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from plafond.cli.explain.case import Case
from plafond.cli.explain.explanation import Trouble
from plafond.cli.explain.facts import Facts, Said
from plafond.model.gap import Gap
from plafond.report.condition_reason import ConditionReason

# The ledger is written every five minutes while anything changes.
SILENT_AFTER = timedelta(minutes=10)


def troubles(case: Case) -> tuple[Trouble, ...]:
    """Return them, those of policies first."""
    return (*_conditions(case), *_silence(case.facts))


def sentence_of(said: Said) -> str:
    """Return what a condition's reason means; a newer operator may know others."""
    known = said.reason in set(ConditionReason)
    return ConditionReason(said.reason).sentence if known else ""


def _conditions(case: Case) -> Iterator[Trouble]:
    for each in case.governing:
        for said in each.status.conditions:
            # Stalled repeats what Ready says.
            if said.is_alarming and said.type != "Stalled":
                subject = f"{said.type} of policy {each.policy.name} is False"
                yield Trouble(subject, said.reason, sentence_of(said), said.message)


def _silence(facts: Facts) -> Iterator[Trouble]:
    last = last_sign(facts)
    if last is not None and facts.now - last > SILENT_AFTER:
        sentence = (
            "nothing was written for a while: the operator is dead, or nothing has changed; "
            "ceilings hold, and budgets are not followed while it is dead"
        )
        yield Trouble("the operator", "Silent", sentence, f"the last sign is of {_stamp(last)}")


def last_sign(facts: Facts) -> datetime | None:
    """Return when the operator last wrote anything that could be read."""
    written = [each.status.at for each in facts.policies if each.status.at is not None]
    if not isinstance(facts.record, Gap) and facts.as_of is not None:
        written.append(facts.as_of)
    return max(written, default=None)


def _stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
