"""Building programs from their projects' Go modules, through a wrapper module made here.

A project's own go.mod cannot be built directly from the module proxy when it replaces modules by
folders of its repository, as Kubernetes does; a wrapper that requires it can.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from e2e.rig.products import Product

GO = "1.26"
VERSION_PACKAGES = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")


class BuildError(Exception):
    """A program could not be built; the message names the log."""


def has_go() -> bool:
    """Whether a Go toolchain is at hand."""
    return shutil.which("go") is not None


def build(product: Product, wrapper: Path, target: Path) -> None:
    """Build *product* at *target*; *wrapper* is its module's folder, kept between builds."""
    wrapper.mkdir(parents=True, exist_ok=True)
    log = wrapper / "build.log"
    _prepare(product, wrapper, log)
    flags = f"-s -w {_version_flags(product)}".strip()
    command = ["build", "-trimpath", "-ldflags", flags, "-o", str(target), product.package]
    _go(command, wrapper, log)


def _prepare(product: Product, wrapper: Path, log: Path) -> None:
    go_mod = wrapper / "go.mod"
    is_new = not go_mod.exists()
    if is_new:
        go_mod.write_text(f"module wrapper\n\ngo {GO}\n")
    if product.module != "k8s.io/kubernetes":
        _go(["get", "-tool", f"{product.package}@{product.module_version}"], wrapper, log)
    elif is_new or not (wrapper / "go.sum").exists():
        found = _go(["mod", "download", "-json", _at_version(product)], wrapper, log)
        upstream = Path(json.loads(found)["GoMod"]).read_text()
        go_mod.write_text(kubernetes_wrapper(upstream, product.version))
        _go(["mod", "tidy"], wrapper, log)


def kubernetes_wrapper(upstream: str, version: str) -> str:
    """Return a go.mod that can build Kubernetes *version*, whose own go.mod is *upstream*."""
    settings = re.findall(r"^(?:go|godebug) .*$", upstream, re.MULTILINE)
    # Its staging modules stand there at v0.0.0; the real ones are tagged v0.N.P.
    staging = re.findall(r"^\s+(k8s\.io/\S+) v0\.0\.0$", upstream, re.MULTILINE)
    tagged = "v0." + version.removeprefix("1.")
    commands = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
    return "\n".join([
        "module wrapper",
        *settings,
        f"require k8s.io/kubernetes v{version}",
        "replace (", *(f"\t{name} => {name} {tagged}" for name in staging), ")",
        "tool (", *(f"\tk8s.io/kubernetes/cmd/{name}" for name in commands), ")",
        "",
    ])  # fmt: skip


def _version_flags(product: Product) -> str:
    """Return linker flags that tell Kubernetes its version; the others know theirs or need none."""
    if product.module != "k8s.io/kubernetes":
        return ""
    major, minor, _ = product.version.split(".")
    facts = {
        "gitVersion": product.module_version,
        "gitMajor": major,
        "gitMinor": minor,
        "gitTreeState": "clean",
    }
    return " ".join(
        f"-X {package}.{name}={value}"
        for package in VERSION_PACKAGES
        for name, value in facts.items()
    )


def _at_version(product: Product) -> str:
    return f"{product.module}@{product.module_version}"


def _go(arguments: Sequence[str], wrapper: Path, log: Path) -> str:
    """Run go politely, so that the machine stays usable; return what it printed."""
    nice = ["nice", "-n", "10"] if shutil.which("nice") else []
    environment = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"}
    with log.open("ab") as errors:
        done = subprocess.run(  # noqa: S603 - go and arguments from the product table
            [*nice, "go", *arguments],
            cwd=wrapper,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            check=False,
        )
    if done.returncode:
        last = log.read_text(errors="replace").strip().splitlines()[-3:]
        msg = f"go {arguments[0]} failed, its log is {log}: {' | '.join(last)}"
        raise BuildError(msg)
    return done.stdout
