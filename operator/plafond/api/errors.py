"""What is wrong with a resource that the API server let through, in words for its author."""


class InvalidResource(Exception):  # noqa: N818 - it names the resource's fault, not the program's
    """A resource means nothing to the model: which *field*, and one *sentence* that says why."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(f"{field}: {sentence}")
        self.field = field
        self.sentence = sentence
