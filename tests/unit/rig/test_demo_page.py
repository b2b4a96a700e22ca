"""The page about the demo: from samples to charts, also where there are none."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from e2e.demo.facts import Outcome
from e2e.demo.play import Play
from e2e.demo.report import page
from e2e.demo.scene import Scene
from e2e.demo.table import Picture, Row
from rich.console import Console

from plafond.page.parts import Chart
from plafond.page.render import render

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
OUTCOME = Outcome(
    limit=Decimal(1527), unlimited=Decimal(2349), spent_at=lambda instant: 0.0, spent=1523.0,
    offered=3164.0, served=2441.0, dead_seconds=16.0, tried=(), clamps=(),
)  # fmt: skip


def row(name, replicas, ceiling):
    return Row(name, "Hot", 9.0, 100.0, 77.0, replicas, replicas, 8, ceiling, "BudgetCeiling")


def picture(seconds, **more):
    rows = (row("chat", 4, 7), row("embed", 2, None))
    sample = Picture(
        NOON + timedelta(seconds=seconds), seconds / 1.5, "82.28 EUR", "1527 EUR", 5,
        "-", "-", is_operator_running=True, why="month 5 %", rows=rows, news="",
    )  # fmt: skip
    return replace(sample, **more)


def play(*pictures, dead=None):
    performed = Play(None, Scene(1.5), Path(), Console(), start=NOON, pictures=list(pictures))
    performed.dead = dead
    return performed


def series(shown):
    charts = [p for s in shown.sections for p in s.parts if isinstance(p, Chart)]
    return {f"{c.title}: {s.name}": list(s.points) for c in charts for s in c.series}


def test_what_was_sampled_is_drawn_and_no_ceiling_is_a_gap():
    found = series(page(play(picture(0), picture(3)), OUTCOME))

    assert found["chat (Hot): replicas: replicas"] == [(0.0, 4), (2.0, 4)]
    assert found["chat (Hot): replicas: ceiling"] == [(0.0, 7), (2.0, 7)]
    assert found["embed (Warm): replicas: ceiling"] == [(0.0, None), (2.0, None)]
    assert found["Spend against the limit: straight line to the limit"] == [(0, 0), (48, 1527.0)]


def test_what_the_status_said_is_a_gap_while_it_is_dead():
    dead = (NOON + timedelta(seconds=2), NOON + timedelta(seconds=5))
    told = series(page(play(picture(0), picture(3), picture(6), dead=dead), OUTCOME))

    assert told["Spend against the limit: spent, as the status said"] == [
        (0.0, 82.28), (2.0, None), (4.0, 82.28),
    ]  # fmt: skip


@pytest.mark.parametrize("pictures", [(), (picture(0, spent="-"),)], ids=["none", "one"])
def test_a_play_without_samples_still_has_its_page(pictures):
    html = render(page(play(*pictures), OUTCOME))

    ET.fromstring(html.removeprefix("<!DOCTYPE html>"))  # noqa: S314 - our own page
    assert "1,523 EUR" in html


def test_what_was_served_in_an_hour_is_a_rate_in_its_middle():
    # From hour 0 to hour 2, three seconds apart: sixty requests more.
    later = picture(3)
    more = tuple(replace(each, served=each.served + 60) for each in later.rows)

    found = series(page(play(picture(0), replace(later, rows=more)), OUTCOME))

    assert found["chat (Hot): requests: served"] == [(1.0, 20.0)]
