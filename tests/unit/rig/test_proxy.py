"""The proxy in front of a small API server: passes on, streams, goes away and comes back."""

import asyncio
import json
import ssl
import threading
from urllib.request import urlopen

import pytest
from aiohttp import web
from e2e.rig.certificates import Pki, make_pki
from e2e.rig.faults import Asked, DroppedError, Fault
from e2e.rig.kubeconfig import access
from e2e.rig.ports import free_ports
from e2e.rig.proxy import ApiProxy
from e2e.rig.web import is_up


class Server:
    """Answers with what it was asked, and tells two events to whoever watches."""

    def __init__(self, pki: Pki):
        (self.port,) = free_ports(1)
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(pki.certificate("apiserver"), pki.key("apiserver"))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self):
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return self

    def __exit__(self, *_):
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _listen(self):
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self._tls).start()

    async def _handle(self, request):
        if "watch" in request.query:
            return web.Response(body=b'{"type":"ADDED"}\n{"type":"DELETED"}\n')
        token = request.headers.get("Authorization")
        return web.json_response({"path": request.path, "token": token})


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    return make_pki(tmp_path_factory.mktemp("proxy") / "pki")


@pytest.fixture
def proxy(pki):
    with Server(pki) as server, ApiProxy(f"https://127.0.0.1:{server.port}", pki) as proxy:
        yield proxy


@pytest.fixture
def api(proxy, pki, tmp_path):
    other = tmp_path / "other"
    other.write_text(
        json.dumps(
            {
                "clusters": [
                    {"name": "c", "cluster": {"certificate-authority": str(pki.certificate("ca"))}}
                ],
                "users": [{"name": "u", "user": {"token": "secret"}}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "x",
            }
        )
    )
    return access(proxy.kubeconfig(tmp_path / "through", other))


def test_what_no_fault_touches_is_passed_on_with_its_token(api):
    assert api.get("/api/v1/pods") == {"path": "/api/v1/pods", "token": "Bearer secret"}


def test_a_watch_is_told_event_by_event(api, proxy):
    class Doubled(Fault):
        async def told(self, asked: Asked, event):
            return (event, event)

    proxy.faults = (Doubled(),)
    with urlopen(f"{api.server}/api/v1/pods?watch=true", timeout=5, context=api.tls) as told:  # noqa: S310 - on loopback
        events = [json.loads(line)["type"] for line in told]

    assert events == ["ADDED", "ADDED", "DELETED", "DELETED"]


def test_a_dropped_connection_has_no_answer(api, proxy):
    class Dropped(Fault):
        async def instead(self, asked: Asked):
            raise DroppedError

    proxy.faults = (Dropped(),)

    assert api.send("GET", "/api/v1/pods").code == 0


def test_it_goes_away_and_comes_back_on_the_same_port(api, proxy):
    url = f"{api.server}/api/v1/pods"
    proxy.down()
    assert not is_up(url, api.headers, api.tls)
    proxy.up()

    assert is_up(url, api.headers, api.tls)
