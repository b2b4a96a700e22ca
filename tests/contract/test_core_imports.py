"""The core imports the standard library, numpy and itself; the build fails when it does not."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "operator" / "plafond"
CORE = ("model", "account", "forecast", "decide")
MODULES = sorted(path for part in CORE for path in (PACKAGE / part).rglob("*.py"))
# What of the standard library would make an answer depend on more than its facts.
IMPURE = {
    "asyncio", "logging", "os", "pathlib", "random", "secrets", "socket", "subprocess", "threading",
    "time", "uuid",
}  # fmt: skip


def imported(path):
    """Return the top-level name of everything that *path* imports, and the parts of ours."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_core_imports_the_standard_library_numpy_and_itself(path):
    for name in imported(path):
        first, *rest = name.split(".")
        if first == "plafond":
            assert rest[0] in CORE, f"{name} is not of the core"
        else:
            assert first in {*sys.stdlib_module_names, "numpy"} - IMPURE, f"{name} is not allowed"


@pytest.fixture
def broken(tmp_path):
    """A copy of the package into which a test writes bad imports."""
    shutil.copytree(PACKAGE, tmp_path / "plafond", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def contracts(directory):
    """Return the exit code of the import contracts in *directory*, and what they say of each."""
    answer = subprocess.run(  # noqa: S603 - our own tool on a copy of our own code
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(directory)},
        capture_output=True,
        text=True,
        check=False,
    )
    # Behind the verdict may stand how many imports a contract ignores.
    found = re.findall(r"^(.+) (KEPT|BROKEN)\b", answer.stdout, re.MULTILINE)
    return answer.returncode, dict(found)


def test_a_core_that_imports_a_client_fails_the_build(broken):
    with (broken / "plafond" / "decide" / "judge.py").open("a") as file:
        file.write("import kubernetes\n")

    assert contracts(broken) == (
        1,
        {
            "Data flows one way": "KEPT",
            "The core is pure": "BROKEN",
            "A page is drawn from plain values": "KEPT",
            "Kopf stays in the controller": "KEPT",
            "The command reads and explains, it never acts": "KEPT",
        },
    )


def test_a_command_that_imports_what_writes_fails_the_build(broken):
    with (broken / "plafond" / "cli" / "reading.py").open("a") as file:
        file.write("from plafond.enforce import scale\n")

    code, found = contracts(broken)

    assert code == 1
    assert found["The command reads and explains, it never acts"] == "BROKEN"


def test_a_layer_that_looks_up_and_a_stray_kopf_fail_the_build(broken):
    with (broken / "plafond" / "model" / "gap.py").open("a") as file:
        file.write("from plafond.report import events\n")
    with (broken / "plafond" / "enforce" / "scale.py").open("a") as file:
        file.write("import kopf\n")

    with (broken / "plafond" / "page" / "chart.py").open("a") as file:
        file.write("from plafond.model.money import Money\n")

    code, found = contracts(broken)

    assert code == 1
    assert found["A page is drawn from plain values"] == "BROKEN"
    assert found["Data flows one way"] == found["Kopf stays in the controller"] == "BROKEN"
