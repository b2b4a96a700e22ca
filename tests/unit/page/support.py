"""What the tests of the page draw, and how they read what came of it."""

from xml.etree import ElementTree as ET

from plafond.page.parts import Axis, Chart, Page, Section, Series
from plafond.page.render import render


def chart(*series, **more):
    return Chart("Replicas", "What ran.", Axis("hours"), Axis("replicas"), series, **more)


def line(*points, **more):
    return Series("observed", points, **more)


def page(*parts):
    return Page("Two days", "What happened.", sections=(Section("All", parts),))


def read(html):
    """Return the page as a tree; that it is well-formed is half of every test."""
    # Our own page, and no entity is declared in it.
    return ET.fromstring(html.removeprefix("<!DOCTYPE html>"))  # noqa: S314


def drawn(*parts):
    return read(render(page(*parts)))


def words(tree):
    return " ".join(" ".join(tree.itertext()).split())
