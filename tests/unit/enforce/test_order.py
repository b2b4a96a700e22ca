"""However namespaces are mixed, each one's actions run in their order and are answered in place."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from plafond.api.writer import Result, Written
from plafond.decide.plan import ClearCeilings, ScaleTo
from plafond.enforce.enforcer import ClusterEnforcer
from plafond.enforce.outcome import Outcome
from plafond.model.workload import WorkloadId

NAMESPACES = ("team-a", "team-b", "team-c")


class Recording:
    """A writer that notes what it is asked, gives way to others, and fails where it is told to."""

    def __init__(self, failing):
        self.failing = failing
        self.paths = []

    async def merge(self, path, patch):
        self.paths.append(path)
        await asyncio.sleep(0)
        if any(f"/{name}" in path for name in self.failing):
            return Written(Result.FORBIDDEN)
        return Written(Result.DONE, body={"spec": patch.get("spec")})


def scale(namespace, number, before, after):
    workload = WorkloadId(namespace, "Deployment", f"w-{number}")
    return ScaleTo(workload, "uid", "1", before, after)


def carried_out(actions, failing=()):
    async def run():
        enforcer = ClusterEnforcer(None)
        enforcer._writer = Recording(failing)  # noqa: SLF001 - in the place of the network
        return await enforcer.carry_out(actions), enforcer._writer.paths  # noqa: SLF001 - as above

    return asyncio.run(run())


actions = st.lists(
    st.one_of(
        st.sampled_from(NAMESPACES).map(ClearCeilings),
        st.builds(
            scale,
            st.sampled_from(NAMESPACES),
            st.integers(0, 99),
            st.integers(0, 9),
            st.integers(0, 9),
        ),
    ),
    max_size=20,
)


@given(actions)
def test_each_namespace_is_written_in_order_and_every_action_is_answered_in_place(planned):
    outcomes, paths = carried_out(planned)

    assert [outcome.action for outcome in outcomes] == planned
    for name in NAMESPACES:
        written = [path for path in paths if f"/namespaces/{name}" in path]
        expected = [action for action in planned if action.namespace == name]
        assert [path.endswith("/scale") for path in written] == [
            isinstance(action, ScaleTo) for action in expected
        ]


@given(actions)
def test_without_its_ceilings_a_namespace_never_grows(planned):
    outcomes, _ = carried_out([ClearCeilings("team-a"), *planned], failing=["team-a"])

    for outcome in outcomes[1:]:
        action = outcome.action
        if isinstance(action, ScaleTo) and action.namespace == "team-a":
            is_growth = action.after > action.before
            assert (outcome.result is Result.SKIPPED) is is_growth


def test_nothing_to_do_is_nothing_done():
    assert carried_out([]) == ((), [])


def test_an_outcome_says_by_itself_what_it_was_about():
    action = scale("team-a", 1, 5, 3)

    outcomes, paths = carried_out([action])

    assert outcomes == (Outcome(action, Result.DONE, replicas=3),)
    assert paths == ["/apis/apps/v1/namespaces/team-a/deployments/w-1/scale"]
