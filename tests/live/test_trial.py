"""The document's snippets on real clusters: where nothing enforces, and what the grep misses."""

import pytest

from labsupport import trialrun, versions
from labsupport.clusterrecord import kubeconfig
from labsupport.kube import Kube


def outcomes(profile, *names):
    made = trialrun.run(versions.profile(profile), lambda _said: None, names)
    return {
        f"{snippet['id']}/{step['id']}": step["outcome"]
        for snippet in made["snippets"]
        for step in snippet["steps"]
    }


def left(profile):
    kube = Kube(kubeconfig(versions.profile(profile)))
    return [n["metadata"]["name"] for n in kube.list("v1", "Namespace")]


def test_the_silent_failure_is_as_the_document_prints_it_and_leaves_nothing():
    found = outcomes("flannel", "silent-failure")
    assert found == {
        "silent-failure/control": "allowed",
        "silent-failure/apply": "accepted",
        "silent-failure/under": "allowed",
    }
    assert trialrun.NAMESPACE not in left("flannel")


@pytest.mark.parametrize(("profile", "agents"), [("calico", "match"), ("canal", "no match")])
def test_of_canal_the_detection_command_finds_only_what_does_not_enforce(profile, agents):
    seen = outcomes(profile, "detection")
    assert seen["detection/grep"] == "match"
    assert seen["detection/grep-daemonsets"] == agents
    assert seen["detection/under-ingress-only"] == "timeout"


def test_an_agent_can_run_and_not_enforce():
    seen = outcomes("cilium", "agent-without-enforcement")
    assert seen["agent-without-enforcement/grep"] == "match"
    assert seen["agent-without-enforcement/under-audit"] == "allowed"
    assert seen["agent-without-enforcement/enforced-again"] == "timeout"
