"""Outages on real clusters: the symptom is there, the way out ends it, mend undoes all."""

import json
from dataclasses import replace

import pytest

from labsupport import breaking, clusterrecord, ground, outages, patches, programs, versions
from labsupport.answer import State
from labsupport.errors import WrongUse

pytestmark = pytest.mark.timeout(300)

POLICIES_ALONE = [one.id for one in outages.load_all().values() if one.mended]


@pytest.fixture(autouse=True)
def mended():
    """Nothing is broken before and after each test."""
    breaking.mend()
    yield
    breaking.mend()


def kube(profile):
    return ground.kube(versions.profile(profile))


def kubectl(profile, *arguments, stdin=None):
    kubeconfig = clusterrecord.kubeconfig(versions.profile(profile))
    tool = programs.tool("kubectl")
    return programs.run(tool, "--kubeconfig", kubeconfig, *arguments, stdin=stdin)


def break_(name, profile):
    """Break a cluster and see the symptom."""
    outage = outages.find(name)
    breaking.make(outage, profile)
    done = breaking.check()
    assert done.state is State.NOT_YET, str(done)
    assert "The outage goes on" in done.sentence
    return outage


def assert_over():
    done = breaking.check()
    assert done.state is State.SOLVED, str(done)


def test_policies_end_those_that_policies_make():
    """One cluster, one set of pods, the outages one after the other."""
    first, *others = POLICIES_ALONE
    break_(first, "calico")
    for name in POLICIES_ALONE:
        outage, cluster = outages.find(name), kube("calico")
        if name in others:
            breaking._write(replace(breaking.damage(), outage=name))
            ground.put(cluster, outage.cast.namespaces, outage.given)
            assert breaking.check().state is State.NOT_YET
        ground.put(cluster, outage.cast.namespaces, outage.mended)
        assert_over()


def test_without_an_enforcer_the_same_objects_elsewhere_are_the_way_out():
    break_("open-shop", "flannel")
    breaking.mend()
    breaking.make(outages.find("open-shop"), "calico")
    assert_over()


def test_a_gateway_off_its_node_s_network_can_be_closed():
    break_("open-gateway", "calico")
    pod = json.loads(kubectl("calico", "-n", "outage-shop", "get", "pod", "gateway", "-o", "json"))
    del pod["spec"]["hostNetwork"]
    for port in pod["spec"]["containers"][0].get("ports", []):
        port.pop("hostPort", None)
    kubectl("calico", "replace", "--force", "-f", "-", stdin=json.dumps(pod))
    kubectl("calico", "-n", "outage-shop", "wait", "--for=condition=Ready", "pod/gateway")
    assert_over()


def test_a_policy_of_calico_s_own_kind_is_found_and_deleted():
    outage = break_("unlisted-visitor", "calico")
    kube("calico").delete(outage.objects[0])
    assert_over()


def test_an_agent_that_does_not_enforce_is_configured_and_put_back():
    """Takes minutes: the agents start anew twice."""
    outage = break_("open-since-tuesday", "cilium")
    known = breaking.damage()
    assert known.restore[0].patch == {"data": {"enable-policy": "default"}}
    patches.apply(kube("cilium"), known.restore[0])
    assert_over()
    assert outage.changes[0].patch != known.restore[0].patch


def test_mend_removes_everything_and_may_be_repeated():
    outage = break_("unlisted-visitor", "calico")
    assert breaking.mend() == "calico"
    left = [ns["metadata"]["name"] for ns in kube("calico").list("v1", "Namespace")]
    assert not set(outage.cast.namespaces) & set(left)
    assert not kube("calico").exists(outage.objects[0])
    assert breaking.mend() is None


def test_an_interrupted_break_is_mended(monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(ground, "put", interrupt_second(ground.put))
        with pytest.raises(KeyboardInterrupt):
            breaking.make(outages.find("uninvited-guest"), "calico")
    assert breaking.damage().outage == "uninvited-guest"
    with pytest.raises(WrongUse, match="mend"):
        breaking.make(outages.find("open-shop"), "flannel")
    assert breaking.mend() == "calico"


def interrupt_second(put):
    """`put` as it is, and Ctrl-C at its second call: after the file was written."""
    calls = []

    def once(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        put(*arguments)

    return once
