"""A policy, and the prices beside it, as the operator would read them from the API server."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from plafond.api.convert_policy import parse_cost_policy
from plafond.api.convert_prices import parse_price_sheet
from plafond.api.errors import InvalidResource
from plafond.model.capacity import PriceSheet
from plafond.model.policy import CostPolicy, InvalidPolicy
from plafond.simulate.errors import SimulationError

POLICY, SHEET = "CostPolicy", "PriceSheet"


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """What one file says: one policy, and as many price sheets as it likes."""

    source: str
    policy: CostPolicy
    sheets: tuple[PriceSheet, ...]


def read_policy(path: Path) -> PolicyFile:
    """Read the YAML documents of *path*."""
    found = tuple(_documents(path))
    policies = [_policy(path, raw) for kind, raw in found if kind == POLICY]
    if len(policies) != 1:
        sentence = f"{path}: expected one {POLICY}; got {len(policies)}"
        raise SimulationError(sentence)
    sheets = tuple(_sheet(path, raw) for kind, raw in found if kind == SHEET)
    return PolicyFile(str(path), policies[0], sheets)


def _documents(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    try:
        documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    except OSError as error:
        sentence = f"{path}: expected a policy to read; {error.strerror or error}"
        raise SimulationError(sentence) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        # The library's sentence goes over several lines; where it points to is what helps.
        words = " ".join(str(error).split())
        sentence = f"{path}: expected YAML; {words}"
        raise SimulationError(sentence) from error
    for number, document in enumerate((d for d in documents if d is not None), 1):
        yield _named(path, number, document)


def _named(path: Path, number: int, document: object) -> tuple[str, Mapping[str, Any]]:
    kind = document.get("kind") if isinstance(document, dict) else None
    metadata = document.get("metadata") if isinstance(document, dict) else None
    where = f"{path}, document {number}"
    if not isinstance(document, dict) or kind not in (POLICY, SHEET):
        sentence = f"{where}: expected a {POLICY} or a {SHEET}; got {kind or 'something else'}"
        raise SimulationError(sentence)
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        sentence = f"{where}: expected metadata with a name"
        raise SimulationError(sentence)
    return str(kind), {**document, "metadata": {"namespace": "default", **metadata}}


def _policy(path: Path, raw: Mapping[str, Any]) -> CostPolicy:
    policy = parse_cost_policy(raw)
    if isinstance(policy, InvalidPolicy):
        sentence = f"{path}, {POLICY} {policy.name}: {policy.field}: {policy.why}"
        raise SimulationError(sentence)
    return policy


def _sheet(path: Path, raw: Mapping[str, Any]) -> PriceSheet:
    try:
        return parse_price_sheet(raw)
    except InvalidResource as error:
        sentence = f"{path}, {SHEET} {raw['metadata']['name']}: {error}"
        raise SimulationError(sentence) from error
