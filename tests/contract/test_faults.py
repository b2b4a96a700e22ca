"""The table of faults: every number once, and every test that it names is there."""

import ast
import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (\d+) \|.*\|$", PAGE, re.MULTILINE)
NAMED = re.findall(r"`((?:e2e|tests)/\S+\.py)::(\w+)`", PAGE)
NUMBERS = range(1, 68)


def functions_in(path: Path) -> set[str]:
    """Return the names of all functions in a file, those in classes among them."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, functions)}


def test_every_number_stands_in_the_table_once():
    assert Counter(map(int, ROWS)) == Counter(NUMBERS)


def test_every_test_that_is_named_exists():
    missing = [f"{file}::{name}" for file, name in NAMED if name not in functions_in(ROOT / file)]

    assert missing == []


def test_what_applies_names_a_test():
    applies, _, _ = PAGE.partition("## Not yet")
    rows = [line for line in applies.splitlines() if re.match(r"\| \d+ \|", line)]

    assert [row for row in rows if "::" not in row] == []
