"""What tests of a ledger's objects share: records, and what of them is in the API server."""

from datetime import timedelta

from tests.builders import NOW, money
from tests.integration.fakes import objects as made

from plafond.api.constants import MONTH
from plafond.api.convert_ledger import parse_ledger
from plafond.api.writer import ApiWriter, WriteTimeouts
from plafond.model.ledger import Bucket, Fact, Ledger, SeriesKey
from plafond.model.memory import NamespaceRecord
from plafond.observe.ledgers import Ledgers
from plafond.observe.records.ledgers import LedgerRecord, parse
from plafond.report.checkpoint import Checkpoints

COLLECTION = "/apis/plafond.dev/v1alpha1/namespaces/team-a/spendledgers"
PATH = f"{COLLECTION}/plafond"
KEY = "team-a/plafond"
WRITES = {"POST", "PATCH", "DELETE"}


def spent(value, at=NOW):
    bucket = Bucket(NOW, timedelta(minutes=5), money(value))
    return NamespaceRecord(Ledger(at, {SeriesKey(Fact.SPEND, "EUR"): (bucket,)}))


def opened(client):
    writer = ApiWriter(client, "plafond", WriteTimeouts(1, 1))
    return Checkpoints(writer, timedelta(minutes=5))


def stored(fake):
    return parse_ledger(fake.objects[made.LEDGERS][KEY])


def version(fake):
    return fake.objects[made.LEDGERS][KEY]["metadata"]["resourceVersion"]


DAYS_AGO = NOW - timedelta(days=3)


def old(value, at=NOW, lately="1"):
    """A record of a namespace that has spent *value* three days ago, and something lately."""
    past = Bucket(DAYS_AGO, timedelta(hours=1), money(value))
    bucket = Bucket(NOW, timedelta(minutes=5), money(lately))
    return NamespaceRecord(Ledger(at, {SeriesKey(Fact.SPEND, "EUR"): (past, bucket)}))


def whole(fake) -> LedgerRecord:
    """Return the ledger as it is read: with what it continues."""
    held = fake.objects[made.LEDGERS].values()
    counted = [raw for raw in held if MONTH not in raw["metadata"].get("labels", {})]
    return Ledgers().whole(map(parse, counted), ())["team-a"]


def writes(fake):
    """Return the writes so far: the verb, and the last part of the path."""
    return [(verb, path.rpartition("/")[2]) for verb, path in fake.requests if verb in WRITES]
