"""Which of our admission rules the API server really applies, as far as it was asked."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Rule(StrEnum):
    """What a rule does."""

    CEILING = "ceiling"  # no count gets above a ceiling: it is cut, or the write refused
    CLAMP = "clamp"  # such a count is cut, so that whoever asks gets what there is
    KEEP = "keep"  # our annotations are ours alone
    RESTRAIN = "restrain"  # our own account may write nothing else


@dataclass(frozen=True, slots=True)
class Admission:
    """
    The rules in force.

    Attributes:
        rules: whether each is applied, by every API server that answered; absent: not known.
        missing_at: which API server does not apply a rule, and what it did.
        unreachable: API servers that did not answer.

    """

    rules: Mapping[Rule, bool] = field(default_factory=dict)
    missing_at: Mapping[Rule, str] = field(default_factory=dict)
    unreachable: tuple[str, ...] = ()

    def without(self, rules: Collection[Rule]) -> "Admission":
        """Return what is known without what is known of *rules*."""
        return Admission(
            {rule: holds for rule, holds in self.rules.items() if rule not in rules},
            {rule: why for rule, why in self.missing_at.items() if rule not in rules},
            self.unreachable,
        )

    def updated(self, found: "Admission") -> "Admission":
        """Return what is known when *found* is newer; of what it does not tell, this is kept."""
        kept = self.without(found.rules.keys())
        return Admission(
            {**kept.rules, **found.rules},
            {**kept.missing_at, **found.missing_at},
            found.unreachable,
        )

    @property
    def is_clamped(self) -> bool:
        """A count above a ceiling is cut; assumed as long as nobody has seen it refused."""
        return self.rules.get(Rule.CLAMP, True)

    @property
    def missing(self) -> tuple[Rule, ...]:
        """The rules without which ceilings do not hold; a clamp is a comfort."""
        needed = (rule for rule in Rule if rule is not Rule.CLAMP)
        return tuple(rule for rule in needed if self.rules.get(rule) is False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one API server did: a rule it applies has no words, one it does not has some."""

    server: str
    found: Mapping[Rule, str | None]


def combined(answers: Iterable[Answer], unreachable: tuple[str, ...] = ()) -> Admission:
    """Return what holds for all API servers together: a rule is as good as where it is worst."""
    rules: dict[Rule, bool] = {}
    missing: dict[Rule, str] = {}
    for answer in answers:
        for rule, trouble in answer.found.items():
            rules[rule] = rules.get(rule, True) and trouble is None
            if trouble is not None:
                missing.setdefault(rule, f"{answer.server}: {trouble}")
    return Admission(rules, missing, unreachable)
