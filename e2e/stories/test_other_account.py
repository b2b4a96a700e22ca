"""Other accounts than the operator's: admission undoes what they annotate, and that is noticed."""

from collections.abc import Iterator

import pytest
from e2e.rig.cluster import Rig
from e2e.rig.polling import poll
from e2e.world import Watched, annotations, condition, deployment, operator, policy, price_sheet

from plafond.api.annotations import CEILINGS

ADMIN = "platform"


@pytest.fixture
def admin(rig: Rig, namespace: str) -> Iterator[str]:
    """A ServiceAccount that may do everything, by the role `cluster-admin`."""
    user = f"system:serviceaccount:{namespace}:{ADMIN}"
    rig.kubectl("create", "serviceaccount", ADMIN, "-n", namespace)
    to = f"--serviceaccount={namespace}:{ADMIN}"
    rig.kubectl("create", "clusterrolebinding", namespace, "--clusterrole=cluster-admin", to)
    yield user
    rig.kubectl("delete", "clusterrolebinding", namespace)


@pytest.fixture
def chat(rig: Rig, namespace: str) -> Watched:
    rig.apply(price_sheet("story-eur", "EUR"))
    rig.apply(deployment(namespace, "chat", 2))
    rig.apply(policy(namespace, ceilings={"replicas": 3}))
    return Watched(rig, namespace, "chat")


@pytest.mark.timeout(120)
def test_an_operator_with_another_account_says_that_it_enforces_nothing(
    rig: Rig, namespace: str, admin: str, chat: Watched, tmp_path
):
    account = rig.service_account_kubeconfig(namespace, ADMIN)
    with operator(rig, tmp_path, account):
        poll(
            lambda: condition(rig, namespace, "Enforcing")[:2] == ("False", "WriteFailed"),
            30,
            what="Enforcing to be False",
        )
        assert "ServiceAccount plafond-system/plafond" in condition(rig, namespace, "Enforcing")[2]
        logs = sorted(rig.directory.glob("operator-*.log"), key=lambda path: path.stat().st_mtime)
        assert f"the operator runs as {admin}, not as " in logs[-1].read_text()
    assert annotations(rig, namespace) == {}


@pytest.mark.timeout(120)
def test_an_administrator_clears_a_ceiling_only_by_breaking_glass(
    rig: Rig, namespace: str, admin: str, chat: Watched, tmp_path
):
    with operator(rig, tmp_path):
        poll(lambda: CEILINGS in annotations(rig, namespace), 30, what="the ceiling")
    clear = (
        f"--kubeconfig={rig.service_account_kubeconfig(namespace, ADMIN)}",
        *("annotate", "namespace", namespace, f"{CEILINGS}-", "plafond.dev/why-"),
    )

    undone = rig.kubectl(*clear)
    assert (undone.returncode, undone.stdout) == (0, f"namespace/{namespace} annotated\n")
    assert CEILINGS in annotations(rig, namespace)

    done = rig.kubectl(*clear, f"--as={admin}", "--as-group=plafond:break-glass")
    assert done.returncode == 0, done.stderr
    assert annotations(rig, namespace) == {}
