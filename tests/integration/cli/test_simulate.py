"""`plafond simulate` as it is called: what it prints, writes and exits with."""

import csv
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

import pytest
import yaml
from tests.unit.simulate.support import two_weeks, write

from plafond.cli.app import run

POLICY = {
    "apiVersion": "plafond.dev/v1alpha1",
    "kind": "CostPolicy",
    "metadata": {"name": "team-a", "namespace": "team-a"},
    "spec": {
        "mode": "Observe",
        "currency": "EUR",
        "budgets": [
            {
                "name": "day",
                "limit": {"cost": "60"},
                "window": {"type": "Calendar", "period": "Daily", "timeZone": "UTC"},
                "onExhausted": "KeepFloors",
            }
        ],
        "scaling": {"gpuUtilization": {"targetPercent": 70}},
    },
}
SHEET = {
    "apiVersion": "plafond.dev/v1alpha1",
    "kind": "PriceSheet",
    "metadata": {"name": "prices"},
    "spec": {
        "currency": "EUR",
        "validFrom": "2026-11-01T00:00:00Z",
        "nodes": [
            {
                "name": "h100",
                "nodeSelector": {"matchLabels": {"gpu": "h100"}},
                "capacityType": "OnDemand",
                "prices": {"nvidia.com/gpu": "4.00"},
            }
        ],
    },
}


@pytest.fixture
def simulate(monkeypatch, capsys):
    """Run the command with these words; return its exit code, output and error output."""

    def called(*words):
        monkeypatch.setattr("sys.argv", ["plafond", "simulate", *map(str, words)])
        code = run("plafond")
        said = capsys.readouterr()
        return code, said.out, said.err

    return called


@pytest.fixture
def trace(tmp_path):
    return two_weeks(tmp_path / "trace.csv")


@pytest.fixture
def policy(tmp_path):
    return documents(tmp_path / "policy.yaml", POLICY, SHEET)


def documents(path, *found):
    path.write_text(yaml.safe_dump_all(found), encoding="utf-8")
    return path


def test_a_policy_is_played_and_its_timeline_adds_up(simulate, trace, policy, tmp_path):
    steps = tmp_path / "steps.csv"

    code, out, _ = simulate(
        "-f", policy, "--trace", trace, "--window", "3h", "--history", "1d",
        "--replica-tokens-per-s", "10", "--timeline", steps, "-o", "json",
    )  # fmt: skip

    assert code == 0
    found = json.loads(out)
    played = found["runs"]["under the policy"]
    with steps.open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["offset_s"]) for row in rows] == list(range(0, 3 * 3600, 15))
    for row in rows:
        paid, ready = int(row["replicas"]), int(row["ready_replicas"])
        assert float(row["cost"]) == pytest.approx(paid * 4.00 * 15 / 3600, abs=1e-9)
        assert float(row["served_tokens_per_s"]) == min(
            float(row["demand_tokens_per_s"]), 10.0 * ready
        )
        assert ready <= paid
    assert sum(float(row["cost"]) for row in rows) == pytest.approx(float(played["spent"]))
    assert found["budgets"][0]["limit"] == "60"
    assert float(played["spent"]) < float(found["runs"]["without a limit"]["spent"])


def test_it_says_what_a_policy_would_have_done_in_a_table_and_on_a_page(
    simulate, trace, policy, tmp_path
):
    report = tmp_path / "page.html"

    code, out, _ = simulate(
        "-f", policy, "--trace", trace, "--window", "1h", "--report", report
    )  # fmt: skip

    assert code == 0
    assert out.splitlines()[1].split() == (
        ["RUN", "SPENT", "SERVED%", "DARK", "MIN", "STARTS", "MIN", "BELOW", "DEMAND"]
    )
    # 168 hours of 40 tokens/s in the mean, and one of 20: a twelfth of 39.9.
    assert f"{trace}: the last 1h under team-a, replicas of 3.32 tokens/s at 4 EUR an hour" in out
    assert "Spend against the limit" in report.read_text(encoding="utf-8")


