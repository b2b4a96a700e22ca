"""A namespace's ledger and memory to and from the spec of its `SpendLedger`, lossless."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from plafond.api import spend_ledger as written
from plafond.api.codec import dump, load
from plafond.api.convert_values import instant, parsed, spec_of
from plafond.api.errors import InvalidResource
from plafond.model.ledger import Bucket, Fact, Ledger, SeriesKey
from plafond.model.memory import Memory, NamespaceRecord
from plafond.model.money import ZERO, elapsed_microseconds

# etcd takes 1.5 MiB for an object, with its metadata and managed fields.
MAX_LEDGER_BYTES: Final = 1_200_000
# A run costs as much as so many stretches in which nothing was spent.
MOST_ZEROS: Final = 32
_MICROSECONDS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Continued:
    """The closed ledger that another continues, by name, and up to when it holds something."""

    name: str
    until: datetime


def ledger_spec(record: NamespaceRecord, continues: Continued | None = None) -> dict[str, Any]:
    """
    Return the spec that holds *record*, or as much of it as is not in what it *continues*.

    Raise `InvalidResource` where no object can.
    """
    spec = {**series_spec(record.ledger), "memory": compact(dump(record.memory))}
    if continues is not None:
        spec["continues"] = {"name": continues.name, "until": moment(continues.until)}
    if record.ledger.as_of is not None:
        spec["asOf"] = moment(record.ledger.as_of)
    return checked(spec)


def series_spec(ledger: Ledger) -> dict[str, Any]:
    """Return the part of a spec that holds what is in *ledger*."""
    series = ledger.series
    return {
        "series": [_series(key, series[key]) for key in sorted(series) if not key.workload],
        "workloads": [_of_workload(key, series[key]) for key in sorted(series) if key.workload],
    }


def checked(spec: dict[str, Any]) -> dict[str, Any]:
    """Return *spec*; raise `InvalidResource` where no object can hold it."""
    size = len(compact(spec))
    if size > MAX_LEDGER_BYTES:
        raise InvalidResource(
            field="spec", sentence=f"{size} bytes do not fit, a ledger holds {MAX_LEDGER_BYTES}"
        )
    # What we could not read back must not be written.
    parsed(written.SpendLedgerSpec, spec, "spec")
    return spec


def parse_ledger(raw: Mapping[str, Any]) -> NamespaceRecord:
    """Return the record that *raw* holds; raise `InvalidResource` where it was tampered with."""
    spec = parsed(written.SpendLedgerSpec, spec_of(raw), "spec")
    if spec.memory is None or spec.closed is not None:
        raise InvalidResource(field="spec.memory", sentence="a closed ledger has none")
    continued(raw)
    as_of = None if spec.as_of is None else instant(spec.as_of, "spec.asOf")
    return NamespaceRecord(Ledger(as_of, series_in(spec)), _memory(spec.memory))


def continued(raw: Mapping[str, Any]) -> Continued | None:
    """Return what the ledger *raw* continues; None where all that counts is in itself."""
    spec = spec_of(raw)
    found = spec.get("continues") if isinstance(spec, Mapping) else None
    if found is None:
        return None
    past = parsed(written.Continued, found, "spec.continues")
    return Continued(past.name, instant(past.until, "spec.continues.until"))


def series_in(spec: written.SpendLedgerSpec) -> dict[SeriesKey, tuple[Bucket, ...]]:
    """Return the series that *spec* holds."""
    series = {
        SeriesKey(Fact[each.fact.upper()], each.unit): tuple(
            _buckets(each.runs, f"spec.series[{index}]")
        )
        for index, each in enumerate(spec.series)
    }
    for index, entry in enumerate(spec.workloads):
        found = _buckets(entry.runs, f"spec.workloads[{index}]")
        key = SeriesKey(Fact.SPEND, entry.unit, entry.workload)
        series[key] = tuple(bucket for bucket in found if bucket.value)
    return series


def _memory(text: str) -> Memory:
    try:
        memory: Memory = load(Memory, json.loads(text))
    except (TypeError, ValueError) as error:
        raise InvalidResource(
            field="spec.memory", sentence=f"it cannot be read: {error}"
        ) from error
    return memory


def _series(key: SeriesKey, buckets: tuple[Bucket, ...]) -> dict[str, Any]:
    return {
        "fact": key.fact.name.capitalize(),
        "unit": key.unit,
        "runs": [_run(r) for r in _runs(buckets)],
    }


def _of_workload(key: SeriesKey, buckets: tuple[Bucket, ...]) -> dict[str, Any]:
    return {
        "workload": key.workload,
        "unit": key.unit,
        "runs": [_run(run) for run in _runs(tuple(_without_holes(buckets)))],
    }


def _without_holes(buckets: tuple[Bucket, ...]) -> Iterator[Bucket]:
    """Yield *buckets*, with nothing where nothing was spent: a run takes more than its zeros."""
    last: Bucket | None = None
    for bucket in buckets:
        if last is not None and last.length == bucket.length:
            count, rest = divmod(bucket.start - last.end, bucket.length)
            for index in range(count if not rest and count <= MOST_ZEROS else 0):
                yield Bucket(last.end + index * bucket.length, bucket.length, ZERO)
        yield bucket
        last = bucket


def _runs(buckets: tuple[Bucket, ...]) -> Iterator[list[Bucket]]:
    """Yield *buckets* grouped by what follows on, equally long."""
    run: list[Bucket] = []
    for bucket in buckets:
        if run and (run[-1].end, run[-1].length) != (bucket.start, bucket.length):
            yield run
            run = []
        run.append(bucket)
    if run:
        yield run


def _run(buckets: list[Bucket]) -> dict[str, str]:
    return {
        "start": moment(buckets[0].start),
        "lengthSeconds": _seconds(buckets[0].length),
        "values": " ".join(str(bucket.value) for bucket in buckets),
    }


def _buckets(runs: list[written.Run], field: str) -> Iterator[Bucket]:
    for index, run in enumerate(runs):
        where = f"{field}.runs[{index}]"
        start = instant(run.start, f"{where}.start")
        length = _length(run.length_seconds, f"{where}.lengthSeconds")
        for position, text in enumerate(run.values.split(" ")):
            yield Bucket(start + position * length, length, _value(text, f"{where}.values"))


def _value(text: str, field: str) -> Decimal:
    try:
        value = Decimal(text)
    except ArithmeticError as error:
        raise InvalidResource(field, f"{text[:40]!r} is not a number") from error
    if not value.is_finite():
        raise InvalidResource(field, f"{text[:40]!r} is not an amount")
    return value


def moment(at: datetime) -> str:
    """Return *at* as it is written, in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _seconds(length: timedelta) -> str:
    seconds, rest = divmod(elapsed_microseconds(length), _MICROSECONDS)
    return f"{seconds}.{rest:06}" if rest else str(seconds)


def _length(text: str, field: str) -> timedelta:
    # Through Decimal, because a float would not bring every microsecond back.
    length = timedelta(microseconds=int(Decimal(text) * _MICROSECONDS))
    if not length:
        raise InvalidResource(field, "it must be greater than zero")
    return length


def compact(value: object) -> str:
    """Return *value* as JSON; the same text for the same value."""
    # Sorted, so that an unchanged record is the same text and is not written again.
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
