"""The rig keeps its own promises: what the other stories stand on."""

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from e2e.rig.cluster import Rig
from e2e.rig.demand import read_recording
from e2e.rig.engine import Kind, Profile
from e2e.rig.install import REPOSITORY
from e2e.rig.manifests import EngineShape, deployment, job
from e2e.rig.nodes import GPU_NODES
from e2e.rig.polling import poll
from e2e.rig.reaper import processes_of

TWO_DAYS = REPOSITORY / "e2e" / "rig" / "demand" / "two-days.csv"


def lives_in(rig, namespace, count=1):
    """Return the pod lifetimes of *namespace* once all *count* of them are ready."""
    return poll(
        lambda: (
            len(ready := [life for life in rig.audit.pod_lifetimes(namespace) if life.ready_at])
            == count
            and ready
        ),
        what=f"{count} ready pods in {namespace}",
    )


def value(rig, promql):
    rows = rig.query(promql)
    return rows[0].value if rows else None


def test_a_pod_is_ready_its_start_delay_after_it_was_scheduled(rig, namespace):
    rig.apply(deployment(namespace, "chat", 2, EngineShape(start_delay="2s")))

    for life in lives_in(rig, namespace, count=2):
        assert life.owner == "Deployment/chat"
        waited = life.ready_at - life.scheduled_at
        assert timedelta(seconds=2) <= waited < timedelta(seconds=3.5)


def test_a_pod_terminates_for_its_grace_period(rig, namespace):
    rig.apply(deployment(namespace, "chat", 1, EngineShape(grace_seconds=2)))
    lives_in(rig, namespace)

    rig.kubectl("scale", "deployment/chat", f"--namespace={namespace}", "--replicas=0")

    life = poll(lambda: next((x for x in rig.audit.pod_lifetimes(namespace) if x.gone_at), None))
    (asked, *_) = [x for x in rig.audit.writes() if (x.verb, x.name) == ("delete", life.name)]
    terminating = life.gone_at - asked.at
    assert timedelta(seconds=2) <= terminating < timedelta(seconds=3.5)


def test_a_jobs_pod_succeeds_after_its_run_time_and_is_paid_no_longer(rig, namespace):
    rig.apply(job(namespace, "train", run_for="1"))

    path = f"/apis/batch/v1/namespaces/{namespace}/jobs/train"
    poll(lambda: rig.get(path).get("status", {}).get("succeeded") == 1, what="the Job to succeed")

    (life,) = rig.audit.pod_lifetimes(namespace)
    ran = life.ended_at - life.ready_at
    assert timedelta(seconds=1) <= ran < timedelta(seconds=2.5)
    tomorrow = life.ended_at + timedelta(days=1)
    assert life.paid(life.created_at, tomorrow) == life.ended_at - life.scheduled_at


def test_the_audit_log_knows_who_wrote_and_what_came_of_it(rig, namespace):
    rig.apply(deployment(namespace, "chat", replicas=0))

    refused = rig.kubectl(
        "scale", "deployment/chat", f"--namespace={namespace}", "--replicas=3", as_user="eve"
    )

    assert refused.returncode == 1
    assert 'User "eve" cannot' in refused.stderr
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/chat"
    assert rig.get(path)["spec"]["replicas"] == 0
    (write,) = rig.audit.writes_by("admin", resource="deployments", namespace=namespace)
    assert (write.verb, write.code) == ("create", 201)


def test_load_beyond_capacity_queues_until_more_replicas_are_ready(rig, namespace):
    workload = f"{namespace}/chat"
    # One replica runs 4 requests of 1 s at once; 6 per second are too many for it, not for two.
    profile = Profile(service_seconds=1, concurrency_per_replica=4, queue_timeout_seconds=20)
    rig.fleet.set_profile(workload, profile)
    rig.apply(deployment(namespace, "chat", replicas=1))
    lives_in(rig, namespace)

    rig.fleet.set_demand(workload, requests_per_second=6)

    of = f'{{namespace="{namespace}"}}'
    waiting, running = f"sum(vllm:num_requests_waiting{of})", f"sum(vllm:num_requests_running{of})"
    poll(lambda: (value(rig, waiting) or 0) > 2, what="a queue")
    assert value(rig, running) == pytest.approx(4, rel=0.05)
    assert value(rig, f"avg(DCGM_FI_DEV_GPU_UTIL{of})") == pytest.approx(100, abs=1)
    rig.kubectl("scale", "deployment/chat", f"--namespace={namespace}", "--replicas=2")
    poll(lambda: value(rig, waiting) == 0, what="the queue to drain")
    poll(lambda: value(rig, running) == pytest.approx(6, rel=0.05), what="six running requests")
    assert rig.fleet.served()[workload].dropped == 0
    rig.fleet.set_demand(workload, requests_per_second=0)


