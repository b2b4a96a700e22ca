"""
The operator's configuration file: addresses, credentials, queries and pace.

Only administrators write it; nothing in it can be set through a resource of a tenant.
"""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import yaml
from durationpy import DurationError, from_str
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

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


class ConfigError(Exception):
    """The configuration file cannot be used; the message says which field, and what to do."""


def _duration(value: Any) -> Any:
    if not isinstance(value, str):
        msg = "write a duration such as 15s, 5m or 1h30m"
        raise ValueError(msg)  # noqa: TRY004 - pydantic turns a ValueError into a sentence
    try:
        return from_str(value)
    except DurationError as error:
        msg = f"{value!r} is no duration such as 15s, 5m or 1h30m"
        raise ValueError(msg) from error


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    Field(gt=timedelta(0), le=timedelta(days=1), validate_default=False),
]


class _Section(BaseModel):
    """Strict: an unknown or misspelt field is an error, not a default."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True
    )


class PrometheusConfig(_Section):
    """Where Prometheus is and how to be let in."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=2048)]
    timeout: Duration = timedelta(seconds=5)
    token_file: Path | None = None
    ca_file: Path | None = None

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
    namespace_label: str = "namespace"
    pod_label: str = "pod"


_TIMING = Timing()


class TimingConfig(_Section):
    """Durations of the decision, for tests in small windows; the defaults suit real ones."""

    observation_lag: Duration = _TIMING.observation_lag
    raise_interval: Duration = _TIMING.raise_interval
    bound_memory: Duration = _TIMING.bound_memory
    floor_return_interval: Duration = _TIMING.floor_return_interval
    probe_interval: Duration = _TIMING.probe_interval
    default_start_delay: Duration = _TIMING.default_start_delay
    guard_limit: Duration = _TIMING.guard_limit
    status_interval: Duration = timedelta(seconds=30)
    checkpoint_interval: Duration = timedelta(minutes=5)
    metrics_gap_reported_after: Duration = timedelta(minutes=1)


class Config(_Section):
    """The whole file."""

    prometheus: PrometheusConfig
    evaluation_period: Duration = timedelta(seconds=15)
    meters: dict[Meter, MeterConfig] = Field(default_factory=dict)
    accelerators: tuple[str, ...] = ACCELERATORS
    accelerator_prefixes: tuple[str, ...] = ACCELERATOR_PREFIXES
    excluded_namespaces: frozenset[str] = frozenset()
    namespace: str = "plafond-system"
    health_address: Annotated[str, Field(pattern=r"^[^:\s]+:[0-9]{1,5}$")] = "0.0.0.0:8080"
    metrics_address: Annotated[str, Field(pattern=r"^[^:\s]+:[0-9]{1,5}$")] = "0.0.0.0:8081"
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
        return tuple(own.get(default.meter, default) for default in DEFAULT_QUERIES)


def load_config(path: Path) -> Config:
    """Return the configuration in the file at *path*; raise `ConfigError` with a sentence."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"the configuration {path} cannot be read: {error.strerror}"
        raise ConfigError(msg) from error
    except yaml.YAMLError as error:
        msg = f"the configuration {path} is no YAML: {error}"
        raise ConfigError(msg) from error
    try:
        return Config.model_validate(raw or {})
    except ValidationError as error:
        lines = "; ".join(
            f"{'.'.join(str(part) for part in e['loc']) or 'the file'}: {e['msg']}"
            for e in error.errors(include_url=False)
        )
        msg = f"the configuration {path} is wrong: {lines}"
        raise ConfigError(msg) from error
