"""Reading and writing kubeconfigs, and plain HTTPS access to the API server they name."""

import base64
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from e2e.rig.certificates import Pki
from e2e.rig.errors import RigError
from e2e.rig.web import Answer, answer, call, code_of


@dataclass(frozen=True)
class ApiAccess:
    """What a program needs to speak to an API server as one user."""

    server: str
    tls: ssl.SSLContext
    headers: Mapping[str, str]

    def get(self, path: str) -> Any:
        """Return the JSON at *path*."""
        return call(self.server + path, headers=self.headers, tls=self.tls)

    def send(
        self, method: str, path: str, body: object = None, how: "Request | None" = None
    ) -> Answer:
        """Send one request; a refusal is an answer, too."""
        headers = {**self.headers, **(how or Request()).headers}
        return answer(self.server + path, method, body, headers, self.tls)

    def merge(self, path: str, patch: object) -> int:
        """Merge *patch* into the object at *path*; return the code, 0 without an answer."""
        headers = {**self.headers, "Content-Type": "application/merge-patch+json"}
        return code_of(self.server + path, "PATCH", patch, headers, self.tls)


@dataclass(frozen=True)
class Request:
    """In whose name a request is sent, and what kind of patch it is."""

    content_type: str = "application/json"
    user: str | None = None
    group: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """What says so on the wire."""
        impersonated = {"Impersonate-User": self.user} if self.user else {}
        grouped = {"Impersonate-Group": self.group} if self.group else {}
        return {"Content-Type": self.content_type, **impersonated, **grouped}


def with_certificate(path: Path, server: str, pki: Pki, user: str) -> Path:
    """Write a kubeconfig for *user*, who has a client certificate in *pki*."""
    credentials = {
        "client-certificate": str(pki.certificate(user)),
        "client-key": str(pki.key(user)),
    }
    cluster = {"server": server, "certificate-authority": str(pki.certificate("ca"))}
    return _write(path, cluster, user, credentials)


def with_token(path: Path, admin: Path, user: str, token: str) -> Path:
    """Write a kubeconfig for *user* with *token*, for the cluster that *admin* names."""
    cluster, _ = _current(admin)
    return _write(path, cluster, user, {"token": token})


def at_server(path: Path, other: Path, server: str) -> Path:
    """Write the kubeconfig *other* once more, with another way to the same API server."""
    cluster, user = _current(other)
    return _write(path, {**cluster, "server": server}, "same", user)


def access(path: Path) -> ApiAccess:
    """Return the access that the current context of a kubeconfig gives."""
    cluster, user = _current(path)
    tls = ssl.create_default_context(cadata=_text(cluster, "certificate-authority"))
    if "token" in user:
        return ApiAccess(cluster["server"], tls, {"Authorization": f"Bearer {user['token']}"})
    certificate, key = _text(user, "client-certificate"), _text(user, "client-key")
    if certificate is None or key is None:
        msg = f"{path}: the rig needs a user with a token or a client certificate; make one for it"
        raise RigError(msg)
    _load_client(tls, certificate, key)
    return ApiAccess(cluster["server"], tls, {})


def _load_client(tls: ssl.SSLContext, certificate: str, key: str) -> None:
    # The ssl module reads client certificates only from files.
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as both:
        both.write(certificate + "\n" + key)
        both.flush()
        tls.load_cert_chain(both.name)


def _text(section: Mapping[str, Any], name: str) -> str | None:
    if f"{name}-data" in section:
        return base64.b64decode(section[f"{name}-data"]).decode()
    return Path(section[name]).read_text() if name in section else None


def _current(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    config = yaml.safe_load(path.read_text())
    contexts = {entry["name"]: entry["context"] for entry in config["contexts"]}
    clusters = {entry["name"]: entry["cluster"] for entry in config["clusters"]}
    users = {entry["name"]: entry["user"] for entry in config["users"]}
    context = contexts[config["current-context"]]
    return clusters[context["cluster"]], users[context["user"]]


def _write(path: Path, cluster: dict[str, Any], user: str, credentials: dict[str, str]) -> Path:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "rig", "cluster": cluster}],
        "users": [{"name": user, "user": credentials}],
        "contexts": [{"name": "rig", "context": {"cluster": "rig", "user": user}}],
        "current-context": "rig",
    }
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(config))
    return path
