"""Why the operator cannot run, in a sentence for whoever started it."""

import kopf


class ConfigError(Exception):
    """The configuration file cannot be used; the message says which field, and what to do."""


class StartError(kopf.PermanentError):
    """The operator cannot start; the message says what is missing or in the way."""
