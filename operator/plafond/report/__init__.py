"""Say what was decided: conditions, status, Events, metrics, audit lines and the ledger."""
