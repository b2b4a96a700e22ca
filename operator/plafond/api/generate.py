"""`python -m plafond.api.generate crds`: write every CustomResourceDefinition into a folder."""

import sys
from pathlib import Path

from plafond.api.crd import text
from plafond.api.kinds import KINDS


def generate(folder: Path) -> list[Path]:
    """Write one file for each kind into *folder* and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / f"{kind.plural}.yaml" for kind in KINDS]
    for kind, path in zip(KINDS, written, strict=True):
        path.write_text(text(kind), encoding="utf-8")
    return written


def main(arguments: list[str]) -> int:
    """Generate into the folder that *arguments* name, `crds` when they name none."""
    for path in generate(Path(*arguments[:1] or ["crds"])):
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
