"""The real core as a governor: it sees snapshots, and what it plans is carried out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from plafond.decide.evaluate import Evaluation, evaluate
from plafond.model.autoscaler import Autoscaler
from plafond.model.memory import NamespaceRecord
from plafond.model.meters import Meter, MeterReading, PodKey
from plafond.model.settings import Settings, Timing
from plafond.simulate.cluster import Cluster, Scene
from plafond.simulate.play import Moment, Verdict
from plafond.simulate.world import STEP_S, Model, Sight

Meters = Callable[[Sight, tuple[PodKey, ...]], Mapping[Meter, MeterReading]]
# What the status of an autoscaler says at a moment, when so many replicas are asked for.
Hpa = Callable[[Moment], Autoscaler]
# Who is shown every evaluation, with its step.
Watch = Callable[[int, Evaluation], None]


def settings_for(model: Model) -> Settings:
    """Return the operator's settings in a world like *model*, where nobody counts accelerators."""
    timing = Timing(
        evaluation_period=timedelta(seconds=STEP_S),
        observation_lag=timedelta(seconds=model.lag_s),
        default_start_delay=timedelta(seconds=model.start_s),
    )
    return Settings(timing, accelerators=(), accelerator_prefixes=())


@dataclass(slots=True)
class Core:
    """
    The core, pass by pass, over one simulated cluster.

    Attributes:
        meters: what they say, given what can be seen and which replicas are ready.
        follows_wish: an autoscaler asks for replicas and the ceiling cuts; else the plan's counts.
        hpa: the autoscaler as the core sees it, where the policy does not scale by itself.

    """

    scene: Scene
    record: NamespaceRecord
    settings: Settings
    meters: Meters
    follows_wish: bool = True
    watch: Watch | None = None
    hpa: Hpa | None = None
    _cluster: Cluster | None = field(default=None, init=False)

    def decide(self, moment: Moment) -> Verdict:
        """Evaluate what can be seen, carry out the plan, and say what is asked for then."""
        cluster = self._cluster
        if cluster is None:
            cluster = self._cluster = Cluster(self.scene, moment.fleet.asked, self.record)
        cluster.look(moment.fleet, moment.step)
        meters = self.meters(moment.sight, cluster.ready)
        autoscaler = self.hpa(moment) if self.hpa is not None else None
        found = evaluate(cluster.snapshot(moment.step, meters, autoscaler), self.settings)
        name = self.scene.policy.namespace
        planned = cluster.carry_out(found.plan, found.records[name])
        if self.watch is not None:
            self.watch(moment.step, found)
        ceiling = cluster.ceiling
        if not self.follows_wish:
            recommended = found.judgements[0].decisions[0].recommended_replicas
            return Verdict(ceiling, planned, recommended)
        asked = moment.wish if ceiling is None else min(moment.wish, ceiling)
        cluster.replicas = asked
        return Verdict(ceiling, asked, moment.wish)
