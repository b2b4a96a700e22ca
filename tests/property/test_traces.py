"""What is read of a trace is what was written, and a part of a compressed one is never a trace."""

import gzip
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.simulate.support import HEAD

from plafond.simulate.errors import SimulationError
from plafond.simulate.traces import read_trace

BIN_S = 600
CELL = st.integers(0, 10**9)
# At most six hours of silence: 36 bins.
ROWS = st.dictionaries(
    st.tuples(st.integers(0, 30), st.sampled_from("abc")), st.tuples(CELL, CELL), min_size=1
)


def text_of(rows):
    lines = [f"{index * BIN_S},{tenant},1,{p},{c}" for (index, tenant), (p, c) in sorted(rows)]
    return "\n".join((HEAD, f"0,a,1,0,0\n{BIN_S},a,1,0,0", *lines, ""))


@given(rows=ROWS)
def test_every_token_of_every_tenant_is_read(rows):
    shifted = {(index + 1, tenant): cells for (index, tenant), cells in rows.items()}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv.gz"
        path.write_bytes(gzip.compress(text_of(shifted.items()).encode()))

        trace = read_trace(path)

    assert trace.bin_s == BIN_S
    for tenant, demand in trace.tokens.items():
        asked = {index: p + c for (index, who), (p, c) in shifted.items() if who == tenant}
        for index, tokens_per_s in enumerate(demand):
            assert tokens_per_s * BIN_S == pytest.approx(asked.get(index, 0))


@given(rows=ROWS, part=st.floats(0.0, 0.999))
def test_a_compressed_trace_that_is_cut_off_anywhere_is_refused(rows, part):
    whole = gzip.compress(text_of({(i + 1, t): c for (i, t), c in rows.items()}.items()).encode())
    with TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv.gz"
        path.write_bytes(whole[: int(len(whole) * part)])

        with pytest.raises(SimulationError) as refused:
            read_trace(path)

    assert str(path) in str(refused.value)
