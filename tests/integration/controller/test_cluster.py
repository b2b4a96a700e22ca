"""The way to the cluster: what must be known there, and what the environment has no say in."""

import pytest
from tests.integration.fakes.discovery import OURS, documents
from tests.integration.fakes.kubernetes_api import REVIEWS, FakeKubernetes, failing, running

from plafond.api.writer import ApiWriter
from plafond.controller.cluster import connect, require_kinds, say_if_other_account
from plafond.controller.errors import StartError

GROUP = "/apis/plafond.dev/v1alpha1"
KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{name: a, cluster: {server: "http://127.0.0.1:9"}}]
users: [{name: me, user: {token: sesame}}]
contexts: [{name: a, context: {cluster: a, user: me}}]
current-context: a
"""


@pytest.fixture
async def fake():
    return FakeKubernetes()


@pytest.fixture
async def reader(fake):
    async with running(fake) as client:
        yield ApiWriter(client, "plafond")


async def test_a_cluster_that_knows_our_kinds_will_do(fake, reader):
    fake.documents = documents()

    await require_kinds(reader)


@pytest.mark.parametrize(
    ("installed", "missing"),
    [
        ((), "costpolicies, pricesheets, spendledgers"),
        (OURS[1:], "costpolicies"),
        (OURS[:2], "spendledgers"),
    ],
)
async def test_what_a_cluster_does_not_know_is_named(fake, reader, installed, missing):
    fake.documents = documents(ours=installed)
    if not installed:
        fake.answers[("LIST", GROUP)] = [failing(404)]

    with pytest.raises(StartError, match=f"does not know {missing} of plafond.dev/v1alpha1"):
        await require_kinds(reader)


@pytest.mark.parametrize("code", [401, 403, 500, 503])
async def test_a_cluster_that_does_not_say_may_come_back(fake, reader, caplog, code):
    fake.documents = documents()
    fake.answers[("GET", GROUP)] = [failing(code, "not now")]

    await require_kinds(reader)

    assert f"the API server was not reached yet: {code} not now" in caplog.text


class TestAccount:
    """Whose account the operator has: admission undoes the annotations of every other one."""

    async def test_its_own_one_is_nothing_to_say(self, fake, reader, caplog):
        await say_if_other_account(reader, "plafond-system")

        assert caplog.text == ""

    @pytest.mark.parametrize("user", ["kubernetes-admin", "system:serviceaccount:ci:plafond"])
    async def test_any_other_is_a_warning_that_names_it(self, fake, reader, caplog, user):
        fake.user = user

        await say_if_other_account(reader, "plafond-system")

        assert f"the operator runs as {user}, not as " in caplog.text
        assert "system:serviceaccount:plafond-system:plafond" in caplog.text

    async def test_one_that_is_not_known_is_no_warning(self, fake, reader, caplog):
        fake.answers[("POST", REVIEWS)] = [failing(503)]

        await say_if_other_account(reader, "plafond-system")

        assert caplog.text == ""


@pytest.fixture
def kubeconfig(tmp_path, monkeypatch):
    path = tmp_path / "kubeconfig"
    path.write_text(KUBECONFIG)
    module = "kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION"
    monkeypatch.setattr(module, str(path))
    return path


@pytest.mark.usefixtures("kubeconfig")
async def test_no_proxy_of_the_environment_sees_a_token(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")

    client = await connect()
    session = client.rest_client._create_pool_manager()  # noqa: SLF001 - what it would connect with

    assert session.trust_env is False
    await session.close()
    await client.close()


@pytest.mark.parametrize("text", ["", "nonsense: [", "current-context: a"])
async def test_a_kubeconfig_that_cannot_be_used_is_a_sentence(kubeconfig, text):
    kubeconfig.write_text(text)

    with pytest.raises(StartError, match="this is no pod, and there is no usable kubeconfig"):
        await connect()
