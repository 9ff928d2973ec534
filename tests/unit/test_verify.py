"""`./lab verify` on a made-up cluster: what it says, what it needs, what it leaves."""

import json
import re
import signal
import socketserver
import threading
from xml.etree import ElementTree

import pytest

from labsupport import (
    foreign,
    interrupt,
    junit,
    matrix,
    page,
    pods,
    recognise,
    report,
    rights,
    verify,
)
from labsupport.errors import MachineCannot, WrongUse
from labsupport.kube import Kube
from labsupport.verdict import Verdict
from labsupport.visit import RUN_LABEL, Visit, _sweep, paid
from tests.unit.fake_kube import FakeKube

POLICY = {"spec": {"podSelector": {}, "policyTypes": ["Ingress"]}}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(verify, "LIMIT_SECONDS", 0.05)
    monkeypatch.setattr("labsupport.visit.POLL_SECONDS", 0.01)
    monkeypatch.setattr("labsupport.waiter.POLL_SECONDS", 0.01)
    monkeypatch.setattr("labsupport.waiter.PROBE_SECONDS", 0)  # what times out takes no time here


def run(kube, **options):
    return verify.run(kube, verify.Options(**options))


def verdicts(answer):
    return {case["id"]: case["verdict"] for case in answer.report["cases"]}


@pytest.mark.parametrize(
    ("enforces", "ingress", "egress", "code"),
    [
        (("Ingress", "Egress"), "enforced", "enforced", 0),
        (("Ingress",), "enforced", "not enforced", 1),
        (("Egress",), "not enforced", "enforced", 1),
        ((), "not enforced", "not enforced", 1),
    ],
)
def test_each_direction_is_told_by_itself(tmp_path, enforces, ingress, egress, code):
    kube = FakeKube(tmp_path, enforces)
    answer = run(kube)
    assert verdicts(answer) == {"verify-ingress": ingress, "verify-egress": egress}
    assert answer.exit_code == code
    assert kube.objects == {}


def test_the_report_is_valid_and_the_matrix_takes_it_in(tmp_path):
    answer = run(FakeKube(tmp_path))
    report.write(answer.report, tmp_path / "report.json")
    read = report.read(tmp_path / "report.json")
    assert read["implementation"]["profile"] == "verify-admin-shop"
    both = matrix.build([*report.recordings(), read], "recorded")
    assert both.measured["verify-admin-shop"]["verify-ingress"] == Verdict.ENFORCED
    assert both.measured["calico"]["verify-ingress"] == Verdict.NOT_RUN
    for text in (both.to_html(), both.to_markdown()):
        assert "admin-shop" in text
        assert "not known" in text
    assert "None" not in " ".join(page.provenance(read).values())


def test_no_credential_and_no_address_of_the_server_is_told(tmp_path):
    answer = run(FakeKube(tmp_path))
    told = json.dumps([answer.report, answer.to_json()]) + junit.render([answer.report]).decode()
    for secret in ("hunter2", "192.0.2.1", str(tmp_path)):
        assert secret not in told


def test_a_report_on_a_cluster_of_the_labs_may_leave_nothing_out(tmp_path):
    answer = run(FakeKube(tmp_path))
    answer.report["implementation"]["profile"] = "calico"
    with pytest.raises(WrongUse, match=r"implementation\.source: is null"):
        report.write(answer.report, tmp_path / "report.json")


def test_the_pods_have_no_rights_and_meet_pod_security_restricted(tmp_path):
    run(kube := FakeKube(tmp_path))
    made = [one for one in kube.applied if one["kind"] == "Pod"]
    assert len(made) == 3
    for pod in made:
        spec, container = pod["spec"], pod["spec"]["containers"][0]
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"]
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert not container["securityContext"]["allowPrivilegeEscalation"]
        assert "tolerations" not in spec


def test_in_an_existing_namespace_only_its_own_objects_go(tmp_path):
    kube = FakeKube(tmp_path, lacks=["create namespaces", "list nodes", "list Node"])
    kube.add("Namespace", "team")
    kube.add("Pod", "theirs", "team", status={"podIP": "10.9.9.9"})
    before = dict(kube.objects)
    assert run(kube, namespace="team").exit_code == 0
    assert kube.objects == before
    names = [one["metadata"]["name"] for one in kube.applied]
    assert len(set(names)) == 5
    assert all(one["metadata"]["namespace"] == "team" for one in kube.applied)


def test_its_policies_select_no_pod_of_anybody_else(tmp_path):
    run(kube := FakeKube(tmp_path), namespace="team")
    for policy in (one for one in kube.applied if one["kind"] == "NetworkPolicy"):
        assert RUN_LABEL in policy["spec"]["podSelector"]["matchLabels"]


def test_a_policy_that_was_there_before_is_named(tmp_path):
    kube = FakeKube(tmp_path)
    kube.add("NetworkPolicy", "default-deny", "team", **POLICY)
    answer = run(kube, namespace="team")
    assert answer.exit_code == 3
    assert "already: default-deny" in answer.report["cases"][0]["reason"]


