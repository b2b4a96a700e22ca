"""Kubernetes is built through a wrapper that names its staging modules' real versions."""

from e2e.rig.downloads import _listed_checksum as listed_checksum
from e2e.rig.modules import kubernetes_wrapper
from e2e.rig.products import products

UPSTREAM = """module k8s.io/kubernetes

go 1.26.0

godebug default=go1.26

require (
	k8s.io/api v0.0.0
	k8s.io/klog/v2 v2.130.1
)
"""


def test_staging_modules_are_replaced_and_others_are_not():
    text = kubernetes_wrapper(UPSTREAM, "1.36.3")

    assert "\tk8s.io/api => k8s.io/api v0.36.3\n" in text
    assert "klog" not in text
    assert "\ngo 1.26.0\n" in text
    assert "require k8s.io/kubernetes v1.36.3\n" in text


def test_every_product_is_named_once_and_comes_with_a_checksum():
    names = [product.name for product in products()]

    assert sorted(names) == sorted(set(names))
    assert all(product.release.checksums_url.startswith("https://") for product in products())


def test_a_checksum_is_found_bare_and_in_a_list():
    listing = "aa  other.tar.gz\nbb  etcd.tar.gz\n"

    assert listed_checksum("cc\n", "https://host/kubectl") == "cc"
    assert listed_checksum(listing, "https://host/etcd.tar.gz") == "bb"
