"""What ends a command early, with its sentence and its exit code."""

from typing import Final

EXIT_FAILED: Final = 1
EXIT_BAD_INPUT: Final = 2
EXIT_OVER_BUDGET: Final = 3


class CommandError(Exception):
    """A command cannot go on; *code* is what it exits with."""

    def __init__(self, sentence: str, code: int = EXIT_FAILED) -> None:
        super().__init__(sentence)
        self.code = code


class BadInputError(CommandError):
    """What was asked for means nothing."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, EXIT_BAD_INPUT)
