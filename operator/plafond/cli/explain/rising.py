"""Whether a ceiling rises by itself, by how much, and what keeps it from that."""

from collections.abc import Iterator
from decimal import Decimal

from plafond.cli.explain.case import Case
from plafond.cli.explain.explanation import Prospect
from plafond.cli.explain.figures import hourly_unit, plain
from plafond.cli.explain.unknowns import doubt, gaps
from plafond.decide.reason import Reason
from plafond.decide.release import SMALLEST_STEP
from plafond.model.memory import Allowed, WorkloadMemory
from plafond.model.money import REPLICAS, ZERO, is_resource_unit
from plafond.model.window import as_written


def raised(case: Case) -> Iterator[Prospect]:
    """Yield when its ceiling rises; nothing where it is held, or carries what is asked for."""
    memory, ceiling, wanted = case.memory, case.ceiling, _aim(case)
    has_bound = memory.bound_at is not None or case.reason is Reason.RAISED_IN_STEPS
    if not has_bound or ceiling is None or wanted is None or wanted <= ceiling:
        return
    if gaps(case) or doubt(case) is not None:
        return
    if case.limit is not None and case.reason is not Reason.RAISED_IN_STEPS:
        lacks = _lacks(case.limit, ceiling, case)
        if lacks is not None:
            yield Prospect(lacks)
            return
    yield _step(case, ceiling, wanted)


def left_to_others(case: Case) -> Iterator[Prospect]:
    """Yield how far its autoscaler raises it by itself, where one scales it."""
    wanted, decided, ceiling = _aim(case), case.desired, case.ceiling
    if not case.is_autoscaled or wanted is None or decided is None or gaps(case):
        return
    most = wanted if ceiling is None else min(wanted, ceiling)
    if most > decided:
        yield Prospect(f"its autoscaler raises it by itself, to {most}")


def _aim(case: Case) -> int | None:
    # While money is short nothing is raised further than replicas that run fuller need.
    wanted = case.recommended
    fuller = [after for name, _, after in case.moves if name == Reason.SQUEEZED]
    return wanted if wanted is None else min(wanted, *fuller, wanted)


def _step(case: Case, ceiling: int, wanted: int) -> Prospect:
    interval, at = case.facts.memory.timing.raise_interval, case.memory.raised_at
    step = min(wanted - ceiling, max(ceiling, SMALLEST_STEP))
    much = f"by at most {step}, as far as money is free"
    if case.memory.ceiling is not None and ceiling > case.memory.ceiling:
        # It was raised after what is remembered was written down; when, nobody knows.
        return Prospect(f"its ceiling may rise again within {as_written(interval)}, {much}")
    following = None if at is None or at + interval <= case.facts.now else at + interval
    return Prospect(f"its ceiling may rise again, {much}", following)


def _lacks(name: str, ceiling: int, case: Case) -> str | None:
    """Return what the limit *name* has to carry first; None where it carries another replica."""
    allowed = case.limits.get(name)
    if allowed is None or allowed.needed is None:
        return f"its ceiling stays until {_called(name)} carries another replica"
    pace = next((each for each in case.paces if each.name == name), None)
    rate = allowed.rate if pace is None else pace.carried_rate
    following = allowed.needed - _refused(allowed, ceiling, case)
    following += _cost(case.memory, allowed)
    if rate is None or following <= rate:
        return None
    return (
        f"its ceiling stays until {_called(name)} carries another replica: that takes "
        f"{plain(following)} {hourly_unit(allowed.unit)} with all else, it carries {plain(rate)}"
    )


def _called(name: str) -> str:
    return name if "/ceilings." in name else f"budget {name}"


def _refused(allowed: Allowed, ceiling: int, case: Case) -> Decimal:
    """Return what demand that the ceilings do not let run would take."""
    total = ZERO
    for workload, memory in case.beside.items():
        most = ceiling if workload == case.workload else memory.ceiling
        asked = memory.rationale.recommended if memory.rationale is not None else 0
        if most is not None:
            # What a ceiling holds beyond demand costs nothing, but for the one that rises.
            refused = asked - most if workload == case.workload else max(0, asked - most)
            total += refused * _cost(memory, allowed)
    return total


def _cost(memory: WorkloadMemory, allowed: Allowed) -> Decimal:
    if allowed.unit == REPLICAS:
        return Decimal(1)
    if is_resource_unit(allowed.unit):
        return memory.priced_requests.get(allowed.unit.partition("/")[2], ZERO)
    return memory.price.get(allowed.unit, ZERO)
