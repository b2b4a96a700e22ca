"""
Snapshots as readable JSON, and what was decided on them.

A snapshot is written down through the codec that also keeps the operator's memory; what JSON has no
form for (keys of more than one part) is spelled out here.
"""

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from plafond.api.codec import dump, load
from plafond.api.convert_ledger import ledger_spec, parse_ledger
from plafond.decide.evaluate import Evaluation
from plafond.decide.judge import Judgement
from plafond.decide.plan import Action, ClearCeilings, ClearQuota, SetCeilings, SetQuota
from plafond.model.gap import Gap
from plafond.model.meters import Meter, MeterReading, PodKey
from plafond.model.snapshot import Snapshot

FOLDER = Path(__file__).parent / "snapshots"


def names() -> list[str]:
    """Every recorded snapshot."""
    return sorted(path.name for path in FOLDER.iterdir() if path.is_dir())


def read_snapshot(name: str) -> Snapshot:
    raw = json.loads((FOLDER / name / "snapshot.json").read_text())
    meters = {Meter(key): _load_reading(each) for key, each in raw.pop("meters", {}).items()}
    records = {key: parse_ledger({"spec": each}) for key, each in raw.pop("records", {}).items()}
    return replace(load(Snapshot, raw), meters=meters, records=records)


def read_decisions(name: str) -> str:
    return (FOLDER / name / "decisions.json").read_text()


def write_snapshot(name: str, snapshot: Snapshot) -> None:
    raw = dump(replace(snapshot, meters={}, records={}))
    raw["meters"] = {str(key): _dump_reading(each) for key, each in snapshot.meters.items()}
    raw["records"] = {key: ledger_spec(each) for key, each in snapshot.records.items()}
    (FOLDER / name).mkdir(parents=True, exist_ok=True)
    (FOLDER / name / "snapshot.json").write_text(_readable(raw))


def write_decisions(name: str, text: str) -> None:
    (FOLDER / name / "decisions.json").write_text(text)


def described(evaluation: Evaluation) -> str:
    """What was decided, for a person who reads the difference."""
    return _readable(
        {
            "decided": {_set_name(j): _judgement(j) for j in evaluation.judgements},
            "written": [
                f"{part.mode}: {_action(action)}"
                for part in evaluation.plan.parts
                for action in part.actions
            ],
        }
    )


def _set_name(judgement: Judgement) -> str:
    policy_set = judgement.account.policy_set
    return f"{policy_set.namespace} {policy_set.key}"


def _judgement(judgement: Judgement) -> dict[str, object]:
    described: dict[str, object] = {
        "budgets": {
            budget.position.budget.name: {
                "spend": _rounded(budget.position.spend.value),
                "carriedRate": _rounded(budget.carried_rate),
                "utilizationPercent": budget.utilization_percent,
            }
            for budget in judgement.pace.budgets
        },
        "workloads": {
            decision.workload.name: {
                "count": f"{decision.observed_replicas} -> {decision.desired_replicas}",
                "ceiling": decision.ceiling,
                "fundedFloor": judgement.memory[decision.workload].funded_floor,
                "moves": [f"{m.reason} {m.before} -> {m.after}" for m in decision.moves],
            }
            for decision in judgement.decisions
        },
        "gaps": {workload.name: gap.why for workload, gap in judgement.gaps.items()},
    }
    if judgement.left_alone is not None:
        described["leftAlone"] = judgement.left_alone.why
    return described


def _action(action: Action) -> str:
    if isinstance(action, SetCeilings):
        listed = ",".join(f"{each.name}={most}" for each, most in action.ceilings.items())
        return f"ceilings of {action.namespace}: {listed} ({action.why})"
    if isinstance(action, ClearCeilings):
        return f"ceilings of {action.namespace}: none"
    if isinstance(action, SetQuota):
        listed = ",".join(f"{name}={most}" for name, most in action.hard.items())
        return f"quota of {action.namespace}: {listed}"
    if isinstance(action, ClearQuota):
        return f"quota of {action.namespace}: none"
    return f"scale {action.workload}: {action.before} -> {action.after}"


def _rounded(value: Decimal) -> str:
    return f"{value:.4f}"


def _readable(raw: object) -> str:
    return json.dumps(raw, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _dump_reading(reading: MeterReading) -> dict[str, object]:
    values = {f"{key.namespace}/{key.pod}": value for key, value in reading.values.items()}
    return {"values": values, "gap": reading.gap.why if reading.gap else None}


def _load_reading(raw: dict) -> MeterReading:
    values = {PodKey(*key.split("/")): value for key, value in raw["values"].items()}
    return MeterReading(values, Gap(raw["gap"]) if raw["gap"] else None)
