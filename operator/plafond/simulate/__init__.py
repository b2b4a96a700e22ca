"""The same core against recorded demand, without a cluster: what-if, and the pacing benchmark."""
