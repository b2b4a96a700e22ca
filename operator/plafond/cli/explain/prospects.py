"""What comes next: what the operator will do by itself, and when."""

from collections.abc import Iterator
from datetime import timedelta

from plafond.cli.explain.case import Case
from plafond.cli.explain.explanation import Prospect
from plafond.cli.explain.figures import plain
from plafond.cli.explain.leaving import falling, leaves_next
from plafond.cli.explain.rising import left_to_others, raised
from plafond.cli.explain.unknowns import doubt, gaps
from plafond.decide.brake import LOWERED_PER_INTERVAL, lasts
from plafond.decide.lasting import gone_after
from plafond.decide.pace import BudgetPace
from plafond.decide.probing import Probing, probe_delay
from plafond.decide.reason import Reason
from plafond.model.budget import OnExhausted
from plafond.model.policy import CostPolicy, Mode
from plafond.model.window import CalendarWindow, FixedWindow

# Unless the operator is configured otherwise, which it does not leave behind.
CHECKPOINT_INTERVAL = timedelta(minutes=5)


def prospects(case: Case) -> tuple[Prospect, ...]:
    """Return them, soonest first; what has no time comes before everything that has one."""
    found = [
        *_held(case),
        *_released(case),
        *_braked(case),
        *raised(case),
        *left_to_others(case),
        *_floor_back(case),
        *_demand(case),
        *_recorded(case),
        *_spent_up(case),
        *_windows(case),
    ]
    return tuple(sorted(found, key=lambda each: (each.at is not None, each.at or case.facts.now)))


def _held(case: Case) -> Iterator[Prospect]:
    for gap in gaps(case):
        yield Prospect(f"what runs is kept and nothing is raised until this can be read: {gap}")
    beside = None if gaps(case) else doubt(case)
    if beside is not None:
        yield Prospect(f"nothing is raised until this can be read: {beside.sentence}")
    if case.mode is Mode.OBSERVE:
        yield Prospect("nothing is written: the policy observes")


def _released(case: Case) -> Iterator[Prospect]:
    for each in case.governing:
        if each.gone_since is not None:
            at = each.gone_since + case.facts.memory.timing.release_delay
            name = each.policy.name
            yield Prospect(f"policy {name} is deleted: what it limits is released", at)


def _braked(case: Case) -> Iterator[Prospect]:
    brake, timing = case.facts.memory.brake, case.facts.memory.timing
    if brake is None or case.mode is not Mode.ENFORCE:
        return
    end = brake.since + lasts(brake, timing)
    steps = (case.facts.now - brake.since) // timing.brake_interval + 1
    following = brake.since + steps * timing.brake_interval
    if following < end:
        percent = int(LOWERED_PER_INTERVAL * 100)
        yield Prospect(f"the brake lets another {percent} % of a lowering happen", following)
    yield Prospect("the change is accepted, and the brake lets go", end)


def _floor_back(case: Case) -> Iterator[Prospect]:
    dropped = case.memory.floor_dropped_at
    if case.unfunded and dropped is not None:
        at = dropped + case.facts.memory.timing.floor_return_interval
        sentence = "its floor stays unfunded until the budget carries it with 5 % to spare"
        # After that time it is money that is waited for, and nothing is overdue.
        yield Prospect(sentence, at if at > case.facts.now else None)


def _demand(case: Case) -> Iterator[Prospect]:
    probing = _probing(case)
    began = probing.began(case.memory.probed_at, case.memory.raised_at)
    if case.reason is Reason.DEMAND_CENSORED and began is not None:
        at = began + probing.wait(case.memory.probes)
        sentence = "while it is still saturated, demand is probed for again by asking for more"
        yield from _if_ahead(Prospect(sentence, at), case)
    if case.reason is Reason.STABILIZED and case.memory.recommendations:
        last = max(case.memory.recommendations, key=lambda each: (each.replicas, each.at))
        at = last.at + _patience(case)
        yield from _if_ahead(Prospect("a lower count is followed, if demand stays low", at), case)


def _probing(case: Case) -> Probing:
    memory = case.facts.memory
    is_dear = any(a.utilization_percent or a.refuses for a in memory.allowed.values())
    delay = probe_delay(memory.timing, memory.start_delays)
    return Probing(delay, memory.timing, pressure=1.0 if is_dear else 0.0)


def _if_ahead(prospect: Prospect, case: Case) -> Iterator[Prospect]:
    # What is remembered may be older than what it foretells; then it was followed by another.
    if prospect.at is not None and prospect.at > case.facts.now:
        yield prospect


def _patience(case: Case) -> timedelta:
    found = (policy.scaling for policy in case.policies)
    scaling = next((each for each in found if each is not None), None)
    return scaling.scale_down_stabilization if scaling else timedelta(0)


def _recorded(case: Case) -> Iterator[Prospect]:
    """Yield when what is not written down yet will be."""
    as_of = case.facts.as_of
    if case.unrecorded and as_of is not None:
        at = as_of + CHECKPOINT_INTERVAL
        names = ", ".join(f"{of.policy.name}/{budget.name}" for of, budget in case.unrecorded)
        sentence = f"what {names} carries is recorded, by the next checkpoint of the ledger"
        yield Prospect(sentence, at if at > case.facts.now else None)


def _spent_up(case: Case) -> Iterator[Prospect]:
    """Yield when budgets would be exhausted, if demand and its cost stayed as they are."""
    for pace in case.paces:
        position = pace.position
        rate = min(pace.carried_rate, pace.demand)
        is_squeezed_enough = pace.utilization_percent is not None and not pace.is_clipped
        after = None if is_squeezed_enough else gone_after(position, rate)
        if after is not None and not position.is_exhausted:
            end = _at_the_end(pace)
            sentence = f"if demand stays, budget {pace.name} is exhausted: {end}"
            yield Prospect(sentence, position.now + after)


def _at_the_end(pace: BudgetPace) -> str:
    if pace.position.budget.on_exhausted is OnExhausted.STOP_ALL:
        return "everything stops"
    return "replicas fall to their funded floors"


def _windows(case: Case) -> Iterator[Prospect]:
    for policy in case.policies:
        yield from _windows_of(policy, case)
    for position in case.positions:
        leaving = leaves_next(position)
        if leaving is not None:
            yield Prospect(falling(position, leaving), position.now + leaving.after)


def _windows_of(policy: CostPolicy, case: Case) -> Iterator[Prospect]:
    for budget in policy.budgets:
        name, window = f"{policy.name}/{budget.name}", budget.window
        limit = f"{plain(budget.limit.value)} {budget.limit.unit}"
        span = window.span_at(case.facts.now)
        if isinstance(window, CalendarWindow) and span is not None:
            yield Prospect(f"budget {name} begins anew with {limit}", span.end)
        elif isinstance(window, FixedWindow) and window.start > case.facts.now:
            yield Prospect(f"budget {name} begins: {limit}", window.start)
        elif isinstance(window, FixedWindow) and span is not None:
            yield Prospect(f"the window of budget {name} ends; then it limits nothing", span.end)
