"""The way to Prometheus against servers that mean harm: TLS, tokens, slowness, size, proxies."""

import gzip
import shutil
import ssl
import time
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests.adapters
from e2e.rig.certificates import make_pki
from tests.integration.fakes.prometheus import FakePrometheus, redirect, running, text, vector
from tests.integration.fakes.raw_server import at_once, head, serving, without_end
from tests.integration.observe.support import eventually

from plafond.model.meters import Meter
from plafond.observe.meter_source import MeterSource
from plafond.observe.meters import MeterQuery, Meters

CANARY = "canary-5ecret"
GPU = MeterQuery(Meter.GPU_UTILIZATION, "gpu")
BODY = b'{"status": "success", "data": {"resultType": "vector", "result": []}}'
ANSWER = at_once(head(f"Content-Length: {len(BODY)}"), BODY)


def right_now():
    return datetime.fromtimestamp(time.time(), UTC)  # noqa: TID251 - as the controller reads it


async def read(url, **source):
    """Return why the meter is a gap, or an empty text."""
    meters = Meters(MeterSource(url, **{"timeout_seconds": 3.0, **source}), (GPU,))
    try:
        return await why(meters)
    finally:
        meters.close()


async def why(meters):
    gap = (await meters.read(right_now()))[Meter.GPU_UTILIZATION].gap
    return "" if gap is None else gap.why


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    return make_pki(tmp_path_factory.mktemp("pki") / "keys")


@pytest.fixture
def tls(pki):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.certificate("apiserver"), pki.key("apiserver"))
    return context


@pytest.fixture
def token(tmp_path):
    path = tmp_path / "token"
    path.write_text(f"{CANARY}\n")
    return path


async def test_the_pinned_authority_is_believed_and_asked_with_the_token(pki, tls, token):
    async with serving(ANSWER, tls) as server:
        url = f"https://127.0.0.1:{server.port}"

        found = await read(url, ca_file=pki.certificate("ca"), token_file=token)

    assert found == ""
    assert f"Authorization: Bearer {CANARY}".encode() in server.requests[0]


async def test_another_authority_is_refused_before_anything_is_sent(pki, tls, token):
    async with serving(ANSWER, tls) as server:
        url = f"https://127.0.0.1:{server.port}"

        found = await read(url, ca_file=pki.certificate("front-proxy-ca"), token_file=token)

    assert "certificate is not trusted" in found
    assert "prometheus.caFile" in found
    assert server.requests == []


async def test_the_system_s_authorities_are_not_believed_beside_a_pinned_one(pki, tls, monkeypatch):
    ours = str(pki.certificate("ca"))
    monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", ours)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", ours)
    monkeypatch.setenv("SSL_CERT_FILE", ours)
    async with serving(ANSWER, tls) as server:
        url = f"https://127.0.0.1:{server.port}"

        assert await read(url) == ""
        assert "not trusted" in await read(url, ca_file=pki.certificate("front-proxy-ca"))


async def test_an_authority_that_is_replaced_is_believed_from_then_on(pki, tls, tmp_path):
    pinned = tmp_path / "ca.crt"
    shutil.copy(pki.certificate("front-proxy-ca"), pinned)
    async with serving(ANSWER, tls) as server:
        url = f"https://127.0.0.1:{server.port}"
        meters = Meters(MeterSource(url, 3.0, ca_file=pinned), (GPU,))
        before = await why(meters)
        shutil.copy(pki.certificate("ca"), pinned)
        after = await why(meters)
        meters.close()

    assert "not trusted" in before
    assert after == ""


async def test_a_certificate_for_another_name_is_refused(pki, tls):
    async with serving(ANSWER, tls, host="127.0.0.2") as server:
        found = await read(f"https://127.0.0.2:{server.port}", ca_file=pki.certificate("ca"))

    assert "certificate is not for 127.0.0.2" in found
    assert server.requests == []


