"""The way to the API server, as kubectl finds it. It only reads."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from kubernetes import client, config
from urllib3.exceptions import HTTPError
from yaml import YAMLError

from plafond.cli.errors import BadInputError, CommandError

_DEFAULT_NAMESPACE: Final = "default"
# What the library lets out for a file that is missing, is no YAML, or is another file altogether.
_UNUSABLE: Final = (
    config.ConfigException,
    OSError,
    YAMLError,
    AttributeError,
    KeyError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class Access:
    """Which cluster, and as whom; what is None is as the kubeconfig says."""

    kubeconfig: str | None = None
    context: str | None = None
    as_user: str | None = None
    as_group: str | None = None
    timeout_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What was read; *code* and *message* say why where there is nothing."""

    body: Mapping[str, Any] | None
    code: int = 200
    message: str = ""

    @property
    def is_absent(self) -> bool:
        """The API server knows no such object."""
        return self.code == HTTPStatus.NOT_FOUND


class Cluster:
    """One cluster; every read is one request."""

    def __init__(self, api: client.ApiClient, namespace: str, timeout_seconds: float) -> None:
        self._api = api
        self._timeout_seconds = timeout_seconds
        self.namespace = namespace

    def read(self, path: str) -> Answer:
        """Return what the API server has at *path*; raise when it does not answer."""
        asked = self._api.param_serialize("GET", path, auth_settings=["BearerToken"])
        try:
            found = self._api.call_api(*asked, _request_timeout=self._timeout_seconds)
            text, code = found.read(), int(found.status)
        except (HTTPError, OSError) as error:
            host = self._api.configuration.host
            sentence = f"the API server at {host} does not answer: {_cause(error)}"
            raise CommandError(sentence) from error
        body = _parsed(text)
        if code >= HTTPStatus.BAD_REQUEST:
            return Answer(None, code, str(body.get("message") or f"it answered {code}"))
        return Answer(body, code)


def connect(access: Access) -> Cluster:
    """Return the cluster that *access* names; raise with code two where it names none."""
    settings = client.Configuration()
    try:
        namespace = _load(access, settings)
    except _UNUSABLE as error:
        sentence = f"there is no usable kubeconfig: {_cause(error)}"
        raise BadInputError(sentence) from error
    # A refused connection shall be an answer, not a minute of silence.
    settings.retries = False
    api = client.ApiClient(settings)
    if access.as_user is not None:
        api.set_default_header("Impersonate-User", access.as_user)
    if access.as_group is not None:
        api.set_default_header("Impersonate-Group", access.as_group)
    return Cluster(api, namespace, access.timeout_seconds)


def _load(access: Access, settings: client.Configuration) -> str:
    try:
        config.load_kube_config(access.kubeconfig, access.context, settings, persist_config=False)
        contexts, active = config.list_kube_config_contexts(access.kubeconfig)
    except config.ConfigException:
        if access.kubeconfig is not None or access.context is not None:
            raise
        config.load_incluster_config(client_configuration=settings)
        return _DEFAULT_NAMESPACE
    named = next((each for each in contexts if each["name"] == access.context), active)
    return str(named["context"].get("namespace") or _DEFAULT_NAMESPACE)


def _parsed(text: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _cause(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]