def test_the_page_shows_what_was_forecast_at_the_time(simulate, trace, policy, tmp_path):
    report = tmp_path / "page.html"

    simulate(
        "-f", policy, "--trace", trace, "--window", "1d", "--history", "1d", "--report", report
    )

    assert "as it was then" in report.read_text(encoding="utf-8")


def of_three_hours(**limit):
    window = {"type": "Fixed", "start": "2026-11-02T00:00:00Z", "duration": "3h"}
    name = next(iter(limit)).lower()
    return {"name": name, "limit": limit, "window": window, "onExhausted": "KeepFloors"}


@pytest.mark.parametrize("scaling", [True, False], ids=["scaling", "an autoscaler"])
def test_budgets_of_money_and_tokens_are_played_together(simulate, trace, tmp_path, scaling):
    spec = {**POLICY["spec"], "budgets": [of_three_hours(cost="9999")]}
    if not scaling:
        del spec["scaling"]
    played = ("--trace", trace, "--window", "3h", "--replica-tokens-per-s", "10", "-o", "json")
    path = documents(tmp_path / "policy.yaml", {**POLICY, "spec": spec}, SHEET)
    _, out, _ = simulate("-f", path, *played)
    whole = json.loads(out)["runs"]["under the policy"]["servedTokens"]

    spec["budgets"].append(of_three_hours(tokens=str(int(whole * 0.7))))
    documents(path, {**POLICY, "spec": spec}, SHEET)
    _, out, _ = simulate("-f", path, *played)

    found = json.loads(out)
    budgets = {each["name"]: each for each in found["budgets"]}
    served = found["runs"]["under the policy"]["servedTokens"]
    assert budgets.keys() == {"cost", "tokens"}
    assert 0.93 <= served / float(budgets["tokens"]["limit"]) <= 1.01
    # Of the last 30 s nobody has seen the counters yet.
    assert float(budgets["tokens"]["spent"]) == pytest.approx(served, rel=0.02)
    assert budgets["cost"]["usedPercent"] < 10
    _, out, _ = simulate("-f", path, *played[:-2])
    assert " tokens " in out


def test_a_policy_without_scaling_is_played_under_an_autoscaler(simulate, trace, tmp_path):
    spec = {key: value for key, value in POLICY["spec"].items() if key != "scaling"}
    path = documents(tmp_path / "policy.yaml", {**POLICY, "spec": spec})

    code, out, _ = simulate(
        "-f", path, "--trace", trace, "--window", "1h", "--price", "3", "-o", "json"
    )  # fmt: skip

    assert code == 0
    assert json.loads(out)["pricePerReplicaHour"] == "3.0"


def test_growth_is_reckoned_per_user_request_and_million_tokens(simulate, trace):
    code, out, _ = simulate("--grow", "3x", "--trace", trace, "--users", "10", "-o", "json")

    assert code == 0
    one, three = json.loads(out)["scales"]
    assert (one["users"], three["users"]) == (10, 30)
    assert three["costPerUser"] == pytest.approx(float(three["cost"]) / 30)
    # One request a second over the week, three times as many.
    assert three["requests"] == pytest.approx(3 * 7 * 86_400)


