"""Enforcing says what the API servers really do, each of them."""

import pytest
import yaml
from e2e.rig import kubeconfig
from e2e.rig.cluster import Rig
from e2e.rig.install import REPOSITORY
from e2e.rig.nodes import GPU_NODES
from e2e.rig.polling import poll
from e2e.world import Watched, condition, deployment, fresh_namespace, operator, policy, price_sheet

CEILING = 3
BINDINGS = {
    "plafond-ceiling": "mutatingadmissionpolicybinding",
    "plafond-ceiling-backstop": "validatingadmissionpolicybinding",
    "plafond-keep": "mutatingadmissionpolicybinding",
    "plafond-self-restraint-namespaces": "validatingadmissionpolicybinding",
}


@pytest.fixture(scope="module")
def own_rig():
    """A cluster of its own: what is taken away here would be missed elsewhere."""
    with Rig() as started:
        started.install()
        started.add_nodes(GPU_NODES[:1])
        started.apply(price_sheet("story-eur", "EUR"))
        yield started


@pytest.fixture
def chat(own_rig: Rig) -> Watched:
    return limited(own_rig)


def limited(rig: Rig) -> Watched:
    """A workload under a ceiling."""
    namespace = fresh_namespace(rig, "probe")
    rig.apply(deployment(namespace, "chat", 2))
    rig.apply(policy(namespace, ceilings={"replicas": CEILING}))
    return Watched(rig, namespace, "chat")


def comes_to_say(chat: Watched, status: str, reason: str) -> str:
    """Wait until the condition says so, and return its message."""
    poll(
        lambda: condition(chat.rig, chat.namespace, "Enforcing")[:2] == (status, reason),
        40,
        what=f"Enforcing to be {status}, {reason}",
    )
    return condition(chat.rig, chat.namespace, "Enforcing")[2]


def restore(rig: Rig) -> None:
    """Apply the admission policies again."""
    for path in sorted((REPOSITORY / "manifests").glob("admission-*.yaml")):
        rig.apply(list(yaml.safe_load_all(path.read_text())))


@pytest.mark.timeout(180)
def test_a_binding_that_is_taken_away_is_noticed_and_so_is_its_return(
    own_rig: Rig, chat: Watched, tmp_path
):
    with operator(own_rig, tmp_path):
        comes_to_say(chat, "True", "Enforcing")
        # Without the clamp, the backstop refuses.
        own_rig.kubectl("delete", BINDINGS["plafond-ceiling"], "plafond-ceiling")
        assert "refused" in comes_to_say(chat, "True", "Refusing")
        # Without either, nothing holds.
        own_rig.kubectl("delete", BINDINGS["plafond-ceiling-backstop"], "plafond-ceiling-backstop")
        assert "above its ceiling" in comes_to_say(chat, "False", "NotProtected")
        restore(own_rig)
        comes_to_say(chat, "True", "Enforcing")
        for name, lacks in {
            "plafond-keep": "others may change the ceilings",
            "plafond-self-restraint-namespaces": "nothing restrains the operator's own account",
        }.items():
            own_rig.kubectl("delete", BINDINGS[name], name)
            assert lacks in comes_to_say(chat, "False", "NotProtected")
            restore(own_rig)
            comes_to_say(chat, "True", "Enforcing")
    events = own_rig.kubectl("get", "events", "-n", chat.namespace, "-o", "yaml").stdout
    reasons = {each["reason"] for each in yaml.safe_load(events)["items"]}
    assert {"Refusing", "NotProtected", "Enforcing"} <= reasons


@pytest.mark.timeout(120)
def test_what_is_probed_is_never_carried_out(own_rig: Rig, chat: Watched, tmp_path):
    with operator(own_rig, tmp_path):
        comes_to_say(chat, "True", "Enforcing")
    us = "system:serviceaccount:plafond-system:plafond"
    assert list(own_rig.audit.writes_by(us, "deployments", chat.namespace)) == []
    labels = own_rig.get(f"/api/v1/namespaces/{chat.namespace}")["metadata"]["labels"]
    assert list(labels) == ["kubernetes.io/metadata.name"]


@pytest.mark.timeout(120)
def test_a_second_api_server_that_does_not_know_how_to_cut_is_found_out(
    own_rig: Rig, chat: Watched, tmp_path
):
    second = own_rig.start_second_api_server(emulated_version="1.35")
    both = [kubeconfig.access(own_rig.kubeconfig).server, second.api.server]
    with operator(own_rig, tmp_path, apiServers=both):
        assert "refused" in comes_to_say(chat, "True", "Refusing")
        logs = own_rig.directory.glob("operator-*.log")
        said = "".join(each.read_text() for each in logs)
    # The policy lies in etcd, and this API server passes it over.
    assert f"admission rule clamp is not in force: {second.api.server}" in said
