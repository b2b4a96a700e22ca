"""What there is to say about a workload or a policy: values made of values, no I/O."""
