"""The command `kubectl plafond`: reads what the operator left in the cluster, and explains it."""
