"""Every way in which a workload may be written, and what is said of the others."""

import pytest

from plafond.cli.arguments import Asked, asked
from plafond.cli.errors import EXIT_BAD_INPUT, BadInputError


@pytest.mark.parametrize(
    ("words", "namespace", "meant"),
    [
        (["team-a/llm"], None, Asked("team-a", "llm")),
        (["team-a/llm"], "team-a", Asked("team-a", "llm")),
        (["llm"], "team-a", Asked("team-a", "llm")),
        (["llm"], None, Asked("context", "llm")),
        (["deployments.apps/llm"], None, Asked("context", "llm", "Deployment")),
        (["deploy/llm"], "team-a", Asked("team-a", "llm", "Deployment")),
        (["deploy", "llm"], "team-a", Asked("team-a", "llm", "Deployment")),
        (["deployment.v1.apps/llm"], "team-a", Asked("team-a", "llm", "Deployment")),
        (["sts/embedder"], "team-a", Asked("team-a", "embedder", "StatefulSet")),
        (["team-a/statefulsets/embedder"], None, Asked("team-a", "embedder", "StatefulSet")),
        # A type is no namespace; who has such a namespace writes all three parts.
        (["deploy/deploy/llm"], None, Asked("deploy", "llm", "Deployment")),
    ],
)
def test_a_workload_is_written_as_kubectl_writes_it(words, namespace, meant):
    assert asked(words, namespace, "context") == meant


@pytest.mark.parametrize(
    ("words", "namespace", "sentence"),
    [
        (["team-a/llm"], "team-b", "two namespaces are named, team-a and team-b"),
        (["team-a/"], None, "'team-a/' is no workload"),
        (["team-a/jobs/llm"], None, "'team-a/jobs/llm' is no workload"),
        (["a", "b", "c", "d"], None, "'a b c d' is no workload"),
    ],
)
def test_what_is_no_workload_is_bad_input(words, namespace, sentence):
    with pytest.raises(BadInputError, match=sentence) as raised:
        asked(words, namespace, "context")

    assert raised.value.code == EXIT_BAD_INPUT