@pytest.mark.parametrize(
    ("lacks", "options", "said"),
    [
        (["create namespaces"], {}, r"may not create namespaces\. With --namespace NS"),
        (["create pods", "delete pods"], {"namespace": "team"},
         r'may not create and delete pods in "team"\.$'),
        (["get pods/exec"], {"namespace": "team"}, r'may not get pods/exec in "team"'),
        (["list nodes"], {"full": True}, r"may not list nodes\. --full"),
    ],
)  # fmt: skip
def test_a_missing_right_is_named_before_anything_is_made(tmp_path, lacks, options, said):
    kube = FakeKube(tmp_path, lacks=lacks)
    with pytest.raises(MachineCannot, match=said):
        run(kube, **options)
    assert kube.applied == []


def test_every_right_that_is_used_is_asked_for():
    asked = {(r.verb, r.resource) for r in rights.in_namespace("team")}
    for verb in ("create", "patch", "list", "delete"):
        assert {(verb, "pods"), (verb, "networkpolicies")} <= asked


def test_an_interruption_leaves_nothing(tmp_path):
    kube = FakeKube(tmp_path)
    kube.broken = True  # the first probe is interrupted
    with pytest.raises(KeyboardInterrupt):
        run(kube)
    assert kube.applied
    assert kube.objects == {}


