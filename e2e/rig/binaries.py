"""Finding the rig's programs: at hand, in the cache, downloaded, or built; first hit wins."""

import os
from collections.abc import Collection, Mapping
from pathlib import Path

from e2e.rig import modules
from e2e.rig.cache import cache_directory, locked
from e2e.rig.downloads import DownloadError, Downloads
from e2e.rig.errors import MissingBinaryError
from e2e.rig.products import Product, host_arch, host_os, products
from e2e.rig.progress import doing


def binaries(wanted: Collection[str] | None = None) -> Mapping[str, Path]:
    """Return where each wanted program is (all by default), getting those that are absent.

    Two processes that want the same program at once do not both build it.
    """
    names = {product.name for product in products()} if wanted is None else set(wanted)
    asked = [product for product in products() if product.name in names]
    found = {product.name: at_hand(product) for product in asked}
    missing = [product for product in asked if found[product.name] is None]
    if missing:
        busy = "waiting for another process that gets the rig's programs"
        with locked(cache_directory() / "bin" / ".lock", busy):
            found |= _get_all(missing)
    return {name: path for name, path in found.items() if path is not None}


def at_hand(product: Product) -> Path | None:
    """Return the program where the user or an earlier run put it, if it is there."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    named = Path(assets).resolve() / product.name if assets else None
    for candidate in (named, cached(product)):
        if candidate is not None and candidate.is_file():
            return candidate
    return None


def cached(product: Product) -> Path:
    """Return where the cache keeps this version of a program for this machine."""
    name = f"{product.name}-{product.version}-{host_os()}-{host_arch()}"
    return cache_directory() / "bin" / name / product.name


def _get_all(missing: list[Product]) -> dict[str, Path]:
    downloads = Downloads()
    # Another process may have got them while we waited for the lock.
    return {product.name: at_hand(product) or _get(product, downloads) for product in missing}


def _get(product: Product, downloads: Downloads) -> Path:
    target = cached(product)
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    with doing(f"getting {product.name} {product.version}") as finish:
        finish(_fetch_or_build(product, downloads, unfinished))
    unfinished.chmod(0o755)
    # Only a whole program ever has its name.
    unfinished.rename(target)
    return target


def _fetch_or_build(product: Product, downloads: Downloads, target: Path) -> str:
    try:
        downloads.fetch(product, target)
    except DownloadError as error:
        refusal = str(error)
    else:
        return "downloaded"
    if not modules.has_go():
        raise MissingBinaryError(_advice(product, f"{refusal}, and there is no Go toolchain"))
    wrapper = cache_directory() / "src" / f"{product.module.replace('/', '_')}-{product.version}"
    try:
        modules.build(product, wrapper, target)
    except modules.BuildError as error:
        raise MissingBinaryError(_advice(product, f"{refusal}, and {error}")) from error
    return "built from source"


def _advice(product: Product, why: str) -> str:
    return (
        f"there is no {product.name} {product.version}: {why}; install Go {modules.GO} or newer, "
        "or set KUBEBUILDER_ASSETS to a folder with the program, "
        "or PLAFOND_KUBECONFIG to a cluster of yours"
    )
