"""The configuration file: what it means, and one sentence per field that means nothing."""

from datetime import timedelta

import pytest
import yaml

from plafond.api.writer import WriteTimeouts
from plafond.controller.address import Address
from plafond.controller.config import load_config
from plafond.controller.errors import ConfigError
from plafond.model.meters import Meter
from plafond.model.settings import SYSTEM_NAMESPACES, Settings
from plafond.observe.meters import DEFAULT_QUERIES

PROMETHEUS = {"url": "http://prometheus:9090"}


@pytest.fixture
def loaded(tmp_path):
    """Return the configuration that a file of these fields is."""

    def load(**fields):
        path = tmp_path / "plafond.yaml"
        path.write_text(yaml.safe_dump({"prometheus": PROMETHEUS, **fields}), encoding="utf-8")
        return load_config(path)

    return load


def test_an_address_of_prometheus_is_enough(loaded):
    config = loaded()

    assert config.prometheus.source.url == "http://prometheus:9090"
    assert config.settings == Settings()
    assert config.queries == DEFAULT_QUERIES
    assert (config.health_address, config.metrics_address) == (
        Address("0.0.0.0", 8080),  # noqa: S104 - what a pod listens on
        Address("0.0.0.0", 8081),  # noqa: S104 - what a pod listens on
    )


def test_everything_that_is_written_counts(loaded):
    config = loaded(
        prometheus={"url": "https://p", "timeout": "2s", "tokenFile": "/t", "caFile": "/c"},
        evaluationPeriod="30s",
        meters={"gpuUtilization": {"query": "my_gpu", "podLabel": "exported_pod"}},
        accelerators=["example.com/npu"],
        acceleratorPrefixes=["example.com/part-"],
        excludedNamespaces=["monitoring"],
        namespace="plafond",
        healthAddress="127.0.0.1:1",
        metricsAddress="[::1]:65535",
        timing={"raiseInterval": "90s", "statusInterval": "1m30s", "checkpointInterval": "1h"},
    )

    source, settings = config.prometheus.source, config.settings
    assert (source.timeout_seconds, str(source.token_file), str(source.ca_file)) == (2, "/t", "/c")
    assert settings.timing.evaluation_period == timedelta(seconds=30)
    assert settings.timing.raise_interval == timedelta(seconds=90)
    assert settings.excluded_namespaces == SYSTEM_NAMESPACES | {"monitoring", "plafond"}
    assert settings.is_accelerator("example.com/npu")
    assert settings.is_accelerator("example.com/part-1")
    assert not settings.is_accelerator("nvidia.com/gpu")
    assert (config.timing.status_interval, config.timing.checkpoint_interval) == (
        timedelta(seconds=90),
        timedelta(hours=1),
    )
    assert (config.health_address, config.metrics_address) == (
        Address("127.0.0.1", 1),
        Address("::1", 65535),
    )
    by_meter = {query.meter: query for query in config.queries}
    assert by_meter[Meter.GPU_UTILIZATION].query == "my_gpu"
    assert by_meter[Meter.GPU_UTILIZATION].labels.pod == "exported_pod"
    assert by_meter[Meter.RUNNING_REQUESTS] == DEFAULT_QUERIES[1]


def test_a_meter_without_a_default_is_asked_for_once_it_has_a_query(loaded):
    own = {"offeredTokensPerSecond": {"query": "offered", "podLabel": "workload"}}

    *defaults, offered = loaded(meters=own).queries

    assert tuple(defaults) == DEFAULT_QUERIES
    assert (offered.meter, offered.query) == (Meter.OFFERED_TOKENS_PER_SECOND, "offered")


def test_a_write_is_over_before_another_leader_may_begin(loaded):
    assert loaded().leader_election.write_timeouts == WriteTimeouts(3, 5)

    def timeouts(**lease):
        return loaded(leaderElection=lease).leader_election.write_timeouts

    assert timeouts(leaseDuration="13s", renewDeadline="11s") == WriteTimeouts(2, 2)
    assert timeouts(leaseDuration="1h", renewDeadline="10s") == WriteTimeouts(3, 10)


