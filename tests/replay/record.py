"""Write down what is decided now on every recorded snapshot: `python -m tests.replay.record`."""

from tests.builders import SETTINGS
from tests.replay.recorded import described, names, read_snapshot, write_decisions

from plafond.decide.evaluate import evaluate


def main() -> None:
    for name in names():
        write_decisions(name, described(evaluate(read_snapshot(name), SETTINGS)))


if __name__ == "__main__":
    main()
