"""
`python -m plafond.api.generate crds`: write every CustomResourceDefinition into a folder.

A second argument names the folder for the reference pages, `docs/reference` when absent.
"""

import sys
from pathlib import Path
from typing import Final

from plafond.api.crd import text
from plafond.api.kinds import KINDS
from plafond.api.reference import page

FOLDERS: Final = ("crds", "docs/reference")


def generate(crds: Path, reference: Path) -> list[Path]:
    """Write a definition and a reference page for each kind, and return their paths."""
    pages = {crds / f"{kind.plural}.yaml": text(kind) for kind in KINDS}
    pages |= {reference / f"{kind.singular}.md": page(kind) for kind in KINDS}
    for path, content in pages.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return list(pages)


def main(arguments: list[str]) -> int:
    """Generate into the folders that *arguments* name."""
    crds, reference = (*arguments, *FOLDERS[len(arguments) :])
    for path in generate(Path(crds), Path(reference)):
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
