"""The command against an API server of a few paths: what it reads, prints and exits with."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from tests.builders import NOW, SETTINGS, TEAM
from tests.integration.fakes import objects as made
from tests.unit.decide.test_rationale import busy, ten_hours

from plafond.api.annotations import CEILINGS
from plafond.api.convert_ledger import ledger_spec
from plafond.cli import entry
from plafond.cli.app import run
from plafond.decide.evaluate import evaluate

API = "/apis/plafond.dev/v1alpha1"
NAMESPACE = f"/api/v1/namespaces/{TEAM}"
POLICIES = f"{API}/namespaces/{TEAM}/costpolicies"
LEDGER = f"{API}/namespaces/{TEAM}/spendledgers/plafond"
HPAS = f"/apis/autoscaling/v2/namespaces/{TEAM}/horizontalpodautoscalers"
LLM = f"/apis/apps/v1/namespaces/{TEAM}/deployments/llm"

# As in the world that is decided on: ten hours from its now.
WINDOW = {"type": "Fixed", "start": f"{NOW:%Y-%m-%dT%H:%M:%SZ}", "duration": "10h"}
BUDGET = {
    "name": "launch",
    "limit": {"cost": "200"},
    "window": WINDOW,
    "onExhausted": "KeepFloors",
}


class Server(ThreadingHTTPServer):
    """Answers GETs from *objects*: by path, a body, or a code; keeps what was asked as whom."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, object] = {}
        self.asked: list[tuple[str, str | None]] = []


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers.get("Impersonate-User")))
        found = self.server.objects.get(self.path, 404)
        code = found if isinstance(found, int) else 200
        body = {"message": f"it is {code}"} if isinstance(found, int) else found
        self.send_response(code)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that knows one workload, clipped by a budget, and everything said of it."""
    with Server() as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        running.objects = left_behind()
        yield running
        running.shutdown()


def left_behind(within: str = "True") -> dict[str, object]:
    """Return what a pass leaves in the cluster, by path."""
    record = evaluate(busy(ten_hours("200")), SETTINGS).records[TEAM]
    annotations = {CEILINGS: "deployments.apps/llm=5"}
    condition = {"type": "WithinBudget", "status": within, "reason": "BudgetExhausted"}
    target = {"group": "apps", "kind": "Deployment", "name": "llm", "ceiling": 5}
    said = {"reason": "BudgetCeiling", "limit": "limits/launch", "recommendedReplicas": 10}
    policy = {
        **made.policy("limits", TEAM, currency="EUR", budgets=[BUDGET]),
        "status": {"conditions": [condition], "targets": [{**target, **said}]},
    }
    return {
        NAMESPACE: {"metadata": {"name": TEAM, "annotations": annotations}},
        POLICIES: {"items": [policy]},
        f"{API}/costpolicies": {"items": [policy]},
        LEDGER: {"spec": ledger_spec(record)},
        HPAS: {"items": [made.hpa("other", "embed"), made.hpa("llm-hpa", "llm")]},
        LLM: {"metadata": {"namespace": TEAM, "name": "llm"}, "spec": {"replicas": 5}},
    }


@pytest.fixture
def plafond(server: Server, tmp_path: Path, monkeypatch, capsys):
    """Run the command line against *server*; return its exit code, output and errors."""
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(kubeconfig(f"http://127.0.0.1:{server.server_port}")))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["kubectl-plafond", *arguments, f"--kubeconfig={path}"])
        code = run("kubectl plafond")
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def kubeconfig(address: str) -> dict[str, object]:
    context = {"cluster": "it", "user": "me", "namespace": TEAM}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": context}],
        "clusters": [{"name": "it", "cluster": {"server": address}}],
        "users": [{"name": "me", "user": {"token": "t"}}],
    }


@pytest.mark.parametrize("words", [("llm",), ("team-a/llm",), ("deploy", "llm"), ("deploy/llm",)])
def test_a_workload_is_explained(plafond, words):
    code, out, errors = plafond("explain", *words, "-o", "json")

    found = json.loads(out)
    assert (code, errors, found["unread"]) == (0, "", [])
    assert (found["ceiling"], found["ceilingInForce"]) == (5, True)
    assert found["rule"]["reason"] == "BudgetCeiling"


def test_a_person_reads_text(plafond):
    code, out, _ = plafond("explain", "team-a/llm")

    assert code == 0
    assert out.startswith("team-a/llm may have 5 replicas: the budget carries no more")


def test_who_else_scales_a_workload_is_said(plafond, server):
    assert (
        "  Scaled by   HorizontalPodAutoscaler llm-hpa, from 1 to 20 replicas\n"
        in (plafond("explain", "llm")[1])
    )
    server.objects[HPAS] = {"items": [made.hpa("other", "embed")]}
    assert "Scaled by" not in plafond("explain", "llm")[1]


def test_autoscalers_that_may_not_be_read_are_unknown_and_not_none(plafond, server):
    server.objects[HPAS] = 403

    found = json.loads(plafond("explain", "llm", "-o", "json")[1])

    assert found["scaledBy"] is None
    (said,) = found["unread"]
    assert said.startswith("HorizontalPodAutoscalers of team-a: you may not read it")
    assert said.endswith("without it who else scales it is not known")


def test_what_may_not_be_read_is_said_and_the_rest_explained(plafond, server):
    server.objects |= {LEDGER: 403, NAMESPACE: 403}

    code, out, _ = plafond("explain", "llm", "-o", "json")

    found = json.loads(out)
    assert code == 0
    assert found["rule"]["limit"] == "limits/launch"
    namespace, ledger = found["unread"]
    refused = "you may not read it (it is 403); without it"
    assert namespace == f"namespace team-a: {refused} the ceiling in force is not known"
    assert ledger == (
        f"SpendLedger plafond of team-a: {refused} spend, numbers and what comes next are not known"
    )


def test_a_ledger_that_was_tampered_with_is_said(plafond, server):
    server.objects[LEDGER] = {"spec": {"series": [], "memory": "no"}}

    _, out, _ = plafond("explain", "llm", "-o", "json")

    assert "the SpendLedger cannot be understood" in json.loads(out)["unread"][0]


@pytest.fixture
def closed(server):
    """The server, where 100 were spent, all of it closed; the path of that."""
    past = made.past(NOW + timedelta(minutes=50), "100")
    name = past["metadata"]["name"]
    continues = {"name": name, "until": made.CREATED}
    server.objects[LEDGER]["spec"] |= {"continues": continues, "series": []}
    path = LEDGER.removesuffix("plafond") + name
    server.objects[path] = past
    return path


def spent(out):
    (found,) = [n for n in json.loads(out)["numbers"] if n["name"].endswith("launch: spent")]
    return found["value"]


def test_what_was_closed_counts(plafond, server, closed):
    _, out, _ = plafond("explain", "llm", "-o", "json")

    assert (json.loads(out)["unread"], spent(out)) == ([], "100")


def test_spend_whose_past_is_not_there_is_not_known(plafond, server, closed):
    del server.objects[closed]

    _, out, _ = plafond("explain", "llm", "-o", "json")

    (said,) = json.loads(out)["unread"]
    assert said.startswith(f"SpendLedger {closed.rpartition('/')[2]} of team-a: it is 404; without")
    assert not [n for n in json.loads(out)["numbers"] if n["source"] == "ledger"]


def test_spend_whose_past_was_tampered_with_is_not_known(plafond, server, closed):
    server.objects[closed]["spec"]["series"] = []

    _, out, _ = plafond("explain", "llm", "-o", "json")

    (said,) = json.loads(out)["unread"]
    assert said.startswith(f"the SpendLedger {closed.rpartition('/')[2]} cannot be understood")


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("explain", "nobody"), 2, "there is no Deployment or StatefulSet team-a/nobody"),
        (("explain", "sts/nobody"), 2, "there is no StatefulSet team-a/nobody"),
        (("explain", "team-a/llm", "-n", "team-b"), 2, "two namespaces are named"),
        (("status", "-A", "-n", "team-a"), 2, "give either --namespace or --all-namespaces"),
        (("status", "-n", "team-b"), 1, "the policies of team-b cannot be read"),
        (("status", "--context=nowhere"), 2, "there is no usable kubeconfig"),
        (("explain",), 2, "Missing argument"),
    ],
)
def test_what_cannot_be_done_is_said_with_its_code(plafond, arguments, code, sentence):
    found, _, errors = plafond(*arguments)

    assert (found, sentence in errors) == (code, True)


def test_two_of_one_name_are_told_apart_by_their_type(plafond, server):
    server.objects[LLM.replace("deployments", "statefulsets")] = server.objects[LLM]

    code, _, errors = plafond("explain", "llm")

    assert code == 2
    assert "write deploy/llm or sts/llm" in errors


def test_an_api_server_that_does_not_answer_is_said_at_once(plafond, server):
    server.shutdown()
    server.server_close()

    code, _, errors = plafond("status", "--request-timeout", "1")

    assert code == 1
    assert f"the API server at http://127.0.0.1:{server.server_port} does not answer" in errors


def test_the_overview_reads_policies_only(plafond, server):
    code, out, _ = plafond("status", "-A", "-o", "json")

    assert code == 0
    assert json.loads(out)["policies"][0]["workloads"][0]["reason"] == "BudgetCeiling"
    assert [path for path, _ in server.asked] == [f"{API}/costpolicies"]


def test_no_policy_is_no_error(plafond, server):
    server.objects[POLICIES] = {"items": []}

    assert plafond("status")[::2] == (0, "no cost policy in team-a\n")


@pytest.mark.parametrize(("within", "code"), [("True", 0), ("False", 3)])
def test_a_pipeline_is_told_that_money_is_gone(plafond, server, within, code):
    server.objects = left_behind(within)

    assert plafond("status", "--exit-code")[0] == code
    assert plafond("explain", "llm", "--exit-code")[0] == code
    assert plafond("status")[0] == 0


def test_somebody_else_s_view_can_be_asked_for(plafond, server):
    plafond("status", "--as", "tenant")

    assert server.asked == [(POLICIES, "tenant")]


def test_without_its_packages_the_command_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(entry, "find_spec", lambda _: None)

    assert entry.main() == 1
    assert "pip install 'plafond[cli]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("path", "name"),
    [("/usr/bin/kubectl-plafond", "kubectl plafond"), ("/usr/bin/plafond", "plafond")],
)
def test_usage_shows_the_command_as_it_was_called(path, name):
    assert entry.program_name(path) == name
