"""The same core against recorded demand, without a cluster."""
