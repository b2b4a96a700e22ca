"""The process: kopf, the clock and the loop that runs a pass."""
