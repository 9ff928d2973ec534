"""Made-up verifications and incidents: what the right functions make of a made-up cluster."""

from types import SimpleNamespace

from labsupport import breaking, ground, incidents, outages, patches, verification, versions
from labsupport.answer import State
from labsupport.attempt import Attempt, Row
from labsupport.verdict import Expected
from tests.unit.fake_kube import FakeKube

PODS = """\
NAME                                       READY   STATUS    RESTARTS   AGE
calico-kube-controllers-6f7b8c9d4f-2x4kz   1/1     Running   0          9m
calico-node-4zq7c                          1/1     Running   0          9m
calico-node-x8k2p                          1/1     Running   0          9m
coredns-5f8c7d9b6d-q2w4z                   1/1     Running   0          9m
"""


def impatient(monkeypatch):
    """Let what times out take no time."""
    monkeypatch.setattr("labsupport.verify.LIMIT_SECONDS", 0.05)
    monkeypatch.setattr("labsupport.visit.POLL_SECONDS", 0.01)
    monkeypatch.setattr("labsupport.waiter.POLL_SECONDS", 0.01)
    monkeypatch.setattr("labsupport.waiter.PROBE_SECONDS", 0)


def verified(monkeypatch, folder, profile="calico", enforces=("Ingress", "Egress"), pods=PODS):
    """A verification of a made-up cluster that enforces this."""
    impatient(monkeypatch)
    folder.mkdir(exist_ok=True)
    kube = FakeKube(folder, enforces)
    agent = {"template": {"spec": {"containers": [{"image": f"quay.io/{profile}/node:v1.2.3"}]}}}
    names = {"calico": "calico-node", "flannel": "kube-flannel-ds", "cilium": "cilium"}
    kube.add("DaemonSet", names[profile], "kube-system", spec=agent)
    monkeypatch.setattr(ground, "kube", lambda _: kube)
    monkeypatch.setattr(patches, "kubectl", lambda *_: pods)
    return verification.measure(versions.profile(profile))


class Broken:
    """A made-up cluster under `incidents`: which steps were done, and what packets say.

    Attributes:
        done: the steps, in order.
        fail: the step at which the user presses Ctrl-C.
        over: whether the cause is gone.
    """

    def __init__(self, monkeypatch, name):
        self.outage, self.done, self.fail, self.over = outages.find(name), [], None, False
        self.damage = None
        for step in ("make", "check", "end", "mend"):
            monkeypatch.setattr(breaking, step, getattr(self, step))
        monkeypatch.setattr(breaking, "damage", lambda: self.damage)
        kube = SimpleNamespace(version=lambda: "v1.36.1")
        monkeypatch.setattr(ground, "kube", lambda _: kube)
        noted = [
            {**one, "metadata": {**one["metadata"], "uid": "1-2-3"}} for one in self.outage.given
        ]
        monkeypatch.setattr(ground, "policies", lambda *_: noted)
        monkeypatch.setattr(patches, "kubectl", lambda _kube, *words: f"{' '.join(words)}: 1s\n")

    def step(self, name):
        if name == self.fail:
            raise KeyboardInterrupt
        self.done.append(name)

    def make(self, outage, profile=None, passing=False):
        assert passing
        self.damage = SimpleNamespace(outage=outage.id, profile="calico", passing=True)
        self.step("make")
        return versions.profile(profile or outage.profiles[0])

    def check(self):
        self.step("check")
        right = {Expected.ALLOWED: "allowed", Expected.DENIED: "timeout"}
        turned = {Expected.ALLOWED: "timeout", Expected.DENIED: "allowed"}
        seen = right if self.over else turned
        rows = tuple(Row(c, w, seen[w], self.over, "") for c, w in self.outage.wanted.items())
        return Attempt(State.NOT_YET, "", "live", rows)

    def end(self):
        self.step("end")
        self.over = True

    def mend(self):
        self.done.append("mend")
        self.damage = None


def incident(monkeypatch, name):
    """An incident on a made-up cluster on which everything is as it should not be."""
    with monkeypatch.context() as patched:
        Broken(patched, name)
        patched.setattr(verification, "measure", lambda _: None)
        return incidents.run(outages.find(name))


def record_all(monkeypatch, folder):
    """Record everything that notebook 10 shows, made up, in a folder."""
    with monkeypatch.context() as patched:
        clusters = {"calico": (("Ingress", "Egress"), PODS), "flannel": ((), "NAME\n")}
        for profile, (enforces, pods) in clusters.items():
            made = verified(patched, folder / profile, profile, enforces, pods)
            verification.record(made, folder)
        silent = PODS.replace("calico-node", "cilium")
        third = verified(patched, folder / "cilium", "cilium", (), silent)
    for name in incidents.SHOWN:
        seen = incident(monkeypatch, name)
        if outages.find(name).changes:
            seen["verification"] = third
        incidents.record(seen, folder)