async def test_a_redirect_takes_no_request_and_no_token_anywhere(token):
    elsewhere, fake = FakePrometheus(), FakePrometheus()
    async with running(elsewhere), running(fake):
        for place in (f"{elsewhere.url}/api/v1/query", "//169.254.169.254/", "file:///etc/passwd"):
            fake.answers[GPU.query] = redirect(place)
            assert "not followed" in await read(fake.url, token_file=token)

    assert fake.authorizations == [f"Bearer {CANARY}"] * 3
    assert (elsewhere.queries, elsewhere.elsewhere) == ([], 0)


async def test_proxies_and_passwords_of_the_environment_are_not_used(monkeypatch, tmp_path, pki):
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login me password {CANARY}\n")
    async with serving(ANSWER) as proxy, serving(ANSWER) as server:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            for each in (name, name.upper()):
                monkeypatch.setenv(each, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setenv("no_proxy", "")
        monkeypatch.setenv("NETRC", str(netrc))

        plain = await read(f"http://127.0.0.1:{server.port}")
        await read(f"https://127.0.0.1:{server.port}", ca_file=pki.certificate("ca"))

    assert plain == ""
    assert proxy.requests == []
    assert proxy.most_connected == 0
    assert b"authorization" not in server.requests[0].lower()


SLOW = {
    "says nothing": without_end(b"", 0.05),
    "its head comes byte by byte": without_end(b"X", 0.05, b"HTTP/1.1 200 OK\r\n"),
    "its head never ends": without_end(b"A: b\r\n", 0.05, b"HTTP/1.1 200 OK\r\n"),
    "it is about to begin, for ever": without_end(b"HTTP/1.1 100 Continue\r\n\r\n", 0.05),
    "a byte at a time": without_end(b" ", 0.05, head("Content-Length: 9999999")),
    "a chunk of a byte": without_end(b"1\r\n \r\n", 0.05, head("Transfer-Encoding: chunked")),
    "until it closes": without_end(b" ", 0.05, head("Connection: close")),
}


@pytest.mark.parametrize("answer", SLOW.values(), ids=SLOW)
@pytest.mark.parametrize("is_tls", [False, True], ids=["http", "https"])
async def test_whatever_drips_is_given_up_in_time_and_let_go_of(answer, is_tls, pki, tls):
    async with serving(answer, tls if is_tls else None) as server:
        url = f"http{'s' if is_tls else ''}://127.0.0.1:{server.port}"
        meters = Meters(MeterSource(url, 0.4, ca_file=pki.certificate("ca")), (GPU,))
        began = time.monotonic()

        found = await why(meters)

        assert time.monotonic() - began < 3
        assert "no answer within 0.4 s" in found or "is not one of Prometheus" in found
        # The connection is not left to drip on, however often it is tried again.
        for _ in range(2):
            await eventually(lambda: server.connected == 0)
            assert await why(meters)
        meters.close()
        await eventually(lambda: server.connected == 0)


async def test_a_handshake_that_does_not_end_is_given_up(pki):
    async with serving(without_end(b"", 0.05)) as server:
        url = f"https://127.0.0.1:{server.port}"
        began = time.monotonic()

        found = await read(url, timeout_seconds=0.4, ca_file=pki.certificate("ca"))

        assert "no answer within 0.4 s" in found
        assert time.monotonic() - began < 3
        await eventually(lambda: server.connected == 0)


def bomb(layers):
    content = b"[" + b" " * 100_000_000
    for _ in range(layers):
        content = gzip.compress(content, 1)
    coding = ", ".join(["gzip"] * layers)
    return at_once(head(f"Content-Encoding: {coding}", f"Content-Length: {len(content)}"), content)


LARGE = {
    "without end": without_end(b" " * 65536, 0, head("Connection: close")),
    "as long as it says": without_end(b" " * 65536, 0, head("Content-Length: 100000000")),
    "one chunk": without_end(b" " * 65536, 0, head("Transfer-Encoding: chunked") + b"5F5E100\r\n"),
    "compressed": bomb(1),
    "compressed twice": bomb(2),
}


@pytest.mark.parametrize("answer", LARGE.values(), ids=LARGE)
async def test_what_is_larger_than_borne_is_cut_and_never_held(answer):
    most = 1_000_000
    tracemalloc.start()
    async with serving(answer) as server:
        found = await read(f"http://127.0.0.1:{server.port}", max_bytes=most, timeout_seconds=10)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert f"larger than {most} bytes" in found
    assert peak < 8 * most
    assert server.sent < 20 * most


UNTOLD = {
    "it is not let in, and told what it sent": text(f"no: Bearer {CANARY}", 401),
    "it is told what it sent": text(f"oh no: Bearer {CANARY}", 500),
    "it is warned of what it sent": vector(warnings=[f"Bearer {CANARY} is odd\n{CANARY}"]),
    "something else answers": text(f"<html>{CANARY}</html>"),
    "deeper than any stack": text("[" * 100_000),
    "deep, with a warning": text('{"warnings": ' + "[" * 100_000),
}


@pytest.mark.parametrize("answer", UNTOLD.values(), ids=UNTOLD)
async def test_the_token_is_in_no_sentence(answer, token):
    fake = FakePrometheus()
    fake.answers[GPU.query] = answer
    async with running(fake):
        found = await read(fake.url, token_file=token)

    assert fake.authorizations == [f"Bearer {CANARY}"]
    assert found.startswith("gpuUtilization: ")
    assert CANARY not in found
    assert found.isprintable()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(f"{CANARY}\n{CANARY}".encode(), id="two lines"),
        pytest.param(f"{CANARY}\r\nX-Scope-OrgID: other".encode(), id="a header of its own"),
        pytest.param(f"{CANARY}\N{EURO SIGN}".encode(), id="not ASCII"),
        pytest.param(CANARY.encode() + b"\xff", id="not text"),
        pytest.param(CANARY.encode() * 2000, id="too long"),
        pytest.param(b"\n", id="nothing"),
    ],
)
async def test_a_token_file_that_holds_no_token_is_a_sentence_without_it(content, tmp_path):
    path = tmp_path / "token"
    path.write_bytes(content)
    async with serving(ANSWER) as server:
        found = await read(f"http://127.0.0.1:{server.port}", token_file=path)

    assert f"prometheus.tokenFile {path} holds no token" in found
    assert CANARY not in found
    assert server.requests == []