LIVE = ("-f", "no.yaml", "--from-prometheus", "http://127.0.0.1:1")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "expected one question: --benchmark, --filename POLICY, --grow TIMES"),
        (("--benchmark", "--grow", "2x"), "expected one question"),
        (("--benchmark", "--report", "p.html"), "--report says nothing about --benchmark"),
        (("--grow", "2x", "--compare"), "--compare says nothing about --grow TIMES"),
        (("--benchmark",), "expected --trace FILE"),
        (("--benchmark", "--trace", "none.csv"), "none.csv: expected a trace to read"),
        (("--benchmark", "--budget-percent", "0"), "as --budget-percent, at most 1,000; got 0"),
        (("--benchmark", "--budget-percent", "nan"), "--budget-percent, at most 1,000; got nan"),
        (("--benchmark", "--budget-percent", "1e9"), "--budget-percent, at most 1,000; got 1e+09"),
        (("--benchmark", "--replica-tokens-per-s", "-5"), "at most 1,000,000,000; got -5"),
        (("--benchmark", "--replica-tokens-per-s", "inf"), "as --replica-tokens-per-s, at most"),
        (("--benchmark", "--replica-tokens-per-s", "1e300"), "at most 1,000,000,000; got 1e+300"),
        (("--benchmark", "--timeline", "no/such/folder.csv"), "expected a file in a folder"),
        (("--grow", "lots", "--trace", "x.csv"), "expected a growth such as 10x"),
        (("--grow", "10x", "--users", "0"), "expected 1 to 10,000,000,000 as --users; got 0"),
        (("--grow", "10x", "--users", "99999999999"), "10,000,000,000 as --users; got 99999999999"),
        (("-f", "no.yaml"), "no.yaml: expected a policy to read"),
        (("-f", "no.yaml", "--window", "soon"), "expected a length such as 7d"),
        (("-f", "no.yaml", "--window", "0h"), "expected a length above zero as --window"),
        (("-f", "no.yaml", "--price", "0"), "from 0.000001 to 1,000,000,000,000 as --price; got 0"),
        (("-f", "no.yaml", "--price", "1e-300"), "as --price; got 1e-300"),
        (("-f", "no.yaml", "--price", "nan"), "as --price; got nan"),
        (("-f", "no.yaml", "--since", "3d"), "--since says nothing about demand from a trace"),
        (("-f", "no.yaml", "--query", "up"), "--query says nothing about demand from a trace"),
        ((*LIVE, "--tenant", "a"), "--tenant says nothing about demand from Prometheus"),
        ((*LIVE, "--since", "0h"), "from 10m to 76d, which Prometheus answers at once, as --since"),
        ((*LIVE, "--since", "999999d"), "as --since; got '999999d'"),
        (("-f", "no.yaml", "--report", "./no.yaml"), "no.yaml: expected a file of its own"),
        (("-f", "p", "--trace", "t", "--timeline", "t"), "t: expected a file of its own to write"),
        (("-f", "p", "--timeline", "t", "--report", "t"), "t: expected a file of its own to write"),
    ],
)  # fmt: skip
def test_a_question_that_means_nothing_is_one_sentence_and_exit_code_2(simulate, words, said):
    code, out, err = simulate(*words)

    assert (code, out) == (2, "")
    assert err.startswith("plafond: ")
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("length", ["1s", "10000d"])
def test_a_window_is_at_least_a_bin_and_at_most_all_demand(simulate, trace, policy, length):
    code, out, err = simulate("-f", policy, "--trace", trace, "--window", length)

    # 14 days are 336 hours.
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "expected a window from 1h, one bin, to 336h, all demand there is; got" in err


@pytest.mark.parametrize(
    "question", [("--benchmark",), ("--benchmark", "--sensitivity"), ("--grow", "10x")]
)
def test_demand_that_no_cluster_serves_is_refused_at_once(simulate, trace, question):
    code, out, err = simulate(*question, "--trace", trace, "--replica-tokens-per-s", "1e-300")

    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "expected demand that 150,000 replicas serve, which no cluster exceeds" in err


def test_whether_a_file_can_be_read_is_told_by_reading_it(simulate, trace, monkeypatch):
    # The library asks before, and has a box of its own for the answer.
    monkeypatch.setattr("os.access", lambda *_: False)

    code, _, err = simulate("--grow", "1x", "--trace", trace)

    assert (code, err) == (0, "")


