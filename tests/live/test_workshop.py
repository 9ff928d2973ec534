"""A workshop of ten on one Calico cluster: all measure at once, and nobody sees another."""

import json
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from labsupport import clusterrecord, clusters, room, turns
from labsupport.kube import ApiRefused, Kube
from labsupport.participants import ACCOUNTS, LABEL, Participant
from tests.live.conftest import ROOT
from tests.live.polling import poll

EVERYBODY = [Participant(number) for number in range(1, 11)]
POLICY = ("networking.k8s.io/v1", "NetworkPolicy")


def lab(*arguments):
    command = [sys.executable, "-m", "labsupport", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def deny_all(namespace):
    return {
        "apiVersion": POLICY[0],
        "kind": POLICY[1],
        "metadata": {"name": "mine", "namespace": namespace},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
    }


def pod(namespace, **spec):
    container = {"name": "agnhost", "image": "agnhost", "command": ["true"]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "mine", "namespace": namespace},
        "spec": {"containers": [container], **spec},
    }


@pytest.fixture(scope="module")
def kube(calico):
    return Kube(clusterrecord.kubeconfig(calico))


@pytest.fixture(scope="module")
def workshop(kube):
    """Ten participants, and what the command said; sent home whatever happens."""
    assert not room.folder().exists() or not list(room.folder().iterdir()), "end yours first"
    begun = lab("workshop", "calico", "--participants", "10", "--hours", "1")
    try:
        assert begun.returncode == 0, begun.stderr
        yield begun
    finally:
        ended = lab("workshop", "--end")
        assert ended.returncode == 0, ended.stderr


@pytest.fixture(scope="module")
def seats(workshop):
    """What each participant speaks with the cluster through."""
    return {who: Kube(room.kubeconfig(who), "calico") for who in EVERYBODY}


def refused(act):
    """The status with which an act was refused."""
    with pytest.raises(ApiRefused) as caught:
        act()
    return caught.value.status


def test_everybody_has_a_kubeconfig_and_no_token_is_told(workshop):
    for who in EVERYBODY:
        path = room.kubeconfig(who)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert str(path) in workshop.stdout
        token = path.read_text().partition("token: ")[2].split()[0]
        assert len(token) > 100
        assert token not in workshop.stdout + workshop.stderr
    for step in ("machine checked", "images at hand", "clusters ready", "participants taken in"):
        assert step in workshop.stdout


def test_ten_measure_at_once_and_every_verdict_is_right(calico, seats, kube):
    for who, mine in seats.items():  # everybody's policies must be nobody else's
        mine.apply(deny_all(who.namespaces[0]))

    def measure(who):
        return lab(
            "verify", "--kubeconfig", str(room.kubeconfig(who)),
            "--namespace", f"{who.name}-verify", "--json",
        )  # fmt: skip

    # A room has the one cluster; the three others of these tests would take its processors.
    with turns.alone(calico), ThreadPoolExecutor(len(EVERYBODY)) as pool:
        done = list(pool.map(measure, EVERYBODY))
    for one in done:
        assert one.returncode == 0, one.stdout + one.stderr
        assert set(json.loads(one.stdout)["verdicts"].values()) == {"enforced"}
    clusters.settle()
    measured = {f"{who.name}-verify" for who in EVERYBODY}
    left = [
        one["metadata"]["name"]
        for version, kind in (("v1", "Pod"), POLICY)
        for one in kube.list(version, kind)
        if one["metadata"]["namespace"] in measured
    ]
    assert left == []


def test_nobody_sees_or_changes_anothers(seats, kube):
    first, second = EVERYBODY[:2]
    mine, theirs = seats[first], second.namespaces[0]
    kube.apply(deny_all(theirs))
    assert refused(lambda: mine.list(*POLICY, namespace=theirs)) == 403
    assert refused(lambda: mine.exists(deny_all(theirs))) == 403
    assert refused(lambda: mine.delete(deny_all(theirs))) == 403
    opened = {**deny_all(theirs), "spec": {"podSelector": {}, "ingress": [{}]}}
    assert refused(lambda: mine.apply(opened)) == 403
    assert refused(lambda: mine.apply(pod(theirs))) == 403
    assert kube.list(*POLICY, namespace=theirs)[0]["spec"]["policyTypes"] == ["Ingress", "Egress"]
    for version, kind in (POLICY, ("v1", "Secret"), ("v1", "Pod"), ("v1", "Namespace")):
        assert refused(lambda v=version, k=kind: mine.list(v, k)) == 403
    for namespace in (theirs, ACCOUNTS, "kube-system"):
        assert refused(lambda ns=namespace: mine.list("v1", "Secret", namespace=ns)) == 403


def test_the_api_server_grants_no_right_outside_of_ones_own(seats):
    who = EVERYBODY[0]
    for other in EVERYBODY[1:]:
        for verb in ("get", "list", "create", "patch", "delete"):
            asked = {"group": "networking.k8s.io", "resource": "networkpolicies", "verb": verb}
            assert not seats[who].may({**asked, "namespace": other.namespaces[0]})
            assert seats[who].may({**asked, "namespace": who.namespaces[0]})


def test_one_namespaces_admin_gets_no_further(seats):
    """Neither a longer token, nor a greater role, nor the node."""
    who = EVERYBODY[0]
    mine, own = seats[who], who.namespaces[0]
    assert refused(lambda: mine.token(ACCOUNTS, who.name, 86400)) == 403
    quota = {"apiVersion": "v1", "kind": "ResourceQuota"}
    quota["metadata"] = {"name": "workshop", "namespace": own}
    assert refused(lambda: mine.delete(quota)) == 403
    binding = next(one for one in who.objects() if one["kind"] == "RoleBinding")
    greater = {
        **binding,
        "metadata": {"name": "greater", "namespace": own},
        "roleRef": {**binding["roleRef"], "name": "cluster-admin"},
    }
    assert refused(lambda: mine.apply(greater)) == 403
    assert refused(lambda: mine.apply(pod(own, hostNetwork=True))) == 403
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "p01-more"}}
    assert refused(lambda: mine.apply(namespace)) == 403
    namespace["metadata"] = {"name": own}
    assert mine.exists(namespace)
    assert refused(lambda: mine.label(namespace, {LABEL: None})) == 403


def test_the_end_leaves_nothing(workshop, seats, kube):
    """The last of this file: the workshop is over after it."""
    before = {one["metadata"]["name"] for one in kube.list("v1", "Namespace", LABEL)}
    assert before == {ACCOUNTS, *(name for who in EVERYBODY for name in who.namespaces)}
    mine = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "p01-others"}}
    kube.apply(mine)  # a name like a participant's, but not the workshop's
    try:
        ended = lab("workshop", "--end")
        assert ended.returncode == 0, ended.stderr
        assert "31 namespaces were removed" in ended.stdout
        assert kube.exists(mine)
    finally:
        kube.delete(mine)
    for version, kind in (("v1", "Namespace"), ("rbac.authorization.k8s.io/v1", "RoleBinding")):
        assert kube.list(version, kind, LABEL) == []
    assert not [path for path in room.folder().iterdir() if path.suffix == ".kubeconfig"]
    assert not (room.folder() / "room.json").exists()

    def is_refused():
        try:
            seats[EVERYBODY[0]].list(*POLICY, namespace=EVERYBODY[0].namespaces[0])
        except ApiRefused as error:
            return error.status == 401
        return False

    poll(is_refused, limit=60)  # the API server remembers a token that was good for 10 s
    assert lab("workshop", "--end").returncode == 0
