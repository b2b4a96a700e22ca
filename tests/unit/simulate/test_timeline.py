import csv
import io

import pytest
from tests.unit.simulate.support import MODEL, money, window

from plafond.simulate.baselines import Static, Unconstrained
from plafond.simulate.errors import SimulationError
from plafond.simulate.play import play
from plafond.simulate.timeline import check_writable, timeline, write_whole


def rows(run):
    return list(csv.reader(io.StringIO(timeline(run, "llm"))))


def test_a_step_is_a_row_and_no_ceiling_is_an_empty_cell():
    run = play(window(25.0), MODEL, Unconstrained())

    assert rows(run)[:2] == [
        [
            "offset_s", "workload", "demand_tokens_per_s", "recommended_replicas", "ceiling",
            "replicas", "ready_replicas", "served_tokens_per_s", "cost",
        ],
        # 25 tokens/s at 7 a replica: four replicas; 4 x 0.0125
        ["0", "llm", "25", "4", "", "4", "4", "25", "0.05"],
    ]  # fmt: skip


def test_the_costs_of_a_timeline_add_up_to_what_was_spent():
    run = play(window(25.0, 70.0, 5.0, 40.5), MODEL, Static(money("0.6"), 240, MODEL))

    assert sum(money(row[-1]) for row in rows(run)[1:]) == run.spent
    assert {row[4] for row in rows(run)[1:]} <= {"3", "0"}


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("before")

    write_whole(path, "after")

    assert path.read_text() == "after"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("", "it is no file"),
        ("none/t.csv", "No such file or directory"),
        ("t" * 255, "File name too long"),
        ("t" * 256, "File name too long"),
        # Whoever may write everywhere cannot write there.
        ("/proc/t.csv", "No such file or directory"),
    ],
)
def test_what_cannot_be_written_is_said_before_anything_is_played(tmp_path, place, why):
    with pytest.raises(SimulationError, match=f"expected a file in a folder that .*; {why}"):
        check_writable(tmp_path / place)


def test_to_ask_whether_a_file_can_be_written_leaves_it_and_its_folder_as_they_were(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("before")

    check_writable(path)

    assert (path.read_text(), list(tmp_path.iterdir())) == ("before", [path])


def test_a_link_that_leads_to_itself_is_an_ordinary_place(tmp_path):
    loop = tmp_path / "loop.csv"
    loop.symlink_to(loop)

    check_writable(loop)
    write_whole(loop, "rows")

    assert loop.read_text() == "rows"


def test_a_link_stays_a_link(tmp_path):
    link, path = tmp_path / "link.csv", tmp_path / "t.csv"
    link.symlink_to(path)

    write_whole(link, "text")

    assert (link.is_symlink(), path.read_text()) == (True, "text")


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path):
    path = tmp_path / "folder"
    path.mkdir()

    with pytest.raises(SimulationError, match="it cannot be written"):
        write_whole(path, "text")

    assert list(tmp_path.iterdir()) == [path]
