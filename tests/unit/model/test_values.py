"""Values that know more of themselves than their fields say."""

from dataclasses import dataclass, field

from tests.builders import EUR, money, policy, snapshot

from plafond.model.changed import changed
from plafond.model.ledger import Fact, SeriesKey
from plafond.model.memory import OpenPod
from plafond.model.money import occurrences
from plafond.model.policy import InvalidPolicy


@dataclass(frozen=True, slots=True)
class Twice:
    """A value one of whose fields follows from another."""

    number: int
    name: str = "one"
    doubled: int = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "doubled", 2 * self.number)


def test_a_value_that_says_so_already_is_itself():
    value = Twice(1)

    assert changed(value, number=1, name="one") is value


def test_what_follows_from_a_field_changes_with_it():
    assert changed(Twice(1, "two"), number=2) == Twice(2, "two")
    assert changed(Twice(1), number=2).doubled == 4


def test_a_pod_is_charged_to_its_namespace_and_its_workload_and_where_nobody_scales_it():
    spend, own = SeriesKey(Fact.SPEND, EUR), SeriesKey(Fact.SPEND, EUR, "deployments.apps/llm")
    rates = {EUR: money(3), "free": money(0)}

    managed = OpenPod(rates, is_managed=True, workload="deployments.apps/llm")
    unmanaged = OpenPod(rates, is_managed=False, workload="deployments.apps/llm")

    assert managed.series == ((spend, 3), (own, 3))
    assert unmanaged.series == (*managed.series, (SeriesKey(Fact.UNMANAGED, EUR), 3))


def test_a_policy_that_cannot_be_understood_exists_and_leaves_its_namespace_in_doubt():
    broken = InvalidPolicy("team-a", "broken", "uid", 1, "spec", "it means nothing")
    world = snapshot(policies=(policy(name="fine"),), invalid=(broken,))

    assert world.policy_names == {("team-a", "fine"), ("team-a", "broken")}
    assert (world.unread("team-a"), world.unread("team-b")) == ({"broken"}, frozenset())
    assert (world.is_in_doubt("team-a"), world.is_in_doubt("team-b")) == (True, False)


def test_occurrences_are_counted_by_identity_and_not_by_what_values_say():
    one, other = {"EUR": 4}, {"EUR": 4}

    assert occurrences([]) == []
    assert occurrences([one, one, one]) == [(one, 3)]
    found = occurrences([one, other, one])
    assert [(each is one, count) for each, count in found] == [(True, 2), (False, 1)]
