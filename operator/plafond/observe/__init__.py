"""I/O in: what the cluster and Prometheus say, as one snapshot."""
