"""How kopf is used, which events wake, and what is logged once."""

import itertools
import logging

import kopf
import pytest

from plafond.controller.address import Address
from plafond.controller.generations import Generations
from plafond.controller.handlers import register
from plafond.controller.kopf_settings import EndlessBackoffs, kopf_settings
from plafond.controller.logs import configure_logging
from plafond.controller.missing import Missing


def test_kopf_neither_peers_nor_posts_nor_scans_nor_trusts_the_environment():
    settings = kopf_settings()

    assert settings.peering.standalone is True
    assert settings.posting.enabled is False
    assert settings.scanning.disabled is True
    assert settings.networking.trust_env is False


def test_back_offs_never_end_grow_to_a_limit_and_differ():
    first, second = (list(itertools.islice(EndlessBackoffs(), 100)) for _ in range(2))

    assert first != second
    assert 0.5 <= first[0] <= 1.0
    assert all(7.5 <= delay <= 15.0 for delay in first[10:])


class Process:
    """Counts what it is asked for."""

    def __init__(self):
        self.calls = []

    async def start(self):
        self.calls.append("start")

    async def stop(self):
        self.calls.append("stop")

    def wake(self):
        self.calls.append("wake")


def test_every_handler_has_an_id_of_its_own_and_none_keeps_state_in_the_cluster():
    registry = kopf.OperatorRegistry()
    register(registry, Process())

    activities = registry._activities.get_all_handlers()  # noqa: SLF001 - no public way to ask
    watching = registry._watching.get_all_handlers()  # noqa: SLF001 - no public way to ask
    assert sorted(h.id for h in activities) == ["login", "start", "stop"]
    assert sorted(h.id for h in watching) == ["cost-policy-changed", "price-sheet-changed"]
    for kind in (registry._spawning, registry._changing, registry._indexing, registry._webhooks):  # noqa: SLF001 - no public way to ask
        assert kind.get_all_handlers() == []


@pytest.mark.parametrize(
    ("events", "news"),
    [
        pytest.param([(None, 1), ("MODIFIED", 1)], [True, False], id="a status was written"),
        pytest.param([("ADDED", 1), ("MODIFIED", 2)], [True, True], id="the spec was changed"),
        pytest.param([("ADDED", 1), ("DELETED", 1)], [True, True], id="it was deleted"),
        pytest.param([("ADDED", 1), ("DELETED", 1), ("ADDED", 1)], [True] * 3, id="it came back"),
        pytest.param([(None, 3), (None, 3)], [True, False], id="it was listed again"),
    ],
)
def test_an_event_is_news_when_it_is_about_more_than_a_status(events, news):
    generations = Generations()

    found = [generations.is_news(k, {"uid": "a", "generation": g}) for k, g in events]

    assert found == news


def test_nothing_is_remembered_of_objects_that_were_deleted():
    generations = Generations()
    for uid in ("a", "b"):
        for kind in ("ADDED", "DELETED"):
            generations.is_news(kind, {"uid": uid, "generation": 1})

    assert generations._seen == {}  # noqa: SLF001 - its size is the point


def test_what_is_missing_is_said_when_it_begins_and_when_it_ends(caplog):
    caplog.set_level(logging.DEBUG)
    missing = Missing()
    for found in ({"nodes": "at 0x1"}, {"nodes": "at 0x2"}, {}, {}):
        missing.update(found)

    assert [(r.levelname, r.getMessage()) for r in caplog.records] == [
        ("WARNING", "not observed: at 0x1"),
        ("INFO", "observed again, after: at 0x2"),
    ]


@pytest.mark.parametrize("text", ["127.0.0.1:8080", "localhost:1", "[::]:8080", "[fe80::1]:65535"])
def test_an_address_reads_as_it_is_written(text):
    assert str(Address.parse(text)) == text


@pytest.fixture
def logging_as_before():
    loggers = [logging.getLogger(name) for name in (None, "plafond.audit")]
    before = [(each, list(each.handlers), each.level, each.propagate) for each in loggers]
    for each in loggers:
        each.handlers = []
    yield
    for each, handlers, level, propagate in before:
        each.handlers, each.propagate = handlers, propagate
        each.setLevel(level)


@pytest.mark.usefixtures("logging_as_before")
def test_audit_lines_go_to_the_output_as_they_are_and_logs_to_the_errors(capsys):
    configure_logging(verbose=False)

    logging.getLogger("plafond.audit").info('{"time": "now"}')
    logging.getLogger("plafond.controller").info("running")
    logging.getLogger("plafond.controller").debug("too much")
    logging.getLogger("kopf.clients").error("Request attempt #7 failed; will retry: GET x -> y")
    logging.getLogger("kopf.clients").error("something else")

    output, errors = capsys.readouterr()
    assert output == '{"time": "now"}\n'
    lines = [
        line.partition(" INFO ")[2] or line.partition(" ERROR ")[2] for line in errors.splitlines()
    ]
    assert lines == ["plafond.controller running", "kopf.clients something else"]