NO_DURATION = "is no duration up to a day, such as 15s, 5m or 1h30m"
NO_ADDRESS = "is no address such as 0.0.0.0:8080 or [::]:8080"
NO_URL = "is no address such as https://prometheus.monitoring.svc:9090"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"evaluationPeriod": 15}, f"evaluationPeriod: 15 {NO_DURATION}"),
        ({"evaluationPeriod": "15"}, f"evaluationPeriod: '15' {NO_DURATION}"),
        ({"evaluationPeriod": ""}, f"evaluationPeriod: '' {NO_DURATION}"),
        ({"evaluationPeriod": "soon"}, f"evaluationPeriod: 'soon' {NO_DURATION}"),
        ({"evaluationPeriod": "-5s"}, f"evaluationPeriod: '-5s' {NO_DURATION}"),
        ({"evaluationPeriod": "0s"}, f"evaluationPeriod: '0s' {NO_DURATION}"),
        ({"evaluationPeriod": "25h"}, f"evaluationPeriod: '25h' {NO_DURATION}"),
        ({"evaluationPeriod": None}, f"evaluationPeriod: None {NO_DURATION}"),
        ({"evaluationPeriod": "500ms"}, "evaluationPeriod: '500ms' is shorter than 1s"),
        ({"timing": {"raiseInterval": "1d"}}, f"timing.raiseInterval: '1d' {NO_DURATION}"),
        ({"timing": {"raiseinterval": "1m"}}, "timing.raiseinterval: there is no such field"),
        ({"timing": "fast"}, "timing: it must be a mapping of fields to values"),
        ({"evaluation": "15s"}, "evaluation: there is no such field"),
        ({"prometheus": {}}, "prometheus.url: it is required"),
        ({"prometheus": None}, "prometheus: it must be a mapping of fields to values"),
        ({"prometheus": {"url": 5}}, f"prometheus.url: 5 {NO_URL}"),
        ({"prometheus": {"url": "prometheus:9090"}}, f"prometheus.url: 'prometheus:9090' {NO_URL}"),
        ({"prometheus": {"url": "ftp://p"}}, f"prometheus.url: 'ftp://p' {NO_URL}"),
        ({"prometheus": {"url": "http://"}}, f"prometheus.url: 'http://' {NO_URL}"),
        (
            {"prometheus": {"url": "http://me:secret@p"}},
            "prometheus.url: credentials do not belong into an address; name a tokenFile",
        ),
        (
            {"prometheus": {"url": "ftp://me:secret@p"}},
            "prometheus.url: credentials do not belong into an address; name a tokenFile",
        ),
        (
            {"prometheus": {"url": "http://me:secret@[p"}},
            "prometheus.url: it is no address such as https://prometheus.monitoring.svc:9090",
        ),
        (
            {"prometheus": {"url": "https://p?token=secret"}},
            "prometheus.url: an address ends before the first ? or #",
        ),
        (
            {"prometheus": {**PROMETHEUS, "tokenFile": "/t"}},
            "prometheus: a tokenFile or caFile needs an address that begins with https://",
        ),
        (
            {"prometheus": {**PROMETHEUS, "caFile": "/c"}},
            "prometheus: a tokenFile or caFile needs an address that begins with https://",
        ),
        (
            {"prometheus": {**PROMETHEUS, "token": "secret"}},
            "prometheus.token: there is no such field",
        ),
        (
            {"prometheus": {**PROMETHEUS, "timeout": "0s"}},
            f"prometheus.timeout: '0s' {NO_DURATION}",
        ),
        (
            {"meters": {"words": {"query": "x"}}},
            f"meters.words: there is no such meter; there are {', '.join(Meter)}",
        ),
        ({"meters": {"gpuUtilization": {}}}, "meters.gpuUtilization.query: it is required"),
        (
            {"meters": {"gpuUtilization": {"query": ""}}},
            "meters.gpuUtilization.query: string should have at least 1 character",
        ),
        (
            {"meters": {"gpuUtilization": "x"}},
            "meters.gpuUtilization: it must be a mapping of fields to values",
        ),
        ({"meters": []}, "meters: it must be a mapping of fields to values"),
        ({"healthAddress": "8080"}, f"healthAddress: '8080' {NO_ADDRESS}"),
        ({"healthAddress": 8080}, f"healthAddress: '8080' {NO_ADDRESS}"),
        ({"healthAddress": "::1:8080"}, f"healthAddress: '::1:8080' {NO_ADDRESS}"),
        ({"healthAddress": "0.0.0.0:0"}, f"healthAddress: '0.0.0.0:0' {NO_ADDRESS}"),
        ({"metricsAddress": "0.0.0.0:65536"}, f"metricsAddress: '0.0.0.0:65536' {NO_ADDRESS}"),
        ({"metricsAddress": "http://a:80"}, f"metricsAddress: 'http://a:80' {NO_ADDRESS}"),
        ({"namespace": ""}, "namespace: string should have at least 1 character"),
        ({"accelerators": "nvidia.com/gpu"}, "accelerators: input should be a valid tuple"),
        ({"excludedNamespaces": [7]}, "excludedNamespaces.0: input should be a valid string"),
    ],
)
def test_a_bad_value_is_one_sentence_that_names_the_field(loaded, fields, sentence):
    with pytest.raises(ConfigError) as raised:
        loaded(**fields)

    first, *sentences = str(raised.value).splitlines()
    assert first.endswith("plafond.yaml is wrong:")
    assert sentences == [f"  {sentence}"]


def test_every_bad_field_has_its_own_sentence(loaded):
    with pytest.raises(ConfigError) as raised:
        loaded(namespace="", healthAddress="x", surprise=1)

    fields = [line.split(":")[0].strip() for line in str(raised.value).splitlines()[1:]]
    assert fields == ["namespace", "healthAddress", "surprise"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "prometheus: it is required"),
        (b"[]", "the file: it must be a mapping of fields to values"),
        (b"just words", "the file: it must be a mapping of fields to values"),
        (b"a: [", "is no YAML"),
        (b"\xff\xfe\xff", "is no YAML"),
        (b"a: !!python/object/apply:os.getcwd []", "is no YAML"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused(tmp_path, content, sentence):
    path = tmp_path / "plafond.yaml"
    path.write_bytes(content)

    with pytest.raises(ConfigError, match=sentence):
        load_config(path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere\.yaml cannot be read: No such file"):
        load_config(tmp_path / "nowhere.yaml")
