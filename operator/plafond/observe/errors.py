"""What can go wrong while looking at the world, in words for a person."""


class ObservationError(Exception):
    """A source did not answer, or not with what was asked for."""


class ExpiredError(ObservationError):
    """The API server no longer has the version that a list or watch continued from (410 Gone)."""


class SilenceError(ObservationError):
    """A watch said nothing for so long that its connection can no longer be believed."""
