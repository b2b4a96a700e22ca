"""
A small Kubernetes API server on loopback: reads, watches, writes, and every misfortune.

It keeps objects by path and refuses what the real one would refuse. A test hands it `answers` for
a path to be given instead, one per request, until they are used up.
"""

import asyncio
import copy
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration

REVIEWS = "/apis/authentication.k8s.io/v1/selfsubjectreviews"

Raw = dict[str, Any]
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def status(code: int, message: str = "", reason: str = "") -> Raw:
    """Return a Status as the API server words it."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": code,
        "message": message,
        "reason": reason,
    }


def failing(code: int, message: str = "no") -> Answer:
    """Return an answer that fails with *code*."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response(status(code, message), status=code)

    return answer


def saying(text: str) -> Answer:
    """Return an answer of 200 with any *text*."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(text=text, content_type="application/json")

    return answer


def hanging() -> Answer:
    """Return an answer that never comes."""

    async def answer(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(3600)
        return web.Response()

    return answer


class FakeKubernetes:
    """The objects of a cluster, by the path of their list and their name."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Raw]] = defaultdict(dict)
        self.documents: dict[str, Raw] = {}
        self.answers: dict[tuple[str, str], list[Answer]] = defaultdict(list)
        self.requests: list[tuple[str, str]] = []
        self.patches: list[tuple[str, Raw, dict[str, str]]] = []
        self.posts: list[tuple[str, Raw]] = []
        self.is_silent = False
        self.user = "system:serviceaccount:plafond-system:plafond"
        self._version = 100
        self._log: dict[str, list[Raw]] = defaultdict(list)
        self._changed = asyncio.Event()

    def put(self, path: str, raw: Raw) -> Raw:
        """Create or replace an object, and tell the watches."""
        kept = copy.deepcopy(raw)
        meta = kept["metadata"]
        meta["resourceVersion"] = self._next_version()
        key = f"{meta.get('namespace', '')}/{meta['name']}"
        kind = "MODIFIED" if key in self.objects[path] else "ADDED"
        self.objects[path][key] = kept
        self._tell(path, {"type": kind, "object": kept})
        return kept

    def delete(self, path: str, name: str, *, silently: bool = False) -> None:
        """Delete the object *name* (`namespace/name`); silently: no watch hears of it."""
        gone = copy.deepcopy(self.objects[path].pop(name))
        gone["metadata"]["resourceVersion"] = self._next_version()
        if not silently:
            self._tell(path, {"type": "DELETED", "object": gone})

    def tell(self, path: str, event: Raw) -> None:
        """Send any event to the watches of *path*."""
        self._tell(path, event)

    def watches(self, path: str) -> int:
        """Return how often a watch of *path* was begun."""
        return sum(1 for method, asked in self.requests if method == "WATCH" and asked == path)

    def lists(self, path: str) -> int:
        """Return how many pages of *path* were asked for."""
        return sum(1 for method, asked in self.requests if method == "LIST" and asked == path)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        method = request.method
        if method == "GET" and not self._is_object(request.path):
            method = "WATCH" if request.query.get("watch") else "LIST"
        self.requests.append((method, request.path))
        prepared = self.answers[(method, request.path)]
        if prepared:
            return await prepared.pop(0)(request)
        handlers = {
            "LIST": self._list,
            "WATCH": self._watch,
            "GET": self._get,
            "POST": self._post,
            "PATCH": self._patch,
            "DELETE": self._delete,
        }
        return await handlers[method](request)

    def _is_object(self, path: str) -> bool:
        parts = path.strip("/").split("/")
        rest = parts[2:] if parts[0] == "api" else parts[3:]
        is_of_namespace = len(rest) == 3 and rest[0] == "namespaces"
        return path in self.documents or (len(rest) > 1 and not is_of_namespace)

    async def _get(self, request: web.Request) -> web.StreamResponse:
        if request.path in self.documents:
            return web.json_response(self.documents[request.path])
        path, name, _ = _named(request.path)
        held = self.objects[path].get(name)
        if held is None:
            return web.json_response(status(404, f"{name} not found"), status=404)
        return web.json_response(held)

    async def _post(self, request: web.Request) -> web.StreamResponse:
        raw = await request.json()
        if request.path == REVIEWS:
            found = {**raw, "status": {"userInfo": {"username": self.user}}}
            return web.json_response(found, status=201)
        self.posts.append((request.path, raw))
        path, name, _ = _named(f"{request.path}/{raw['metadata']['name']}")
        if name in self.objects[path]:
            return web.json_response(status(409, f"{name} already exists"), status=409)
        raw["metadata"]["uid"] = f"uid-{self._next_version()}"
        return web.json_response(self.put(path, raw), status=201)

    async def _list(self, request: web.Request) -> web.StreamResponse:
        items = self._selected(request)
        start = int(request.query.get("continue", "0"))
        end = start + int(request.query.get("limit", "500"))
        marks = {"resourceVersion": str(self._version)}
        if end < len(items):
            marks["continue"] = str(end)
        return web.json_response({"kind": "List", "metadata": marks, "items": items[start:end]})

    def _selected(self, request: web.Request) -> list[Raw]:
        *before, kind = request.path.strip("/").split("/")
        namespace = before.pop() if "namespaces" in before else ""
        path = "/" + "/".join([*(before[:-1] if namespace else before), kind])
        inside = f"{namespace}/" if namespace else ""
        held = [raw for key, raw in self.objects[path].items() if key.startswith(inside)]
        return [each for each in held if _has(each, request.query.get("labelSelector", ""))]

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        loop = asyncio.get_running_loop()
        ends = loop.time() + float(request.query.get("timeoutSeconds", "3600"))
        sent = 0
        asked = int(request.query["resourceVersion"])
        while (left := ends - loop.time()) > 0:
            log = self._log[request.path]
            for event in log[sent:]:
                if not self.is_silent and _is_after(event, asked):
                    await response.write(json.dumps(event).encode() + b"\n")
            sent = len(log)
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), min(left, 0.05))
            except TimeoutError:
                continue
        return response

    async def _delete(self, request: web.Request) -> web.StreamResponse:
        asked = (await request.json()).get("preconditions", {})
        path, name, _ = _named(request.path)
        held = self.objects[path].get(name)
        if held is None:
            return web.json_response(status(404, f"{name} not found"), status=404)
        if asked.get("uid") not in (None, held["metadata"]["uid"]):
            return web.json_response(status(409, "the uid in the precondition differs"), status=409)
        self.delete(path, name)
        return web.json_response(held)

    async def _patch(self, request: web.Request) -> web.StreamResponse:
        patch = await request.json()
        self.patches.append((request.path, patch, dict(request.query)))
        path, name, subresource = _named(request.path)
        held = self.objects[path].get(name)
        if held is None:
            return web.json_response(status(404, f"{name} not found"), status=404)
        meta = patch.get("metadata", {})
        for field in ("uid", "resourceVersion"):
            if field in meta and meta[field] != held["metadata"][field]:
                return web.json_response(status(409, "the object has been modified"), status=409)
        if subresource == "status":
            patch = {"status": patch["status"]}
        merged = self.put(path, _merged(held, patch))
        return web.json_response(_scale_of(merged) if subresource == "scale" else merged)

    def _tell(self, path: str, event: Raw) -> None:
        self._log[path].append(event)
        self._changed.set()

    def _next_version(self) -> str:
        self._version += 1
        return str(self._version)


