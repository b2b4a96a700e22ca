"""
The operator's configuration file: addresses, credentials, queries and pace.

Only administrators write it; nothing in it can be set through a resource of a tenant.
"""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Self
from urllib.parse import urlsplit

import yaml
from durationpy import from_str
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from plafond.api.writer import WriteTimeouts
from plafond.controller.address import Address
from plafond.controller.errors import ConfigError
from plafond.controller.leadership import LeaseTiming
from plafond.model.meters import Meter
from plafond.model.settings import (
    ACCELERATOR_PREFIXES,
    ACCELERATORS,
    SYSTEM_NAMESPACES,
    Settings,
    Timing,
)
from plafond.observe.meter_samples import SampleLabels
from plafond.observe.meter_source import MeterSource
from plafond.observe.meters import DEFAULT_QUERIES, MeterQuery

LONGEST_DURATION: Final = timedelta(days=1)
# More often asks more of Prometheus than anybody can see in it.
SHORTEST_PERIOD: Final = timedelta(seconds=1)
# As durations are written in all of Kubernetes (GEP-2257); the parser alone knows weeks and years.
_DURATION: Final = re.compile(r"([0-9]{1,5}(h|m|s|ms)){1,4}")


def _duration(value: Any) -> timedelta:
    found = value
    if isinstance(value, str) and _DURATION.fullmatch(value):
        found = from_str(value)
    if not isinstance(found, timedelta) or not timedelta(0) < found <= LONGEST_DURATION:
        msg = f"{value!r} is no duration up to a day, such as 15s, 5m or 1h30m"
        raise ValueError(msg)
    return found


def _period(value: Any) -> timedelta:
    found = _duration(value)
    if found < SHORTEST_PERIOD:
        msg = f"{value!r} is shorter than 1s"
        raise ValueError(msg)
    return found


def _url(value: Any) -> str:
    # What is wrong is not quoted before it is known to hold no credentials.
    try:
        parts = urlsplit(value) if isinstance(value, str) else urlsplit("")
    except ValueError:
        msg = "it is no address such as https://prometheus.monitoring.svc:9090"
        raise ValueError(msg) from None
    if "@" in parts.netloc:
        msg = "credentials do not belong into an address; name a tokenFile"
        raise ValueError(msg)
    if parts.query or parts.fragment:
        msg = "an address ends before the first ? or #"
        raise ValueError(msg)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        msg = f"{value!r} is no address such as https://prometheus.monitoring.svc:9090"
        raise ValueError(msg)
    return str(value)


def _address(value: Any) -> Address:
    return value if isinstance(value, Address) else Address.parse(str(value))


def _server_url(value: Any) -> str:
    parts = urlsplit(value) if isinstance(value, str) else None
    if parts is None or parts.scheme != "https" or not parts.hostname or parts.username:
        msg = f"{value!r} is no address such as https://10.0.0.1:6443"
        raise ValueError(msg)
    return str(value).rstrip("/")


Duration = Annotated[timedelta, BeforeValidator(_duration)]
ServerUrl = Annotated[str, BeforeValidator(_server_url)]
Period = Annotated[timedelta, BeforeValidator(_period)]
Listen = Annotated[Address, BeforeValidator(_address)]
Name = Annotated[str, Field(min_length=1, max_length=253)]


class _Section(BaseModel):
    """Strict: an unknown or misspelt field is an error, not a default."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        arbitrary_types_allowed=True,
    )


class PrometheusConfig(_Section):
    """Where Prometheus is and how to be let in."""

    url: Annotated[str, BeforeValidator(_url), Field(max_length=2048)]
    timeout: Duration = timedelta(seconds=5)
    token_file: Path | None = None
    ca_file: Path | None = None

    @model_validator(mode="after")
    def _nothing_in_the_clear(self) -> Self:
        is_guarded = self.token_file is not None or self.ca_file is not None
        if is_guarded and urlsplit(self.url).scheme != "https":
            msg = "a tokenFile or caFile needs an address that begins with https://"
            raise ValueError(msg)
        return self

    @property
    def source(self) -> MeterSource:
        """The same, for the adapter."""
        return MeterSource(
            self.url,
            timeout_seconds=self.timeout.total_seconds(),
            token_file=self.token_file,
            ca_file=self.ca_file,
        )


class MeterConfig(_Section):
    """One meter: its query, and which labels of the answer name the pod."""

    query: Annotated[str, Field(min_length=1, max_length=4096)]
    namespace_label: Name = "namespace"
    pod_label: Name = "pod"


_TIMING = Timing()
_LEASE = LeaseTiming()


class TimingConfig(_Section):
    """Durations of the decision, for tests in small windows; the defaults suit real ones."""

    observation_lag: Duration = _TIMING.observation_lag
    raise_interval: Duration = _TIMING.raise_interval
    bound_memory: Duration = _TIMING.bound_memory
    floor_return_interval: Duration = _TIMING.floor_return_interval
    probe_interval: Duration = _TIMING.probe_interval
    default_start_delay: Duration = _TIMING.default_start_delay
    guard_limit: Duration = _TIMING.guard_limit
    brake_interval: Duration = _TIMING.brake_interval
    release_delay: Duration = _TIMING.release_delay
    history_patience: Duration = _TIMING.history_patience
    status_interval: Duration = timedelta(seconds=30)
    checkpoint_interval: Duration = timedelta(minutes=5)
    metrics_gap_reported_after: Duration = timedelta(minutes=1)
    admission_probe_interval: Duration = timedelta(minutes=1)


class LeaderElectionConfig(_Section):
    """How one of several operators is chosen; durations as in Kubernetes' own programs."""

    enabled: bool = True
    lease_duration: Duration = _LEASE.duration
    renew_deadline: Duration = _LEASE.renew_deadline
    retry_period: Duration = _LEASE.retry_period

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.retry_period < self.renew_deadline < self.lease_duration:
            msg = "retryPeriod must be less than renewDeadline, and that less than leaseDuration"
            raise ValueError(msg)
        return self

    @property
    def timing(self) -> LeaseTiming:
        """The same, for the election."""
        return LeaseTiming(self.lease_duration, self.renew_deadline, self.retry_period)

    @property
    def write_timeouts(self) -> WriteTimeouts:
        """How long a write may take: it must be over before another leader can begin."""
        most, usual = self.timing.longest_write.total_seconds(), WriteTimeouts()
        return WriteTimeouts(min(usual.connect_seconds, most), min(usual.total_seconds, most))


