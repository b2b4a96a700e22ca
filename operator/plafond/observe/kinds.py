"""The kinds that are observed: where each is listed, and how it becomes a record."""

from typing import Final

from plafond.api.constants import (
    API_VERSION,
    COST_POLICIES,
    MONTH,
    PRICE_SHEETS,
    QUOTA_NAME,
    SPEND_LEDGERS,
)
from plafond.model.capacity import Node, PriceSheet
from plafond.model.policy import CostPolicy, InvalidPolicy
from plafond.model.snapshot import Namespace
from plafond.model.workload import DisruptionBudget, Workload
from plafond.observe.records import (
    deployments,
    disruption_budgets,
    hpas,
    ledgers,
    namespaces,
    nodes,
    pods,
    policies,
    price_sheets,
    quotas,
    replicasets,
    statefulsets,
    workloads,
)
from plafond.observe.records.hpas import HpaRecord
from plafond.observe.records.ledgers import ClosedRecord, LedgerRecord
from plafond.observe.records.pods import PodRecord
from plafond.observe.records.quotas import QuotaRecord
from plafond.observe.records.replicasets import ReplicaSetRecord
from plafond.observe.store import Kind

_OURS: Final = f"/apis/{API_VERSION}"

POLICIES: Final[Kind[CostPolicy | InvalidPolicy]] = Kind(
    "CostPolicies", f"{_OURS}/{COST_POLICIES}", policies.parse
)
PRICES: Final[Kind[PriceSheet]] = Kind("PriceSheets", f"{_OURS}/{PRICE_SHEETS}", price_sheets.parse)
# Days and months that are closed are for people, and would be most of what is listed.
LEDGERS: Final[Kind[LedgerRecord | ClosedRecord]] = Kind(
    "SpendLedgers",
    f"{_OURS}/{SPEND_LEDGERS}",
    ledgers.parse,
    is_relevant=ledgers.is_relevant,
    selection={"labelSelector": f"!{MONTH}"},
)
NAMESPACES: Final[Kind[Namespace]] = Kind("Namespaces", "/api/v1/namespaces", namespaces.parse)
NODES: Final[Kind[Node]] = Kind("Nodes", "/api/v1/nodes", nodes.parse)
PODS: Final[Kind[PodRecord]] = Kind(
    "Pods", "/api/v1/pods", pods.parse, settle=pods.settle, keeps_vanished=True
)
# Kept when they vanish, because their last pods outlive them for as long as they terminate.
REPLICA_SETS: Final[Kind[ReplicaSetRecord]] = Kind(
    "ReplicaSets", "/apis/apps/v1/replicasets", replicasets.parse, keeps_vanished=True
)
DEPLOYMENTS: Final[Kind[Workload]] = Kind(
    "Deployments",
    "/apis/apps/v1/deployments",
    deployments.parse,
    is_relevant=workloads.is_relevant,
)
STATEFUL_SETS: Final[Kind[Workload]] = Kind(
    "StatefulSets",
    "/apis/apps/v1/statefulsets",
    statefulsets.parse,
    is_relevant=workloads.is_relevant,
)
HPAS: Final[Kind[HpaRecord]] = Kind(
    "HorizontalPodAutoscalers", "/apis/autoscaling/v2/horizontalpodautoscalers", hpas.parse
)
# Those of others are none of our business, however many there are.
QUOTAS: Final[Kind[QuotaRecord]] = Kind(
    "ResourceQuotas",
    "/api/v1/resourcequotas",
    quotas.parse,
    selection={"fieldSelector": f"metadata.name={QUOTA_NAME}"},
)
DISRUPTION_BUDGETS: Final[Kind[DisruptionBudget | None]] = Kind(
    "PodDisruptionBudgets",
    "/apis/policy/v1/poddisruptionbudgets",
    disruption_budgets.parse,
)
