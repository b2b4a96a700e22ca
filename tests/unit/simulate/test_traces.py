import gzip
import re

import pytest
from tests.unit.simulate.support import HEAD, compressed, write

from plafond.simulate.errors import SimulationError
from plafond.simulate.traces import read_trace

GOOD = "0,a,1,60,0"


def refused(path):
    with pytest.raises(SimulationError) as caught:
        read_trace(path)
    return str(caught.value)


def test_demand_is_the_sum_of_prompt_and_completion_tokens_per_second(tmp_path):
    path = write(tmp_path / "t.csv", "0,a,6,600,60", "0,b,0,540,0", "60,a,60,6000,0")

    trace = read_trace(path)

    assert trace.bin_s == 60
    # (600 + 60 + 540) / 60 = 20; 6000 / 60 = 100
    assert trace.total.tolist() == [20.0, 100.0]
    assert trace.requests["a"].tolist() == [0.1, 1.0]


def test_bins_without_rows_have_no_demand(tmp_path):
    path = write(tmp_path / "t.csv", "0,a,1,60,0", "60,a,1,60,0", "240,a,1,60,0")

    trace = read_trace(path)

    assert trace.total.tolist() == [1.0, 1.0, 0.0, 0.0, 1.0]
    assert trace.silent_bins == 2


def test_other_columns_and_their_order_do_not_matter(tmp_path):
    head = "tenant,offset_s,model,completion_tokens,prompt_tokens,requests"
    path = write(tmp_path / "t.csv", "a,0,x,600,0,1", head=head)

    # A single bin is one of ten minutes: 600 / 600.
    assert read_trace(path).total.tolist() == [1.0]


def test_gzip_is_known_by_its_content_and_not_by_its_name(tmp_path):
    path = compressed(tmp_path / "t.csv", f"{HEAD}\n{GOOD}\n")

    assert read_trace(path).tokens.keys() == {"a"}


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path):
    marked = f"\ufeff{HEAD}\n{GOOD}\n"
    plain, packed = tmp_path / "t.csv", compressed(tmp_path / "t.csv.gz", marked)
    plain.write_text(marked, encoding="utf-8")

    assert read_trace(plain).total.tolist() == read_trace(packed).total.tolist() == [0.1]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("60,a,1,-1,0", r"line 3: expected a number of at least 0 as prompt_tokens; got '-1'"),
        ("60,a,1,x,0", r"line 3: expected a number of at least 0 as prompt_tokens; got 'x'"),
        ("60,a,1,NaN,0", r"line 3: expected a number of at least 0 as prompt_tokens; got 'NaN'"),
        ("60,a,1,0,inf", r"line 3: expected a number .* as completion_tokens; got 'inf'"),
        ("60,a,,0,0", r"line 3: expected a number .* as requests; the cell is missing or empty"),
        ("60,a,1", r"line 3: expected a number .* the cell is missing or empty"),
        ("60,,1,0,0", r"line 3: expected the name of a tenant"),
        ("0.5,a,1,0,0", r"line 3: expected a whole number of seconds as offset_s; got 0.5"),
        ("-60,a,1,0,0", r"line 3: expected a number of at least 0 as offset_s; got '-60'"),
        ("60,a,1,1e300,0", r"line 3: expected at most 1e\+15 as prompt_tokens; got '1e300'"),
        ("60,a,1,0,1000000000000001", r"line 3: expected at most 1e\+15 as completion_tokens"),
        ("60,a,1e16,0,0", r"line 3: expected at most 1e\+15 as requests; got '1e16'"),
        ("1e300,a,1,0,0", r"line 3: expected at most 1e\+15 as offset_s; got '1e300'"),
        ("86401,a,1,0,0", r"line 3: expected bins of a day at most, .* up to 86400; got 86401"),
    ],
)
def test_a_cell_that_means_nothing_is_named_with_its_line(tmp_path, row, said):
    assert re.search(said, refused(write(tmp_path / "t.csv", GOOD, row)))


def test_rows_have_to_be_in_order(tmp_path):
    path = write(tmp_path / "t.csv", "0,a,1,0,0", "120,a,1,0,0", "60,a,1,0,0")

    assert "line 4: expected an offset_s of at least 120, the row before's; got 60" in refused(path)


def test_offsets_have_to_lie_on_one_grid(tmp_path):
    path = write(tmp_path / "t.csv", "0,a,1,0,0", "60,a,1,0,0", "150,a,1,0,0")

    assert "line 4: expected a multiple of 60 as offset_s; got 150" in refused(path)


def test_a_silence_of_more_than_six_hours_is_a_hole(tmp_path):
    late = 60 + 6 * 3600
    quiet = write(tmp_path / "quiet.csv", GOOD, "60,a,1,0,0", f"{late},a,1,0,0")
    holed = write(tmp_path / "holed.csv", GOOD, "60,a,1,0,0", f"{late + 120},a,1,0,0")

    assert read_trace(quiet).silent_bins == 359
    assert f"line 4: expected a row at most 6 hours after 120 s; {late + 120}" in refused(holed)


def test_a_bin_may_last_a_day_and_hold_as_much_as_anybody_could_ask_for(tmp_path):
    path = write(tmp_path / "t.csv", GOOD, "86400,a,1,864e12,0")

    # 864e12 / 86400
    assert read_trace(path).total.tolist()[1] == 1e10


def test_missing_columns_are_named(tmp_path):
    path = write(tmp_path / "t.csv", "0,a,1", head="offset_s,tenant,requests")

    assert "line 1: expected the columns offset_s, tenant, requests" in refused(path)
    assert "missing: prompt_tokens, completion_tokens" in refused(path)


def test_an_empty_file_and_one_without_rows_are_no_traces(tmp_path):
    empty, bare = tmp_path / "empty.csv", write(tmp_path / "bare.csv")
    empty.touch()

    assert "line 1: expected the columns" in refused(empty)
    assert "line 2: expected a row of demand, but the file ends" in refused(bare)


def test_a_truncated_gzip_file_is_not_half_a_trace(tmp_path):
    rows = "\n".join(f"{60 * n},tenant-{n * n},{n},{n * 37},{n * 11}" for n in range(2000))
    path = tmp_path / "t.csv.gz"
    whole = gzip.compress(f"{HEAD}\n{rows}\n".encode())
    path.write_bytes(whole[: len(whole) // 2])

    assert re.search(r"line \d+: expected more data, but the gzip file is cut off", refused(path))


def test_a_damaged_gzip_file_is_no_trace(tmp_path):
    path = tmp_path / "t.csv.gz"
    whole = gzip.compress(f"{HEAD}\n{GOOD}\n".encode())
    path.write_bytes(whole[:12] + b"\x00\xff\x00" + whole[15:])

    assert "gzip file is cut off or damaged" in refused(path)


def test_what_is_no_file_or_no_text_is_said(tmp_path):
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"\xff\xfe\x00\x01")

    assert "no-such.csv: expected a trace to read; No such file" in refused(
        tmp_path / "no-such.csv"
    )
    assert "expected a trace to read; Is a directory" in refused(tmp_path)
    assert "line 2: expected rows of comma-separated text" in refused(binary)
