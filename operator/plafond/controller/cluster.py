"""The way to the API server: found as kubectl finds it, and checked before it is relied on."""

import logging
from typing import Final

from kubernetes.aio import client, config
from yaml import YAMLError

from plafond.api.constants import (
    API_VERSION,
    COST_POLICIES,
    PRICE_SHEETS,
    SERVICE_ACCOUNT,
    SPEND_LEDGERS,
)
from plafond.api.writer import ApiWriter, Result
from plafond.controller.errors import StartError

logger = logging.getLogger(__name__)

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
_REVIEWS: Final = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
_NEEDED: Final = (COST_POLICIES, PRICE_SHEETS, SPEND_LEDGERS)


async def connect() -> client.ApiClient:
    """Return a client for the cluster that we run in, else for that of the kubeconfig."""
    configuration = client.Configuration()
    try:
        config.load_incluster_config(client_configuration=configuration)
    except config.ConfigException:
        try:
            await config.load_kube_config(client_configuration=configuration)
        except _UNUSABLE as error:
            msg = f"no cluster: this is no pod, and there is no usable kubeconfig ({error})"
            raise StartError(msg) from error
    # A proxy that the environment names would see every token.
    configuration.client_session_kwargs = {"trust_env": False}
    return client.ApiClient(configuration)


async def require_kinds(reader: ApiWriter) -> None:
    """Raise when the API server is there and does not know our kinds."""
    answer = await reader.read(f"/apis/{API_VERSION}")
    if answer.result not in (Result.DONE, Result.GONE):
        # It may come back; whoever watches it waits for that.
        logger.warning("the API server was not reached yet: %s", answer.detail)
        return
    body = answer.body or {}
    known = {each.get("name") for each in body.get("resources") or ()}
    missing = [kind for kind in _NEEDED if kind not in known]
    if missing:
        msg = (
            f"the cluster does not know {', '.join(missing)} of {API_VERSION}; "
            "install the custom resource definitions first: kubectl apply -f crds/"
        )
        raise StartError(msg)


async def say_if_other_account(asker: ApiWriter, namespace: str) -> None:
    """Warn when we are not the one account whose ceilings admission lets stand."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    answer = await asker.create(_REVIEWS, body)
    found = (answer.body or {}).get("status")
    user = found.get("userInfo", {}).get("username") if isinstance(found, dict) else None
    if answer.result is not Result.DONE or not user:
        logger.debug("the API server does not say who we are: %s", answer.detail)
        return
    own = f"system:serviceaccount:{namespace}:{SERVICE_ACCOUNT}"
    if user != own:
        logger.warning(
            "the operator runs as %s, not as %s: the admission policies undo every ceiling that "
            "another account writes, and restrain only that one",
            user,
            own,
        )