@pytest.fixture
def heard():
    """A shell's background job ignores SIGINT, and so would the test in it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_only_the_first_signal_interrupts(heard):
    with interrupt.once_only():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_what_a_killed_run_left_is_swept_and_what_is_under_way_is_not(tmp_path):
    kube = FakeKube(tmp_path)
    stage = {"netpol-lab/stage": "true"}
    kube.add("Namespace", "netpol-verify-old", labels={RUN_LABEL: "old"}, age=600)
    kube.add("Namespace", "netpol-verify-new", labels={RUN_LABEL: "new"}, age=60)
    kube.add("Namespace", "netpol-verify-full-1-shop", labels=stage, age=600)
    kube.add("Namespace", "netpol-verify-gone-1-shop", labels=stage, age=9000)
    kube.add("Namespace", "lab1-shop", labels=stage, age=90000)
    kube.add("Namespace", "somebody-elses", age=90000)
    run(kube)
    assert {name for _, _, name in kube.objects} == {
        "netpol-verify-new", "netpol-verify-full-1-shop", "lab1-shop", "somebody-elses",
    }  # fmt: skip


def test_leftovers_in_an_existing_namespace_are_swept(tmp_path):
    kube = FakeKube(tmp_path)
    kube.add("Pod", "left", "team", {RUN_LABEL: "old"}, age=600, status={"podIP": "10.9.9.9"})
    kube.add("NetworkPolicy", "left", "team", {RUN_LABEL: "old"}, age=600, **POLICY)
    kube.add("Pod", "left", "other", {RUN_LABEL: "old"}, age=600, status={"podIP": "10.9.9.8"})
    visit = Visit.plan(kube, "team")
    with paid(visit):
        _sweep(visit)
        assert ("Pod", "team", "left") not in kube.objects
    assert list(kube.objects) == [("Pod", "other", "left")]


def waiting(reason, message=""):
    return {"containerStatuses": [{"state": {"waiting": {"reason": reason, "message": message}}}]}


def test_an_image_that_cannot_be_pulled_is_named(tmp_path):
    status = waiting("ImagePullBackOff", "Back-off pulling image: not found")
    kube = FakeKube(tmp_path, status={"phase": "Pending", **status})
    with pytest.raises(MachineCannot, match=r"image mirror/agnhost:1 cannot be pulled.*--image"):
        run(kube, image="mirror/agnhost:1")
    assert kube.objects == {}


UNPLACED = {
    "phase": "Pending",
    "conditions": [
        {"type": "PodScheduled", "status": "False", "message": "0/2 nodes: untolerated taint"}
    ],
}


@pytest.mark.parametrize(
    ("status", "waited", "said"),
    [
        (UNPLACED, 5, None),
        (UNPLACED, 30, "No node takes .*: 0/2 nodes: untolerated taint"),
        (waiting("ContainerCreating"), 30, None),
        (waiting("ContainerCreating"), 61, "is not ready in time"),
        (waiting("ErrImagePull"), 5, None),
        (waiting("ErrImagePull"), 61, "cannot be pulled"),
        (waiting("CreateContainerConfigError", "image will run as root"), 5, "run as root"),
        ({"phase": "Failed", "message": "evicted"}, 5, "ended .evicted."),
        ({"phase": "Failed", "containerStatuses": [
            {"state": {"terminated": {"reason": "Error", "exitCode": 127}}}]},
         5, "Error, exit code 127"),
    ],
)  # fmt: skip
def test_why_a_pod_is_not_ready(status, waited, said):
    why = pods.trouble({"metadata": {"name": "client"}, "status": status}, "agnhost", waited)
    assert why is None if said is None else re.search(said, why)


def daemonset(name, image, namespace="kube-system"):
    spec = {"template": {"spec": {"containers": [{"image": image}]}}}
    return {"metadata": {"name": name, "namespace": namespace}, "spec": spec}


def test_a_cni_is_recognised_with_its_version():
    found = recognise.by_daemonsets([daemonset("calico-node", "localhost:5000/node:v3.31.0@sha")])
    assert [str(one) for one in found] == ["Calico v3.31.0 (DaemonSet kube-system/calico-node)"]
    assert recognise.by_daemonsets([daemonset("kube-proxy", "kube-proxy:v1")]) == []


def test_a_namespaces_admin_recognises_by_api_groups(tmp_path):
    kube = FakeKube(tmp_path, lacks=["list DaemonSet", "list Node"])
    kube.served = {"apps", "cilium.io"}
    assert [str(one) for one in run(kube).recognised] == ["Cilium (API group cilium.io)"]


def test_a_cni_is_recognised_by_nodes():
    node = {"metadata": {"annotations": {"flannel.alpha.coreos.com/backend-type": "vxlan"}}}
    assert [one.product.name for one in recognise.by_signs([], [node])] == ["Flannel"]


def test_a_contradiction_is_a_warning(tmp_path):
    kube = FakeKube(tmp_path, enforces=())
    kube.served = {"crd.projectcalico.org"}
    assert run(kube).warning.startswith("Calico is recognised, which by its documentation enfor")
    flannel = recognise.by_daemonsets([daemonset("kube-flannel-ds", "flannel:v1")])
    said = recognise.contradiction(flannel, [Verdict.ENFORCED])
    assert "does not enforce" in said
    assert recognise.contradiction(flannel, [Verdict.NOT_ENFORCED]) is None


def test_junit_counts_and_escapes(tmp_path):
    answer = run(FakeKube(tmp_path, enforces=("Ingress",)))
    answer.report["cases"][1]["reason"] = 'a "<&>" and \x00'
    suite = ElementTree.fromstring(junit.render([answer.report])).find("testsuite")
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "1", "0")
    message = suite.find("testcase/failure").get("message")
    assert message == 'not enforced: a "<&>" and \N{REPLACEMENT CHARACTER}'


def test_an_unreachable_cluster_is_one_sentence(tmp_path, monkeypatch):
    config = FakeKube(tmp_path).kubeconfig
    config.write_text(config.read_text().replace("192.0.2.1:6443", "127.0.0.1:1"))
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    with pytest.raises(MachineCannot, match=r"cannot be reached: .*refused; check") as caught:
        foreign.reach(Kube(config))
    assert "object at 0x" not in str(caught.value)


@pytest.mark.parametrize("text", [None, "not a kubeconfig", "a: [", "contexts: 3"])
def test_a_kubeconfig_that_is_none_is_told(tmp_path, text):
    path = tmp_path / "config"
    if text:
        path.write_text(text)
    with pytest.raises(WrongUse, match=r"kubeconfig cannot be used"):
        foreign.reach(Kube(path))


def test_a_context_that_does_not_exist_is_told_with_those_that_do(tmp_path):
    config = FakeKube(tmp_path).kubeconfig
    with pytest.raises(WrongUse, match=r"Its contexts are admin@shop\."):
        foreign.reach(Kube(config, "elsewhere"))


def test_the_users_kubeconfig_is_never_written(tmp_path):
    kube = FakeKube(tmp_path)
    kube.kubeconfig.chmod(0o400)
    before = kube.kubeconfig.stat().st_mtime_ns
    Kube(kube.kubeconfig).api.close()
    run(kube)
    assert kube.kubeconfig.stat().st_mtime_ns == before
    assert list(tmp_path.iterdir()) == [kube.kubeconfig]


@pytest.fixture
def proxy():
    """A proxy that refuses everything; the first lines of what it was asked."""
    asked = []

    class Refuse(socketserver.StreamRequestHandler):
        def handle(self):
            asked.append(self.rfile.readline().decode().partition(" HTTP/")[0])
            self.wfile.write(b"HTTP/1.1 403 Forbidden\r\n\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Refuse) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()


@pytest.mark.parametrize(
    ("without", "asks"), [("example.com", {"CONNECT 127.0.0.1:1"}), ("127.0.0.1", set())]
)
def test_a_proxy_is_used_but_not_for_hosts_without(tmp_path, monkeypatch, proxy, without, asks):
    address, asked = proxy
    monkeypatch.setenv("https_proxy", address)
    monkeypatch.setenv("no_proxy", without)
    config = FakeKube(tmp_path).kubeconfig
    config.write_text(config.read_text().replace("192.0.2.1:6443", "127.0.0.1:1"))
    with pytest.raises(MachineCannot, match="cannot be reached"):
        foreign.reach(Kube(config))
    assert set(asked) == asks
