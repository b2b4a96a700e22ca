"""The names under which the API server knows our group. Nothing else belongs here."""

from typing import Final

GROUP: Final = "plafond.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"
CATEGORY: Final = "cost"

COST_POLICIES: Final = "costpolicies"
PRICE_SHEETS: Final = "pricesheets"
SPEND_LEDGERS: Final = "spendledgers"

# Who owns the fields that the operator writes; a replica count of another owner was chosen by
# people or an autoscaler.
FIELD_MANAGER: Final = "plafond"
# The manifests name it: admission lets its annotations stand, and nobody else's.
SERVICE_ACCOUNT: Final = "plafond"
# There is one ledger in a namespace, and what was closed: the past that it continues, called by a
# digest of what is in it; and its days and months, which bear the label and are for people.
LEDGER_NAME: Final = "plafond"
PAST_PREFIX: Final = "plafond-past-"
MONTH: Final = "plafond.dev/month"
# So is there one quota; the label says that it is ours, so that one that others made stays theirs.
QUOTA_NAME: Final = "plafond"
MANAGED_BY: Final = "app.kubernetes.io/managed-by"
OURS: Final = "plafond"
