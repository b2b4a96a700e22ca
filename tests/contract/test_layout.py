"""The layout of the source: what Python must not mistake, and what a reader can take in."""

import ast
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "operator"
PACKAGE = SOURCE / "plafond"
MODULES = sorted(PACKAGE.rglob("*.py"))
PACKAGES = sorted({path.parent for path in MODULES})

LONGEST_FUNCTION = 40
LONGEST_FILE = 400


def name(path: Path) -> str:
    return str(path.relative_to(SOURCE))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def test_the_source_root_does_not_hide_the_standard_library_s_operator():
    # With an __init__.py, Python would take this folder for its own module from the root.
    assert not (SOURCE / "__init__.py").exists()
    assert [path.name for path in SOURCE.iterdir() if path.name != "__pycache__"] == ["plafond"]


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_no_module_is_called_like_one_of_the_standard_library(path):
    # Whoever runs a file puts its folder first on the path, and a sibling replaces the real module.
    assert path.stem.startswith("__") or path.stem not in sys.stdlib_module_names


@pytest.mark.parametrize("path", PACKAGES, ids=name)
def test_a_package_says_what_it_is_for_and_holds_nothing_else(path):
    (body,) = tree(path / "__init__.py").body

    assert isinstance(body, ast.Expr)
    assert isinstance(body.value, ast.Constant)
    assert str(body.value.value).strip().endswith(".")


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_file_is_read_in_one_sitting_and_a_function_at_a_glance(path):
    found = tree(path)
    functions = [
        node for node in ast.walk(found) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]

    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE
    assert ast.get_docstring(found)
    for each in functions:
        # The docstring explains, it is not what has to be followed.
        first = each.body[0]
        said = (first.end_lineno - first.lineno + 1) if ast.get_docstring(each) else 0
        length = each.end_lineno - each.lineno + 1 - said
        assert length <= LONGEST_FUNCTION, f"{each.name} has {length} lines"