async def test_a_token_file_that_never_ends_is_read_up_to_a_token():
    found = await read("http://127.0.0.1:1", token_file=Path("/dev/zero"))

    assert "holds no token" in found


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://127.0.0.1:1", "http://127.0.0.1:1 cannot be reached (Connection refused); "),
        ("http://no.such.host.invalid:9090", "http://no.such.host.invalid:9090 cannot be reached"),
    ],
)
async def test_nobody_there_is_a_sentence_that_says_what_to_do(url, sentence):
    found = await read(url)

    assert sentence in found
    assert "check prometheus.url" in found


CODES = {
    204: "is not Prometheus (204); check prometheus.url",
    304: "is not Prometheus (304); check prometheus.url",
    400: "refuses the query (400)",
    401: "check prometheus.tokenFile",
    404: "check the path in prometheus.url",
    418: "is not Prometheus (418)",
    422: "cannot run the query (422)",
    429: "look at its load",
    500: "failed (500); look at its log",
    599: "failed (599); look at its log",
}


@pytest.mark.parametrize(("code", "sentence"), CODES.items())
async def test_every_code_is_a_sentence(code, sentence):
    async with serving(at_once(f"HTTP/1.1 {code} X\r\nContent-Length: 0\r\n\r\n".encode())) as raw:
        found = await read(f"http://127.0.0.1:{raw.port}")

    assert sentence in found