class Config(_Section):
    """The whole file."""

    prometheus: PrometheusConfig
    evaluation_period: Period = timedelta(seconds=15)
    meters: dict[Meter, MeterConfig] = Field(default_factory=dict)
    accelerators: tuple[Name, ...] = ACCELERATORS
    accelerator_prefixes: tuple[Name, ...] = ACCELERATOR_PREFIXES
    excluded_namespaces: frozenset[Name] = frozenset()
    namespace: Name = "plafond-system"
    api_servers: tuple[ServerUrl, ...] = ()
    health_address: Listen = Address("0.0.0.0", 8080)  # noqa: S104 - a pod's probes come from outside
    metrics_address: Listen = Address("0.0.0.0", 8081)  # noqa: S104 - as does Prometheus
    leader_election: LeaderElectionConfig = Field(default_factory=LeaderElectionConfig)
    timing: TimingConfig = Field(default_factory=TimingConfig)

    @property
    def settings(self) -> Settings:
        """What of this the pure part of the pass depends on."""
        return Settings(
            Timing(
                evaluation_period=self.evaluation_period,
                observation_lag=self.timing.observation_lag,
                raise_interval=self.timing.raise_interval,
                bound_memory=self.timing.bound_memory,
                floor_return_interval=self.timing.floor_return_interval,
                probe_interval=self.timing.probe_interval,
                default_start_delay=self.timing.default_start_delay,
                guard_limit=self.timing.guard_limit,
                brake_interval=self.timing.brake_interval,
                release_delay=self.timing.release_delay,
                history_patience=self.timing.history_patience,
            ),
            SYSTEM_NAMESPACES | self.excluded_namespaces | {self.namespace},
            self.accelerators,
            self.accelerator_prefixes,
        )

    @property
    def queries(self) -> tuple[MeterQuery, ...]:
        """One query per meter: the configured ones, else the defaults for DCGM and vLLM."""
        own = {
            meter: MeterQuery(
                meter, entry.query, SampleLabels(entry.namespace_label, entry.pod_label)
            )
            for meter, entry in self.meters.items()
        }
        return tuple(({default.meter: default for default in DEFAULT_QUERIES} | own).values())


def load_config(path: Path) -> Config:
    """Return the configuration in the file at *path*; raise `ConfigError` with a sentence."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"the configuration {path} cannot be read: {error.strerror}"
        raise ConfigError(msg) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        msg = f"the configuration {path} is no YAML: {error}"
        raise ConfigError(msg) from error
    try:
        return Config.model_validate({} if raw is None else raw)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False)
        sentences = "".join(f"\n  {_field(each)}: {_sentence(each)}" for each in found)
        msg = f"the configuration {path} is wrong:{sentences}"
        raise ConfigError(msg) from error


def _field(error: ErrorDetails) -> str:
    return ".".join(str(part) for part in error["loc"] if part != "[key]") or "the file"


def _sentence(error: ErrorDetails) -> str:
    match error["type"]:
        case "missing":
            return "it is required"
        case "extra_forbidden":
            return "there is no such field"
        case "model_type" | "dict_type":
            return "it must be a mapping of fields to values"
        case "enum":
            return f"there is no such meter; there are {', '.join(Meter)}"
        case "value_error":
            return error["msg"].removeprefix("Value error, ")
    text = error["msg"]
    return f"{text[0].lower()}{text[1:]}"
