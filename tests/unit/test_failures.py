"""Each error a learner makes is one sentence."""

import pytest
import urllib3
import yaml

from labsupport import failures
from labsupport.errors import MachineCannot, WrongUse


def test_lab_errors_speak_for_themselves():
    assert failures.sentence(MachineCannot("Docker does not answer.")) == "Docker does not answer."


def test_an_interrupt_says_what_became_of_the_policies():
    assert failures.sentence(KeyboardInterrupt()) == failures.INTERRUPTED


def test_a_cluster_that_stopped_answering():
    pool = urllib3.HTTPSConnectionPool("127.0.0.1", 1)
    error = urllib3.exceptions.MaxRetryError(pool, "/version", OSError("refused"))
    assert failures.sentence(error) == failures.GONE


def test_a_policy_that_is_not_yaml_names_the_line():
    with pytest.raises(yaml.YAMLError) as caught:
        yaml.safe_load("spec:\n  podSelector: {\n")
    assert "on line 3" in failures.sentence(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: [", "not YAML"),
        ("just words", "not an object"),
        ("apiVersion: v1\nmetadata: {name: a}", "no kind"),
    ],
)
def test_a_policy_that_does_not_parse(text, said):
    with pytest.raises(WrongUse, match=said):
        failures.read_policy(text)


def test_a_policy_that_parses():
    policy = failures.read_policy("apiVersion: v1\nkind: Pod\nmetadata: {name: a}")
    assert policy["kind"] == "Pod"