def test_a_timeline_is_of_one_run(simulate, trace, tmp_path):
    shares = ("--budget-percent", "90", "--budget-percent", "70")

    code, _, err = simulate(
        "--benchmark", "--trace", trace, *shares, "--timeline", tmp_path / "t.csv"
    )  # fmt: skip

    assert code == 2
    assert "give one --budget-percent with --timeline" in err


def test_a_bad_trace_leaves_no_output_behind(simulate, policy, tmp_path):
    bad = write(tmp_path / "bad.csv", "0,a,1,60,0", "600,a,1,-60,0")
    steps = tmp_path / "steps.csv"
    steps.write_text("what was there before")

    code, _, err = simulate("-f", policy, "--trace", bad, "--timeline", steps)

    assert code == 2
    assert f"{bad}, line 3: expected a number of at least 0 as prompt_tokens" in err
    assert steps.read_text() == "what was there before"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad.csv", "policy.yaml", "steps.csv"]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ((), "expected one CostPolicy; got 0"),
        ((POLICY, POLICY), "expected one CostPolicy; got 2"),
        (({"kind": "Pod"},), "document 1: expected a CostPolicy or a PriceSheet; got Pod"),
        (({**POLICY, "metadata": {}},), "document 1: expected metadata with a name"),
        (({**POLICY, "spec": {}},), "spec: a policy must limit or scale something"),
        ((POLICY, {**SHEET, "spec": {}}), "PriceSheet prices: spec."),
        ((POLICY,), "expected a PriceSheet in EUR beside it, or --price"),
    ],
)
def test_a_policy_that_means_nothing_is_one_sentence(simulate, trace, tmp_path, found, said):
    path = documents(tmp_path / "policy.yaml", *found)

    code, _, err = simulate("-f", path, "--trace", trace)

    assert (code, err.count("\n")) == (2, 1)
    assert said in err


def test_no_yaml_is_one_sentence(simulate, trace, tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text("spec: [")

    code, _, err = simulate("-f", path, "--trace", trace)

    assert (code, err.count("\n")) == (2, 1)
    assert "expected YAML" in err


class Answers(BaseHTTPRequestHandler):
    """Answers every range query with what *result* makes of its start, end and step."""

    def do_GET(self):
        asked = {key: float(value[0]) for key, value in parse_qs(urlparse(self.path).query).items()
                 if key != "query"}  # fmt: skip
        body = self.server.answer(asked)
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(self.server.code)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *args):
        pass


@pytest.fixture
def prometheus():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.code, server.answer = 200, series
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def series(asked, value=lambda index: "40"):
    times = range(int(asked["start"]), int(asked["end"]) + 1, int(asked["step"]))
    values = [[at, value(index)] for index, at in enumerate(times) if value(index) is not None]
    return {"status": "success", "data": {"result": [{"metric": {}, "values": values}]}}


def address(server):
    return f"http://127.0.0.1:{server.server_port}"


def test_demand_comes_out_of_prometheus(simulate, policy, prometheus):
    code, out, _ = simulate(
        "-f", policy, "--from-prometheus", address(prometheus), "--since", "1d",
        "--window", "1h", "-o", "json", "--replica-tokens-per-s", "10",
    )  # fmt: skip

    assert code == 0
    # 40 tokens a second for an hour.
    assert json.loads(out)["runs"]["without a limit"]["offeredTokens"] == 40 * 3600


