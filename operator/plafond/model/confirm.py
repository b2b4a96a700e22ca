"""How somebody says that a change is meant, so that the brake lets it act at once."""

CONFIRM = "plafond.dev/confirm"


def confirm_command(resource: str, generation: int) -> str:
    """Return the command that confirms *generation* of *resource*, as `kind/name`."""
    return f"kubectl annotate --overwrite {resource} {CONFIRM}={generation}"
