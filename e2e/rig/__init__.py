"""A real Kubernetes control plane on one machine; only machines and engines are played."""
