"""Pure nouns: money, windows, budgets, workloads, capacity, the snapshot and the memory."""
