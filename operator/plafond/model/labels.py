"""Label selectors with the meaning that Kubernetes gives them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Operator(StrEnum):
    """How a requirement compares a label."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on one label."""

    key: str
    operator: Operator
    values: frozenset[str] = frozenset()

    def admits(self, value: str | None) -> bool:
        """Say whether a label of *value* (None: absent) meets this condition."""
        if self.operator is Operator.EXISTS:
            return value is not None
        if self.operator is Operator.DOES_NOT_EXIST:
            return value is None
        return (value in self.values) is (self.operator is Operator.IN)


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """A conjunction of conditions; without any it matches everything."""

    match_labels: Mapping[str, str] = field(default_factory=dict)
    match_expressions: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Say whether *labels* meet every condition."""
        return all(labels.get(key) == value for key, value in self.match_labels.items()) and all(
            requirement.admits(labels.get(requirement.key))
            for requirement in self.match_expressions
        )

    def could_match(self, required: tuple[Requirement, ...]) -> bool:
        """
        Say whether something that this selector matches could also meet *required*.

        Only what `match_labels` fixes can contradict; a label it does not name may have any value.
        """
        return all(
            requirement.admits(self.match_labels[requirement.key])
            for requirement in required
            if requirement.key in self.match_labels
        )
