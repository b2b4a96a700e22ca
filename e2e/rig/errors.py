"""What can go wrong with the rig, each in one sentence a person can act on."""


class RigError(Exception):
    """The rig cannot do what was asked; the message says why and what would help."""


class PortTakenError(RigError):
    """Another program took a port between finding it free and listening on it."""


class MissingBinaryError(RigError):
    """A program that the rig needs can neither be found, downloaded nor built."""
