"""Pure: what things cost, what was spent, and where each budget stands."""
