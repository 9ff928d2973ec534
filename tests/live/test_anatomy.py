"""What the nodes hold, on the real clusters: the same each time, and true."""

import json

import pytest

from labsupport import (
    anatomy,
    clusterrecord,
    clusters,
    conversion,
    docker,
    nodeway,
    policyaddon,
    turns,
    versions,
)
from labsupport.connection import Connection
from labsupport.kube import Kube
from labsupport.nodeview import nodes
from labsupport.probe import Target
from labsupport.stablenames import Names

PROFILES = [profile.name for profile in versions.profiles()]
CONNECTIONS = 40

pytestmark = pytest.mark.timeout(600)  # a conversion and its way back take minutes


@pytest.mark.parametrize("name", PROFILES)
def test_two_captures_and_the_recording_read_the_same(name):
    """Of the same versions; only the time and the lab's commit differ."""
    seen = anatomy.capture(versions.profile(name))
    recorded = anatomy.read(name)
    for part in ("way", "exhibits", "connections"):
        assert seen[part] == recorded[part]


@pytest.mark.parametrize("name", PROFILES)
def test_the_way_is_the_one_that_packets_are_counted_on(name):
    """Every device of the way gets at least a packet for each connection, and no other does."""
    lane = clusters.lanes(versions.profile(name), 1)[0]
    names = Names()
    here, there = (
        nodeway.Side(node, pod, lane.addresses[pod], names)
        for node, pod in zip(nodes(lane), (anatomy.SOURCE, anatomy.TARGET), strict=True)
    )
    devices = [
        {d.name for d in (side.wire.outside, side.vxlan)}
        | ({side.wire.outside.master} if side.wire.outside.master else set())
        | {"eth0"}
        for side in (here, there)
    ]
    before = [counters(node.name) for node in nodes(lane)]
    connection = Connection.parse(f"{anatomy.SOURCE} -> {anatomy.TARGET}:8080")
    prober = lane.probers[connection.source]
    target = Target(lane.addresses[connection.target], connection.port)
    for _ in range(CONNECTIONS):
        prober.probe([target])
    lane.close()
    for node, then, expected in zip(nodes(lane), before, devices, strict=True):
        now = counters(node.name)
        busy = {name for name in now if now[name] - then.get(name, 0) >= CONNECTIONS}
        assert busy - {"lo"} == expected


def counters(node):
    """The packets that each device of a node has received so far."""
    links = json.loads(docker.run("exec", node, "ip", "-s", "-j", "link"))
    return {link["ifname"]: link["stats64"]["rx"]["packets"] for link in links}


def test_policy_is_added_and_everything_is_put_back(flannel):
    before = policyaddon.look(flannel)
    measured = conversion.measure()
    recorded = conversion.read(conversion.paths.RECORDINGS / conversion.FILE)
    assert {n: s["entry"]["verdict"] for n, s in measured["steps"].items()} == {
        n: s["entry"]["verdict"] for n, s in recorded["steps"].items()
    }
    after = policyaddon.look(flannel)
    assert without_clock(after) == without_clock(before)
    assert all(facts["rules"] == 0 for facts in after.values())
    listed = Kube(clusterrecord.kubeconfig(flannel)).list("v1", "Namespace")
    assert not any(n["metadata"]["name"].startswith("canal1-") and
                   n["status"]["phase"] == "Active" for n in listed)  # fmt: skip
    assert clusters.status(flannel).state is clusters.State.READY


def test_an_interrupted_conversion_is_taken_back_by_up(flannel, monkeypatch):
    before = policyaddon.look(flannel)

    def interrupt(_kubeconfig):
        raise KeyboardInterrupt

    with turns.lock(), monkeypatch.context() as patched:
        patched.setattr(policyaddon.cni, "wait", interrupt)
        with pytest.raises(KeyboardInterrupt):
            policyaddon.add(flannel)
    assert clusters.status(flannel).state is clusters.State.UNFINISHED
    clusters.up([flannel])
    assert clusters.status(flannel).state is clusters.State.READY
    assert not policyaddon.is_added(flannel)
    assert without_clock(policyaddon.look(flannel)) == without_clock(before)


def without_clock(looked):
    """What was looked at, without the times at which a condition was last confirmed."""
    return {
        node: {
            **facts,
            "condition": {k: v for k, v in facts["condition"].items() if not k.endswith("Time")},
        }
        for node, facts in looked.items()
    }
