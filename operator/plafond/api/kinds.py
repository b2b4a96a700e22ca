"""Our kinds: under which names they are served, and which columns kubectl prints."""

from dataclasses import dataclass
from typing import Final, Literal

from pydantic import BaseModel

from plafond.api import constants
from plafond.api.cost_policy import CostPolicySpec
from plafond.api.cost_policy_status import CostPolicyStatus
from plafond.api.price_sheet import PriceSheetSpec, PriceSheetStatus
from plafond.api.spend_ledger import SpendLedgerSpec


@dataclass(frozen=True)
class Column:
    """One column of `kubectl get`; a wide one shows with `-o wide` only."""

    name: str
    path: str
    type: str = "string"
    is_wide: bool = False


@dataclass(frozen=True)
class Kind:
    """A custom resource as the API server is to serve it."""

    name: str
    plural: str
    singular: str
    short_name: str
    scope: Literal["Namespaced", "Cluster"]
    description: str
    spec: type[BaseModel]
    status: type[BaseModel] | None
    columns: tuple[Column, ...]


def _condition(kind: str, part: str = "status") -> str:
    return f'.status.conditions[?(@.type=="{kind}")].{part}'


AGE: Final = Column("Age", ".metadata.creationTimestamp", "date")

COST_POLICY: Final = Kind(
    name="CostPolicy",
    plural=constants.COST_POLICIES,
    singular="costpolicy",
    short_name="costpol",
    scope="Namespaced",
    description="Limits what the AI workloads of one namespace may cost.",
    spec=CostPolicySpec,
    status=CostPolicyStatus,
    columns=(
        Column("Mode", ".spec.mode"),
        Column("Used%", ".status.spentPercent", "integer"),
        Column("Spent", ".status.spent"),
        Column("Within", _condition("WithinBudget")),
        Column("Ready", _condition("Ready")),
        Column("Forecast%", ".status.forecastPercent", "integer", is_wide=True),
        Column("Burn/h", ".status.burnRatePerHour", is_wide=True),
        Column("Targets", ".status.targetCount", "integer", is_wide=True),
        Column("Reason", _condition("Ready", "reason"), is_wide=True),
        Column("Message", _condition("Ready", "message"), is_wide=True),
        AGE,
    ),
)

PRICE_SHEET: Final = Kind(
    name="PriceSheet",
    plural=constants.PRICE_SHEETS,
    singular="pricesheet",
    short_name="pricesheet",
    scope="Cluster",
    description="What a resource-hour costs on which nodes.",
    spec=PriceSheetSpec,
    status=PriceSheetStatus,
    columns=(
        Column("Currency", ".spec.currency"),
        Column("Valid from", ".spec.validFrom"),
        Column("Ready", _condition("Ready")),
        Column("Reason", _condition("Ready", "reason"), is_wide=True),
        Column("Message", _condition("Ready", "message"), is_wide=True),
        AGE,
    ),
)

SPEND_LEDGER: Final = Kind(
    name="SpendLedger",
    plural=constants.SPEND_LEDGERS,
    singular="spendledger",
    short_name="ledger",
    scope="Namespaced",
    description="What a namespace has spent over time; written by the operator only.",
    spec=SpendLedgerSpec,
    status=None,
    columns=(
        Column("As of", ".spec.asOf"),
        Column("Closed since", ".spec.closed.since"),
        Column("Until", ".spec.closed.until"),
        AGE,
    ),
)

KINDS: Final = (COST_POLICY, PRICE_SHEET, SPEND_LEDGER)
