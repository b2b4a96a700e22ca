"""Whatever Prometheus answers, it is read: as values that make sense, and a gap for the rest."""

import math

from hypothesis import given
from hypothesis import strategies as st
from tests.builders import NOW

from plafond.observe.meter_samples import Answer, SampleLabels, reading_of

TEXTS = st.text(max_size=8) | st.sampled_from(
    ["namespace", "pod", "metric", "value", "NaN", "1e999"]
)
NUMBERS = st.integers() | st.floats() | st.sampled_from([10**400, NOW.timestamp()])
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
ROWS = st.fixed_dictionaries(
    {
        "metric": st.dictionaries(st.sampled_from(["namespace", "pod", "x"]), ANYTHING) | ANYTHING,
        "value": st.tuples(st.just(NOW.timestamp()) | NUMBERS, TEXTS | ANYTHING) | ANYTHING,
    }
)


@given(st.lists(ROWS | ANYTHING, max_size=4), st.lists(TEXTS, max_size=2).map(tuple))
def test_no_answer_is_an_error_and_no_value_is_nonsense(rows, warnings):
    reading = reading_of(Answer(rows, warnings), SampleLabels(), NOW)

    assert all(math.isfinite(value) and value >= 0 for value in reading.values.values())
    assert all(isinstance(name, str) for key in reading.values for name in key)
    assert not warnings or reading.gap is not None
