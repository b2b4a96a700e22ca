"""Plafond: hard cost ceilings for AI workloads on Kubernetes."""
