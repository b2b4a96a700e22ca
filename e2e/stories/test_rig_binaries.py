"""Where the rig's programs come from: first hit wins, nothing unchecked is kept, errors advise."""

import functools
import hashlib
import http.server
import tarfile
import threading
from pathlib import Path

import pytest
from e2e.rig import binaries as sources
from e2e.rig import modules
from e2e.rig.binaries import binaries, cached
from e2e.rig.downloads import DownloadError, Downloads
from e2e.rig.errors import MissingBinaryError
from e2e.rig.ports import free_ports
from e2e.rig.products import Product, Release, products

PROGRAM = b"a program"


def product(base, file="kubectl", checksums="kubectl.sha256", member=None):
    release = Release(f"{base}/{file}", f"{base}/{checksums}", member)
    return Product("kubectl", "1.0.0", "m", "v1.0.0", "m/kubectl", release)


@pytest.fixture
def releases(tmp_path):
    """A release server on loopback: its folder and its address."""
    folder = tmp_path / "releases"
    folder.mkdir()
    handler = functools.partial(QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Say nothing: the test's own output is enough."""


def publish(file: Path, content: bytes, checksums: str, line: str = "{}\n"):
    file.write_bytes(content)
    (file.parent / checksums).write_text(line.format(hashlib.sha256(content).hexdigest()))


def test_a_release_whose_checksum_matches_is_kept(releases, tmp_path):
    folder, base = releases
    publish(folder / "kubectl", PROGRAM, "kubectl.sha256")

    Downloads().fetch(product(base), tmp_path / "kubectl")

    assert (tmp_path / "kubectl").read_bytes() == PROGRAM


def test_a_release_that_was_changed_is_not_kept(releases, tmp_path):
    folder, base = releases
    publish(folder / "kubectl", PROGRAM, "kubectl.sha256")
    (folder / "kubectl").write_bytes(b"another program")

    with pytest.raises(DownloadError, match="does not match its published checksum"):
        Downloads().fetch(product(base), tmp_path / "kubectl")

    assert list(tmp_path.glob("kubectl*")) == []


def test_a_program_is_taken_out_of_its_archive(releases, tmp_path):
    folder, base = releases
    (tmp_path / "inside").write_bytes(PROGRAM)
    with tarfile.open(tmp_path / "etcd.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "inside", "etcd-v1/etcd")
    content = (tmp_path / "etcd.tar.gz").read_bytes()
    publish(folder / "etcd.tar.gz", content, "SHA256SUMS", "{}  etcd.tar.gz\n00  other.tar.gz\n")

    wanted = product(base, "etcd.tar.gz", "SHA256SUMS", "etcd-v1/etcd")
    Downloads().fetch(wanted, tmp_path / "etcd")

    assert (tmp_path / "etcd").read_bytes() == PROGRAM


def test_a_host_that_cannot_be_reached_is_not_asked_again(tmp_path):
    (port,) = free_ports(1)
    downloads = Downloads()

    for _ in range(2):
        with pytest.raises(DownloadError, match=f"127.0.0.1:{port} cannot be reached"):
            downloads.fetch(product(f"http://127.0.0.1:{port}"), tmp_path / "kubectl")


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PLAFOND_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)


def test_the_users_own_programs_come_first(empty_cache, tmp_path, monkeypatch):
    (tmp_path / "kubectl").write_bytes(PROGRAM)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))

    assert binaries(["kubectl"]) == {"kubectl": tmp_path / "kubectl"}


def test_what_an_earlier_run_got_is_used_again(empty_cache):
    (kubectl,) = (each for each in products() if each.name == "kubectl")
    cached(kubectl).parent.mkdir(parents=True)
    cached(kubectl).write_bytes(PROGRAM)

    assert binaries(["kubectl"]) == {"kubectl": cached(kubectl)}


def test_without_a_way_to_get_a_program_one_sentence_says_what_would_help(empty_cache, monkeypatch):
    (port,) = free_ports(1)
    closed = product(f"http://127.0.0.1:{port}")
    monkeypatch.setattr(sources, "products", lambda: (closed,))
    monkeypatch.setattr(modules.shutil, "which", lambda _: None)

    with pytest.raises(MissingBinaryError) as refusal:
        binaries()

    assert str(refusal.value) == (
        f"there is no kubectl 1.0.0: 127.0.0.1:{port} cannot be reached, and there is no Go "
        "toolchain; install Go 1.26 or newer, or set KUBEBUILDER_ASSETS to a folder with the "
        "program, or PLAFOND_KUBECONFIG to a cluster of yours"
    )
