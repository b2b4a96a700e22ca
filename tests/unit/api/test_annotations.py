"""The annotations' wire format: exact both ways, and an error where it cannot be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plafond.api.annotations import (
    MAX_CEILINGS_BYTES,
    MAX_WHY,
    TooManyCeilings,
    decode_ceilings,
    encode_ceilings,
    encode_why,
    is_ignored,
)
from plafond.model.gap import Gap
from plafond.model.workload import WorkloadId

LABELS = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
NAMES = st.lists(LABELS, min_size=1, max_size=3).map(".".join)
WORKLOADS = NAMES.map(lambda name: WorkloadId("team-a", "Deployment", name))
CEILINGS = st.dictionaries(WORKLOADS, st.integers(0, 2**31 - 1), max_size=20)


def llm(name: str = "llm") -> WorkloadId:
    return WorkloadId("team-a", "Deployment", name)


@given(CEILINGS)
def test_what_is_encoded_decodes_to_the_same(ceilings):
    assert decode_ceilings("team-a", str(encode_ceilings(ceilings))) == ceilings


@given(CEILINGS, st.randoms())
def test_the_order_of_the_workloads_changes_nothing(ceilings, random):
    shuffled = list(ceilings.items())
    random.shuffle(shuffled)

    assert encode_ceilings(dict(shuffled)) == encode_ceilings(ceilings)


@given(st.text(alphabet="deploymnts.a/=0123456789,-x", max_size=60))
def test_what_decodes_is_what_would_be_encoded(text):
    decoded = decode_ceilings("team-a", text)

    assert isinstance(decoded, Gap) or encode_ceilings(decoded) == text


def test_names_of_63_characters_and_names_with_dots_are_kept():
    long, dotted = "a" * 63, "v1.2.llm"

    text = encode_ceilings({llm(long): 3, llm(dotted): 0})

    assert text == f"deployments.apps/{long}=3,deployments.apps/{dotted}=0"
    assert decode_ceilings("team-a", text) == {llm(long): 3, llm(dotted): 0}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("deployments.apps/llm=4,", id="a trailing comma"),
        pytest.param("deployments.apps/llm=4, deployments.apps/mlm=2", id="a space"),
        pytest.param("deployments.apps/llm=04", id="a leading zero"),
        pytest.param("deployments.apps/llm=-1", id="a sign"),
        pytest.param("deployments.apps/llm=2147483648", id="more than an int32"),
        pytest.param("deployments.apps/llm", id="no count"),
        pytest.param("deployments.apps/=4", id="no name"),
        pytest.param("deployments.apps/LLM=4", id="a name that cannot exist"),
        pytest.param("daemonsets.apps/llm=4", id="a kind that is not governed"),
        pytest.param("deployments.apps/b=4,deployments.apps/a=4", id="not sorted"),
        pytest.param("deployments.apps/a=4,deployments.apps/a=4", id="said twice"),
        pytest.param("deployments.apps/a=4,deployments.apps/a=5", id="said differently"),
        pytest.param("deployments.apps/llm=4\n", id="a line break"),
        pytest.param("deployments.apps/llm=٤", id="digits of another script"),
    ],
)
def test_what_we_did_not_write_is_a_gap(text):
    assert isinstance(decode_ceilings("team-a", text), Gap)


def test_nothing_is_listed_in_an_empty_annotation():
    assert decode_ceilings("team-a", "") == {}
    assert encode_ceilings({}) == ""


def test_more_than_the_annotation_holds_is_an_error_that_says_how_much():
    # An entry is 17 + 63 + 2 bytes, with its comma 83: 394 fit into 32768 bytes, 395 do not.
    fitting = {llm(f"{number:063}"): 9 for number in range(394)}
    one_more = {**fitting, llm("z" * 63): 9}

    assert len(str(encode_ceilings(fitting))) == 394 * 83 - 1 <= MAX_CEILINGS_BYTES
    assert encode_ceilings(one_more) == TooManyCeilings(395, 395 * 83 - 1)
    assert str(encode_ceilings(one_more)).startswith("395 ceilings take 32784 bytes")


@pytest.mark.parametrize(
    ("workload", "ceiling"),
    [
        (llm(), -1),
        (llm(), 2**31),
        (llm("a,b"), 1),
        (WorkloadId("team-a", "DaemonSet", "db"), 1),
    ],
)
def test_a_ceiling_that_cannot_be_written_is_a_bug(workload, ceiling):
    with pytest.raises(ValueError, match="cannot be written"):
        encode_ceilings({workload: ceiling})


@given(st.text(max_size=2000))
def test_why_is_one_bounded_line(sentence):
    why = encode_why(sentence)

    assert len(why) <= MAX_WHY
    assert len(why.splitlines()) <= 1


def test_only_the_word_true_excludes_a_workload():
    assert is_ignored({"plafond.dev/ignore": "true"})
    assert not any(is_ignored({"plafond.dev/ignore": v}) for v in ("True", "yes", "1", ""))
    assert not is_ignored({})