def _is_after(event: Raw, asked: int) -> bool:
    version = event.get("object", {}).get("metadata", {}).get("resourceVersion", "")
    return not version.isdecimal() or int(version) > asked


def _has(raw: Raw, selector: str) -> bool:
    """Say whether an object is selected by `!key`, or by `key` and `key notin (…)`."""
    labels = raw["metadata"].get("labels") or {}
    if not selector.partition(" notin ")[2]:
        return not selector.startswith("!") or selector[1:] not in labels
    key, _, values = selector.partition(" notin ")
    key = key.partition(",")[0]
    return key in labels and labels[key] not in values.strip("()").split(",")


def _named(path: str) -> tuple[str, str, str]:
    """Return the path of the list that holds an object, its key there, and the subresource."""
    parts = path.strip("/").split("/")
    subresource = parts.pop() if parts[-1] in {"scale", "status"} else ""
    *before, kind, name = parts
    if "namespaces" not in before:
        return "/" + "/".join([*before, kind]), f"/{name}", subresource
    at = before.index("namespaces")
    return "/" + "/".join([*before[:at], kind]), f"{before[at + 1]}/{name}", subresource


def _merged(held: Raw, patch: Raw) -> Raw:
    merged = copy.deepcopy(held)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            merged[key] = _merged(merged.get(key) or {}, value)
        else:
            merged[key] = value
    return merged


def _scale_of(held: Raw) -> Raw:
    meta = {key: held["metadata"][key] for key in ("name", "namespace", "uid", "resourceVersion")}
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": meta,
        "spec": {"replicas": held["spec"]["replicas"]},
    }


@asynccontextmanager
async def running(fake: FakeKubernetes) -> AsyncIterator[ApiClient]:
    """Serve *fake* on a free port, and yield a client that talks to it."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", fake.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        async with ApiClient(Configuration(host=f"http://127.0.0.1:{port}")) as client:
            yield client
    finally:
        await runner.cleanup()