def test_an_embedding_engines_gpus_show_its_load(rig, namespace):
    workload = f"{namespace}/embed"
    # Two replicas serve 5 per second each: 4 per second are 40 %.
    profile = Profile(Kind.EMBEDDING, service_seconds=0.2, concurrency_per_replica=1)
    rig.fleet.set_profile(workload, profile)
    rig.apply(deployment(namespace, "embed", 2, EngineShape(gpus=2)))
    lives_in(rig, namespace, count=2)

    rig.fleet.set_demand(workload, requests_per_second=4)

    utilization = f'DCGM_FI_DEV_GPU_UTIL{{namespace="{namespace}"}}'
    poll(lambda: value(rig, f"avg({utilization})") == pytest.approx(40, rel=0.02), what="40 %")
    assert value(rig, f"count({utilization})") == 4
    rig.fleet.set_demand(workload, requests_per_second=0)


def test_a_recording_is_played_at_the_chosen_speed(rig, namespace):
    workload = f"{namespace}/chat"

    lasts = rig.fleet.play(TWO_DAYS, seconds_per_row=0.05, workloads={"chat": workload})

    assert lasts == pytest.approx(48 * 0.05)
    poll(lambda: rig.fleet.served().get(workload), what="the recording to begin")
    over = poll(lambda: (s := rig.fleet.served()[workload]).requests_per_second == 0 and s)
    recorded = sum(read_recording(TWO_DAYS).steps["chat"].requests_per_second) * 0.05
    assert over.offered == pytest.approx(recorded, rel=0.3)
    rig.fleet.end_demand()


def test_prometheus_scrapes_the_fleet(rig):
    poll(lambda: value(rig, 'up{job="fleet"}') == 1, what="a scrape of the fleet")


def test_the_operators_kubeconfig_speaks_as_its_service_account(rig):
    path = rig.service_account_kubeconfig("kube-system", "default")

    who = rig.kubectl(f"--kubeconfig={path}", "auth", "whoami", "--output=json")

    assert json.loads(who.stdout)["status"]["userInfo"]["username"] == (
        "system:serviceaccount:kube-system:default"
    )


@pytest.fixture
def rig_of_its_own():
    with Rig() as started:
        yield started


def test_a_killed_api_server_comes_back_with_everything_it_knew(rig_of_its_own):
    rig = rig_of_its_own
    rig.add_nodes(GPU_NODES[:1])
    rig.apply(deployment("default", "chat", replicas=0))

    rig.api_server.kill()
    assert rig.kubectl("get", "deployment", "chat").returncode != 0
    rig.api_server.start()

    # Controllers, scheduler, KWOK and the fleet find their way back, too.
    rig.kubectl("scale", "deployment/chat", "--replicas=1")
    lives_in(rig, "default")
    poll(lambda: value(rig, "count(DCGM_FI_DEV_GPU_UTIL)") == 1, what="the fleet to see the pod")


def test_a_rig_that_is_stopped_leaves_no_process_and_no_directory():
    with Rig() as rig:
        directory = rig.directory
        assert processes_of(directory)

    assert processes_of(directory) == []
    assert not directory.exists()


CALLER = """
import threading
from e2e.rig.cluster import Rig
rig = Rig()
rig.start()
print(rig.directory, rig._home.watched.pid, flush=True)
threading.Event().wait()
"""


@pytest.fixture
def caller():
    """Another process with a rig: the process, the rig's folder and its reaper's id."""
    process = subprocess.Popen(  # noqa: S603 - our own code in our own Python
        [sys.executable, "-c", CALLER], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )
    directory, reaper = process.stdout.readline().split()
    assert len(processes_of(Path(directory))) == 7
    yield process, Path(directory), int(reaper)
    process.communicate()


def test_a_caller_that_is_killed_leaves_no_process(caller):
    process, directory, _ = caller

    process.kill()

    poll(lambda: not processes_of(directory), deadline=10, what="the reaper to end them all")


def test_what_a_killed_reaper_left_is_ended_by_the_next_rig(caller):
    process, directory, reaper = caller

    os.kill(reaper, signal.SIGKILL)
    process.kill()
    process.wait()
    assert len(processes_of(directory)) == 7

    with Rig():
        assert processes_of(directory) == []
        # Its data are gone; its logs stay a day, because a failure may point at them.
        assert not (directory / "etcd").exists()
        assert (directory / "kube-apiserver.log").exists()
