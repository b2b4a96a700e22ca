"""What the operator's configuration decides, for the pure part of the pass."""

from dataclasses import dataclass, field
from datetime import timedelta

SYSTEM_NAMESPACES = frozenset({"kube-system", "kube-public", "kube-node-lease"})

ACCELERATORS = (
    "nvidia.com/gpu",
    "amd.com/gpu",
    "google.com/tpu",
    "aws.amazon.com/neuron",
    "aws.amazon.com/neuroncore",
)
# MIG profiles are resources of their own: nvidia.com/mig-1g.10gb and so on.
ACCELERATOR_PREFIXES = ("nvidia.com/mig-",)


@dataclass(frozen=True, slots=True)
class Timing:
    """
    How fast the operator looks, tightens and relaxes.

    Attributes:
        evaluation_period: between two passes.
        observation_lag: how old what Prometheus says may be.
        raise_interval: a ceiling that bound is raised at most this often.
        bound_memory: for so long after it bound, a ceiling is raised in steps only.
        floor_return_interval: a dropped floor returns at most this often.
        probe_interval: the least time between two probes of censored demand.
        default_start_delay: from scheduled to ready, before any pod has shown it.
        guard_limit: the longest horizon that the guard looks ahead.
        brake_interval: in it, a change of policy or price lowers no more than the brake allows.
        release_delay: for so long a deleted policy stays in force.
        history_patience: for so long nothing is raised while needed history cannot be read.

    """

    evaluation_period: timedelta = timedelta(seconds=15)
    observation_lag: timedelta = timedelta(seconds=15)
    raise_interval: timedelta = timedelta(minutes=1)
    bound_memory: timedelta = timedelta(minutes=5)
    floor_return_interval: timedelta = timedelta(minutes=10)
    probe_interval: timedelta = timedelta(minutes=1)
    default_start_delay: timedelta = timedelta(minutes=2)
    guard_limit: timedelta = timedelta(hours=4)
    brake_interval: timedelta = timedelta(minutes=10)
    release_delay: timedelta = timedelta(minutes=10)
    history_patience: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything but the facts that a decision depends on."""

    timing: Timing = field(default_factory=Timing)
    excluded_namespaces: frozenset[str] = SYSTEM_NAMESPACES | {"plafond-system"}
    accelerators: tuple[str, ...] = ACCELERATORS
    accelerator_prefixes: tuple[str, ...] = ACCELERATOR_PREFIXES

    def is_accelerator(self, resource: str) -> bool:
        """Say whether *resource* is counted as an accelerator."""
        return resource in self.accelerators or resource.startswith(self.accelerator_prefixes)
