"""The ready pods of a cluster, kept current by LIST and WATCH, for the fleet exporter."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from e2e.rig.kubeconfig import ApiAccess
from e2e.rig.lifetimes import owner_of
from e2e.rig.progress import say
from e2e.rig.quantities import pod_requests

GPU = "nvidia.com/gpu"
# A watch that says nothing for so long is opened again: its connection may be dead.
QUIET_SECONDS = 60
RETRY_SECONDS = 0.5


@dataclass(frozen=True)
class EnginePod:
    """A pod that serves requests now."""

    uid: str
    namespace: str
    name: str
    workload: str
    container: str
    node: str
    gpus: int


class ReadyPods:
    """What the API server last said about pods that are ready and not being deleted."""

    def __init__(self, access: ApiAccess):
        self._access = access
        self._pods: dict[str, EnginePod] = {}

    def now(self) -> tuple[EnginePod, ...]:
        """Return the ready pods by namespace and name."""
        return tuple(sorted(self._pods.values(), key=lambda pod: (pod.namespace, pod.name)))

    async def follow(self) -> None:
        """Keep up with the API server for ever, also across its restarts."""
        async with aiohttp.ClientSession(
            self._access.server,
            headers=self._access.headers,
            connector=aiohttp.TCPConnector(ssl=self._access.tls),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=QUIET_SECONDS),
            read_bufsize=2**24,
        ) as session:
            while True:
                try:
                    await self._list_and_watch(session)
                except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                    # Engines go on serving while the API server is down; so do ours. A killed
                    # one may leave half an event behind, which is no JSON.
                    say(f"listening again to the API server: {error!r}")
                    await asyncio.sleep(RETRY_SECONDS)

    async def _list_and_watch(self, session: aiohttp.ClientSession) -> None:
        async with session.get("/api/v1/pods", raise_for_status=True) as reply:
            listed = await reply.json()
        pods = map(engine_pod, listed["items"])
        self._pods = {pod.uid: pod for pod in pods if pod is not None}
        query = {"watch": "1", "resourceVersion": listed["metadata"]["resourceVersion"]}
        async with session.get("/api/v1/pods", params=query, raise_for_status=True) as watch:
            async for line in watch.content:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    return
                self._note(event)

    def _note(self, event: Mapping[str, Any]) -> None:
        pod = engine_pod(event["object"]) if event["type"] != "DELETED" else None
        if pod is None:
            self._pods.pop(event["object"]["metadata"]["uid"], None)
        else:
            self._pods[pod.uid] = pod


def engine_pod(pod: Mapping[str, Any]) -> EnginePod | None:
    """Return what serves requests in an API server's *pod*, or None if it does not serve now."""
    metadata, spec, status = pod["metadata"], pod["spec"], pod.get("status", {})
    conditions = {row["type"]: row["status"] for row in status.get("conditions", ())}
    # A terminating pod gets no new requests: it has left its Service's endpoints.
    if conditions.get("Ready") != "True" or "deletionTimestamp" in metadata:
        return None
    _, _, owner = owner_of(metadata).partition("/")
    return EnginePod(
        uid=metadata["uid"],
        namespace=metadata["namespace"],
        name=metadata["name"],
        workload=f"{metadata['namespace']}/{owner}",
        container=_serving_container(spec),
        node=spec.get("nodeName", ""),
        gpus=int(pod_requests(spec).get(GPU, 0)),
    )


def _serving_container(spec: Mapping[str, Any]) -> str:
    for container in spec["containers"]:
        if GPU in container.get("resources", {}).get("requests", {}):
            return str(container["name"])
    return str(spec["containers"][0]["name"])
