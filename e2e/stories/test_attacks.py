"""Story: a table of attacks on ceilings, on two API server versions, operator dead and alive."""

from collections.abc import Iterator
from datetime import datetime

import pytest
from e2e.rig.cluster import Rig
from e2e.rig.control_plane import Settings
from e2e.rig.nodes import GPU_NODES
from e2e.rig.polling import poll
from e2e.stories.attacking import CEILINGS_OF, LLM, Scene, limit, prepare, scene
from e2e.stories.attacks import BIRTHS, COUNTS, OR, STATEFUL, Attack
from e2e.stories.attacks_on_namespaces import ANNOTATIONS, AROUND
from e2e.stories.attacks_on_quota import GPUS, ROUTES, RUN, bound, used
from e2e.stories.test_quota import most_at_once
from e2e.world import API, operator, policy, utc_now

from plafond.api.annotations import CEILINGS, is_ignored

TABLE = [*COUNTS, *BIRTHS, *STATEFUL, *ANNOTATIONS, *AROUND]


@pytest.fixture(params=["1.36", "1.35"])
def field(request) -> Iterator[tuple[Rig, bool]]:
    """A rig of its own with the API server of a version, and whether it clamps."""
    older = request.param != "1.36"
    with Rig(Settings(emulated_version=request.param if older else None)) as rig:
        unserved = rig.install()
        assert ("MutatingAdmissionPolicy" in unserved) is older
        rig.add_nodes(GPU_NODES)
        prepare(rig)
        yield rig, not older


def carried_out(attack: Attack, on: Scene) -> str:
    answer = attack.do(on)
    return f"{'accepted' if answer.is_done else 'refused'}, {attack.look(on)}"


def wait_until_held(on: Scene) -> None:
    """Policies are read about once a second, and roles a moment after they are granted."""

    def is_held() -> bool:
        answer = on.kubectl("scale", "deployment/llm", "--replicas=9")
        held = on.replicas("deployments", "llm") != "llm 9" and "ceiling" in answer.message
        on.kubectl("scale", "deployment/llm", "--replicas=2")
        return held and "cannot" not in answer.message

    poll(is_held, deadline=30, what="the policies to be in force")


def stored_above(rig: Rig, scenes: list[Scene], since: datetime) -> list[tuple[str, str, int]]:
    """Return every count above its ceiling that was ever stored, by the audit log."""
    here = {each.namespace for each in scenes}
    return [
        (write.namespace, write.name, count)
        for write in rig.audit.writes()
        if write.namespace in here and write.succeeded and write.at >= since
        for count in [(write.response_object or {}).get("spec", {}).get("replicas", 0)]
        if count > CEILINGS_OF.get((write.resource, write.name), count)
    ]


@pytest.mark.timeout(180)
def test_no_attack_gets_a_listed_workload_past_its_ceiling_with_the_operator_dead(
    field, record_property
):
    rig, clamps = field
    scenes = [scene(rig) for _ in TABLE]
    for each in scenes:
        limit(each)
    wait_until_held(scenes[0])
    since = utc_now()
    rows = list(zip(TABLE, scenes, strict=True))
    observed = {attack: carried_out(attack, on) for attack, on in rows}
    expected = {attack: attack.clamped if clamps else attack.refused for attack in TABLE}
    for attack in TABLE:
        record_property(attack.what, observed[attack])

    surprises = {
        attack.what: (seen, expected[attack])
        for attack, seen in observed.items()
        if seen not in expected[attack].split(OR)
    }
    assert surprises == {}
    assert stored_above(rig, scenes, since) == []
    assert len(TABLE) >= 80


def governed(rig: Rig, scenes: list[Scene]) -> None:
    """Have the operator list the ceilings of every scene."""
    for each in scenes:
        body = policy(each.namespace, ceilings={"replicas": LLM})
        path = f"/apis/{API}/namespaces/{each.namespace}/costpolicies"
        assert rig.send("POST", path, body).is_done
    for each in scenes:
        poll(each.annotations, deadline=60, what=f"the ceilings of {each.namespace}")


def is_right_again(on: Scene) -> bool:
    """Say whether all Deployments together are under the ceiling, and it is listed."""
    found = on.find(on.at("deployments"))["items"]
    # What its owner has ignored is not limited any more; it counts as unmanaged.
    counts = [
        each["spec"]["replicas"]
        for each in found
        if not is_ignored(each["metadata"].get("annotations", {}))
    ]
    return not counts or (sum(counts) <= LLM and CEILINGS in on.annotations())


@pytest.mark.timeout(240)
def test_with_the_operator_alive_every_attack_is_over_within_a_few_passes(
    field, tmp_path, record_property
):
    rig, _ = field
    with operator(rig, tmp_path):
        scenes = [scene(rig) for _ in TABLE]
        governed(rig, scenes)
        wait_until_held(scenes[0])
        since = utc_now()
        for attack, on in zip(TABLE, scenes, strict=True):
            attack.do(on)
        began = utc_now()
        for attack, on in zip(TABLE, scenes, strict=True):
            poll(lambda on=on: is_right_again(on), deadline=30, what=f"the end of: {attack.what}")
        took = (utc_now() - began).total_seconds()
    record_property("right again after the last attack", f"{took:.1f} s, {len(TABLE)} attacks")

    rows = list(zip(TABLE, scenes, strict=True))
    births = stored_above(rig, [on for attack, on in rows if attack in BIRTHS], since)
    record_property("born above a ceiling, until the next pass listed them", len(births))
    above = stored_above(rig, [on for attack, on in rows if attack not in BIRTHS], since)
    assert [found for found in above if found[1] == "llm"] == []


@pytest.mark.timeout(180)
def test_no_route_gets_a_namespace_past_its_quota_with_the_operator_dead(field, record_property):
    rig, _ = field
    since = utc_now()
    scenes = [bound(limit(scene(rig))) for _ in ROUTES]
    for each in scenes:
        poll(lambda on=each: used(on) == RUN, deadline=30, what=f"the engines of {each.namespace}")
    rows = list(zip(ROUTES, scenes, strict=True))

    accepted = {route.what: route.do(on).is_done for route, on in rows}
    # The controllers have tried when the quota is full, or an Event tells of a refusal.
    for route, on in rows:
        poll(lambda on=on: is_over(on), deadline=30, what=f"the end of: {route.what}")
    peaks = {
        route.what: most_at_once(rig.audit.pod_lifetimes(on.namespace), since) for route, on in rows
    }
    for what, peak in peaks.items():
        record_property(what, f"{'accepted' if accepted[what] else 'refused'}, {peak} GPUs at most")

    assert accepted == {route.what: route.is_accepted for route in ROUTES}
    assert max(peaks.values()) == GPUS


def is_over(on: Scene) -> bool:
    """Say whether everything is tried: pods were refused, or the quota is what it should be."""
    found = on.find(f"/api/v1/namespaces/{on.namespace}/events")["items"]
    is_refused = any("exceeded quota" in each["message"] for each in found)
    return is_refused or used(on) >= GPUS or has_its_quota_alone(on)


def has_its_quota_alone(on: Scene) -> bool:
    """Say whether nothing but the listed workload at rest is there."""
    found = on.find(on.at("replicasets"))["items"]
    return used(on) == RUN and len(found) == 1 and found[0]["spec"]["replicas"] == 2
