"""Official release downloads; nothing is kept whose checksum was not published and equal."""

import hashlib
import shutil
import tarfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from e2e.rig.products import Product, Release

# Where packets are dropped silently, each host costs this once.
CONNECT_SECONDS = 10.0


class DownloadError(Exception):
    """A release could not be fetched or does not match its checksum."""


class Downloads:
    """Fetches releases and remembers, for this run, which hosts cannot be reached."""

    def __init__(self) -> None:
        self._closed: dict[str, str] = {}

    def fetch(self, product: Product, target: Path) -> None:
        """Put *product*'s official program at *target*, an absent file."""
        release = product.release
        checksum = _listed_checksum(self._text(release.checksums_url), release.url)
        file = target.with_suffix(".download")
        try:
            self._save(release.url, file)
            if _sha256(file) != checksum:
                msg = f"{release.url} does not match its published checksum"
                raise DownloadError(msg)
            _unpack(file, release, target)
        finally:
            file.unlink(missing_ok=True)

    def _text(self, url: str) -> str:
        with self._open(url) as reply, _told_as_broken_off(url):
            return reply.read().decode()

    def _save(self, url: str, file: Path) -> None:
        with self._open(url) as reply, file.open("wb") as out, _told_as_broken_off(url):
            shutil.copyfileobj(reply, out)

    def _open(self, url: str) -> HTTPResponse:
        host = urllib.parse.urlsplit(url).netloc
        if host in self._closed:
            raise DownloadError(self._closed[host])
        try:
            reply: HTTPResponse = urllib.request.urlopen(url, timeout=CONNECT_SECONDS)  # noqa: S310 - https, from the product table
        except urllib.error.HTTPError as error:
            msg = f"{url} answered {error.code}"
            raise DownloadError(msg) from error
        except OSError as error:
            # No way there: asking again for every product would only cost time.
            self._closed[host] = f"{host} cannot be reached"
            raise DownloadError(self._closed[host]) from error
        return reply


@contextmanager
def _told_as_broken_off(url: str) -> Iterator[None]:
    try:
        yield
    except (OSError, HTTPException) as error:
        msg = f"{url} broke off: {error}"
        raise DownloadError(msg) from error


def _listed_checksum(listing: str, url: str) -> str:
    """Return the checksum of *url* from a bare checksum or from `sha256sum` output."""
    words = [line.split() for line in listing.splitlines() if line.strip()]
    if len(words) == 1 and len(words[0]) == 1:
        return words[0][0]
    name = url.rpartition("/")[2]
    for checksum, *names in words:
        if names and names[-1].lstrip("*").rpartition("/")[2] == name:
            return checksum
    msg = f"no checksum is published for {name}"
    raise DownloadError(msg)


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _unpack(file: Path, release: Release, target: Path) -> None:
    if release.member is None:
        file.rename(target)
        return
    with tarfile.open(file) as archive:
        member = archive.extractfile(release.member)
        if member is None:
            msg = f"{release.url} holds no {release.member}"
            raise DownloadError(msg)
        with member, target.open("wb") as out:
            shutil.copyfileobj(member, out)
