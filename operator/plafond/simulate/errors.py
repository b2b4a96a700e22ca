"""What cannot be simulated, in one sentence for whoever asked."""


class SimulationError(Exception):
    """A trace, policy or question means nothing: where it stands, and what was expected."""