def test_a_short_stretch_without_samples_holds_what_was_known(simulate, policy, prometheus):
    prometheus.answer = lambda asked: series(asked, lambda n: None if n in {100, 101} else "40")

    code, out, _ = simulate(
        "-f", policy, "--from-prometheus", address(prometheus), "--since", "1d",
        "--window", "1h", "-o", "json",
    )  # fmt: skip

    assert code == 0
    assert json.loads(out)["filledBins"] == 2


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (lambda asked: b"<html>", 200, "expected an answer to"),
        (lambda asked: {"status": "error"}, 400, "expected an answer to"),
        (lambda asked: {"data": {"result": []}}, 200, "expected one series"),
        (lambda asked: {"data": {"result": [{"metric": {}}]}}, 200, "a series of samples"),
        (lambda asked: {"data": {}}, 200, "expected an answer to"),
        (lambda asked: series(asked, lambda n: "NaN"), 200, "samples around"),
        (lambda asked: series(asked, lambda n: None if 9 < n < 90 else "1"), 200, "samples around"),
    ],
)
def test_a_bad_answer_of_prometheus_is_one_sentence(
    simulate, policy, prometheus, answer, code, said
):
    prometheus.answer, prometheus.code = answer, code

    exit_code, _, err = simulate(
        "-f", policy, "--from-prometheus", address(prometheus), "--since", "1d"
    )  # fmt: skip

    assert (exit_code, err.count("\n")) == (2, 1)
    assert said in err


def test_nobody_answering_is_one_sentence(simulate, policy):
    code, _, err = simulate("-f", policy, "--from-prometheus", "http://127.0.0.1:1")

    assert (code, err.count("\n")) == (2, 1)
    assert "http://127.0.0.1:1: expected an answer to" in err


def test_a_rolling_budget_is_played_and_stands_where_the_last_pass_found_it(
    simulate, trace, tmp_path
):
    budget = {
        **POLICY["spec"]["budgets"][0],
        "limit": {"cost": "10"},
        "window": {"type": "Rolling", "duration": "1h"},
    }
    spec = {**POLICY["spec"], "budgets": [budget]}
    policy = documents(tmp_path / "policy.yaml", {**POLICY, "spec": spec}, SHEET)
    steps = tmp_path / "steps.csv"

    code, out, _ = simulate(
        "-f", policy, "--trace", trace, "--window", "4h", "--history", "0h",
        "--replica-tokens-per-s", "10", "--timeline", steps, "-o", "json",
    )  # fmt: skip

    assert code == 0
    (stood,) = json.loads(out)["budgets"]
    with steps.open() as file:
        costs = [float(row["cost"]) for row in csv.DictReader(file)]
    # 240 steps of 15 s are an hour.
    hours = [sum(costs[max(0, end - 240) : end]) for end in range(1, len(costs) + 1)]
    assert max(hours) <= 10
    assert min(hours[480:]) >= 9
    assert (stood["windowStart"], stood["windowEnd"]) == (
        "2026-06-01T02:59:45Z",
        "2026-06-01T03:59:45Z",
    )
    assert float(stood["spent"]) == pytest.approx(hours[-1], abs=0.2)


LATENCY = {"quantile": "P95", "target": "2s"}
AN_HOUR = ("--window", "1h", "--history", "1d", "--replica-tokens-per-s", "10")


def test_a_policy_is_told_that_its_latency_is_not_simulated(simulate, trace, tmp_path):
    scaling = {**POLICY["spec"]["scaling"], "latency": LATENCY}
    spec = {**POLICY["spec"], "scaling": scaling}
    late = documents(tmp_path / "late.yaml", {**POLICY, "spec": spec}, SHEET)

    code, out, _ = simulate("-f", late, "--trace", trace, *AN_HOUR)
    found = json.loads(simulate("-f", late, "--trace", trace, *AN_HOUR, "-o", "json")[1])

    assert code == 0
    assert "scaling.latency is not simulated: the other signals decide alone" in out
    assert found["notSimulated"] == ["scaling.latency"]


def test_a_policy_that_follows_latency_alone_is_refused(simulate, trace, tmp_path):
    spec = {**POLICY["spec"], "scaling": {"latency": LATENCY}}
    alone = documents(tmp_path / "alone.yaml", {**POLICY, "spec": spec}, SHEET)

    code, _, err = simulate("-f", alone, "--trace", trace, *AN_HOUR)

    assert code == 2
    assert "expected another signal beside scaling.latency, which is not simulated" in err
