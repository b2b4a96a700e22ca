"""One module per Kubernetes kind: raw JSON into slim frozen records."""
