"""A fake API server, and what writes ledgers to it, for all tests of what is reported."""

import pytest
from tests.integration.fakes.kubernetes_api import FakeKubernetes, running
from tests.integration.report.ledgers import opened


@pytest.fixture
async def fake():
    return FakeKubernetes()


@pytest.fixture
async def client(fake):
    async with running(fake) as client:
        yield client


@pytest.fixture
def checkpoints(client):
    return opened(client)
