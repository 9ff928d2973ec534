"""What `./lab explain` says of a policy, and of a file that holds none."""

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from labsupport import cases, explain, policyfile
from labsupport.errors import WrongUse
from labsupport.pitfalls import Level

ROOT = Path(__file__).parents[2]
DNS = {
    "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}],
    "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
}


def policy(name="p", namespace="shop", **spec):
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name} | ({"namespace": namespace} if namespace else {}),
        "spec": {"podSelector": {}} | spec,
    }


def explained(*documents):
    return explain.text(yaml.safe_dump_all(documents))


def findings(*documents, of=0):
    return {(str(f.level), f.field): f.message for f in explained(*documents).policies[of].findings}


def ingress(*peers, **more):
    return policy(policyTypes=["Ingress"], ingress=[{"from": list(peers), **more}])


def egress(*rules):
    return policy(policyTypes=["Egress"], egress=list(rules))


def test_words_for_a_whole_policy():
    peer = {
        "namespaceSelector": {"matchLabels": {"team": "warehouse"}},
        "podSelector": {
            "matchExpressions": [{"key": "app", "operator": "In", "values": ["a", "b"]}]
        },
    }
    one = ingress(peer, ports=[{"protocol": "TCP", "port": 80, "endPort": 90}, {"protocol": "UDP"}])
    one["spec"]["podSelector"] = {"matchLabels": {"app": "api"}}
    assert explained(one).lines()[:5] == [
        "shop/p (document 1)",
        "  selects   pods labelled app=api of namespace shop",
        "  isolates  for ingress: only what a policy allows passes",
        "  leaves    egress as it is: this policy neither denies nor allows any",
        "  allows    in, from pods whose label app is one of (a, b) of namespaces labelled "
        "team=warehouse, on TCP 80 to 90 or every UDP port   [spec.ingress[0]]",
    ]


@pytest.mark.parametrize(
    ("given_policy", "level", "field", "words"),
    [
        (egress(), "warning", "spec.egress", "allows no DNS"),
        (egress({"to": [{"podSelector": {}}]}), "warning", "spec.egress", "allows no DNS"),
        (egress(DNS | {"ports": DNS["ports"][:1]}), "warning", "spec.egress", "UDP 53 alone"),
        (egress(DNS | {"ports": DNS["ports"][1:]}), "warning", "spec.egress", "TCP 53 alone"),
        (policy(egress=[DNS]), "warning", "spec.policyTypes", "lets nothing in"),
        (policy(egress=[]), "warning", "spec.policyTypes", "does not imply Egress"),
        (policy(), "note", "spec.policyTypes", "means [Ingress]"),
        (policy(policyTypes=[], ingress=[]), "note", "spec.policyTypes", "means [Ingress]"),
        (policy(policyTypes=["Ingress"], egress=[DNS]), "warning", "spec.egress", "do nothing"),
        (policy(policyTypes=["Egress"], ingress=[{}]), "warning", "spec.ingress", "do nothing"),
        (policy(ingress=[{}]), "warning", "spec.ingress[0]", "allows everything"),
        (ingress(ports=[{"port": 80}]), "warning", "spec.ingress[0].from", "everyone, not no one"),
        (
            ingress({"namespaceSelector": {}}, {"podSelector": {"matchLabels": {"a": "b"}}}),
            "warning", "spec.ingress[0].from[1]", "one or the other",
        ),
        (
            ingress({"namespaceSelector": {}, "podSelector": {"matchLabels": {"a": "b"}}}),
            "note", "spec.ingress[0].from[0]", "must match",
        ),
        (ingress({"podSelector": {}}), "note", "spec.ingress[0].from[0].podSelector", "own names"),
        (
            ingress({"namespaceSelector": {}}),
            "note", "spec.ingress[0].from[0].namespaceSelector", "every namespace",
        ),
        (ingress({}), "refused", "spec.ingress[0].from[0]", "names no peer"),
        (
            ingress({"namespaceSelector": {"matchLabels": {"kubernetes.io/metdata.name": "x"}}}),
            "warning", "spec.ingress[0].from[0].namespaceSelector", "a slip of kubernetes.io/meta",
        ),
        (
            ingress({"namespaceSelector": {"matchLabels": {"name": "x"}}}),
            "warning", "spec.ingress[0].from[0].namespaceSelector", "somebody set it",
        ),
        (
            ingress({"podSelector": {"matchLabels": {"kubernetes.io/metadata.name": "x"}}}),
            "warning", "spec.ingress[0].from[0].podSelector", "not of pods",
        ),
        (
            policy(podSelector={"matchExpressions": [
                {"key": "a", "operator": "NotIn", "values": ["b"]}]}),
            "note", "spec.podSelector", "no label a",
        ),
        (policy(podSelector=None), "warning", "spec.podSelector", "every pod"),
        (policy(namespace=None), "note", "metadata.namespace", "is missing"),
        (policy(), "note", "spec.ingress", "nothing reaches these pods"),
        (ingress(ports=[{"port": 80}]), "note", "spec.ingress[0].ports[0].protocol", "TCP alone"),
        (ingress(ports=[{"port": "web"}]), "note", "spec.ingress[0].ports[0].port", "is a name"),
        (ingress(ports=[{"port": "80"}]), "refused", "spec.ingress[0].ports[0].port", "the number"),
        (
            ingress(ports=[{"port": 80, "endPort": 79}]),
            "refused", "spec.ingress[0].ports[0].endPort", "below port 80",
        ),
        (
            ingress(ports=[{"port": "web", "endPort": 79}]),
            "refused", "spec.ingress[0].ports[0].endPort", "not a name",
        ),
        (
            ingress(ports=[{"endPort": 79}]),
            "refused", "spec.ingress[0].ports[0].endPort", "needs `port`",
        ),
        (
            ingress({"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}),
            "warning", "spec.ingress[0].from[0].ipBlock.cidr", "172.16.0.0/12, 192.168.0.0/16",
        ),
        (
            ingress({"ipBlock": {"cidr": "10.1.0.0/16"}}),
            "note", "spec.ingress[0].from[0].ipBlock.cidr", "10.0.0.0/8",
        ),
        (
            ingress({"ipBlock": {"cidr": "203.0.113.0/24"}}),
            "note", "spec.ingress[0].from[0].ipBlock", "load balancer",
        ),
        (
            ingress({"ipBlock": {"cidr": "203.0.113.0/24", "except": ["203.0.113.0/25"]}}),
            "note", "spec.ingress[0].from[0].ipBlock.except", "this item alone",
        ),
        (
            ingress({"ipBlock": {"cidr": "203.0.113.0/24", "except": ["198.51.100.0/25"]}}),
            "refused", "spec.ingress[0].from[0].ipBlock.except[0]", "not a part of",
        ),
        (
            ingress({"ipBlock": {"cidr": "203.0.113.7"}}),
            "refused", "spec.ingress[0].from[0].ipBlock.cidr", "not a CIDR",
        ),
        (
            ingress({"ipBlock": {"cidr": "203.0.113.0/24"}, "podSelector": {}}),
            "refused", "spec.ingress[0].from[0].ipBlock", "with a selector",
        ),
    ],
)  # fmt: skip
def test_what_goes_wrong(given_policy, level, field, words):
    found = findings(given_policy)
    assert words in found.get((level, field), ""), found


@pytest.mark.parametrize(
    "harmless",
    [
        egress(DNS),
        egress({}),
        egress({"ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]}),
        ingress({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "x"}}}),
        ingress({"podSelector": {"matchLabels": {"app.kubernetes.io/name": "x"}}}),
        ingress({"ipBlock": {"cidr": "203.0.113.0/24"}}, ports=[{"protocol": "TCP", "port": 80}]),
    ],
)
def test_what_is_right_raises_no_warning(harmless):
    ignored = {("warning", "spec.egress[0]")}  # `{}` opens all, which is said of it
    assert not {key for key in findings(harmless) if key[0] != "note"} - ignored


def test_policies_of_one_file_are_seen_together():
    deny = policy("deny", policyTypes=["Ingress", "Egress"])
    allow = policy(
        "allow", podSelector={"matchLabels": {"app": "api"}}, policyTypes=["Ingress", "Egress"],
        ingress=[{}], egress=[DNS],
    )  # fmt: skip
    found = findings(deny, allow)
    assert "allow (document 2) opens to all" in found["warning", "spec.ingress"]
    assert not [key for key in found if key[1] == "spec.egress"]  # the other allows DNS
    elsewhere = {**allow, "metadata": {"name": "allow", "namespace": "other"}}
    assert "allows no DNS" in findings(deny, elsewhere)["warning", "spec.egress"]


def test_policies_for_different_pods_do_not_meet():
    deny = policy("deny", podSelector={"matchLabels": {"app": "x"}}, policyTypes=["Ingress"])
    allow = policy("allow", podSelector={"matchLabels": {"app": "y"}}, ingress=[{}])
    assert ("warning", "spec.ingress") not in findings(deny, allow)


def test_a_name_that_is_there_twice_is_replaced():
    assert "document 1" in findings(policy(), policy(), of=1)["warning", "metadata.name"]


def test_a_list_is_taken_apart_and_other_objects_are_named():
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}}
    calico = {**policy("c"), "apiVersion": "projectcalico.org/v3"}
    old = {**policy("o"), "apiVersion": "extensions/v1beta1"}
    whole = {"apiVersion": "v1", "kind": "List", "items": [policy(), service]}
    found = explained(whole, calico, old)
    assert [one.document.where for one in found.policies] == ["document 1, items[0]"]
    assert [sentence.split(" and was")[0] for sentence in found.skipped] == [
        "document 1, items[1] is a Service 's' (v1), not a NetworkPolicy,",
        "document 2 is a NetworkPolicy 'c' of projectcalico.org/v3, another product's kind, "
        "not networking.k8s.io/v1,",
        "document 3 is a NetworkPolicy 'o' of extensions/v1beta1, which no API server serves "
        "since Kubernetes 1.16",
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: [", "line 1: is not YAML"),
        ("!!python/object/apply:os.system ['true']", "is not YAML"),
        ("a: &x [1]\nb: *x", "line 2: is not YAML: an alias"),
        ("kind: A\nkind: B", "line 2: is not YAML: the key 'kind' is there twice"),
        ("[" * 5000, "nested too deeply"),
        ("", "holds no Kubernetes object"),
        ("- a", "document 1: kind: is missing"),
        ("kind: {}", "document 1: kind: is missing"),
        ("? [a, b]\n: c", "is not YAML: found unhashable key"),
        ("kind: NetworkPolicy", "document 1: the file as a whole"),
        (yaml.safe_dump(policy(policyTypes="Ingress")), "document 1: spec.policyTypes"),
        (yaml.safe_dump(policy(ingress=[{"to": []}])), "spec.ingress[0]"),
        (yaml.safe_dump(policy(podSelector={"matchLabels": {"a": True}})), "matchLabels.a: True"),
        (yaml.safe_dump_all([policy(), policy(ingres=[])]), "document 2: spec: Additional"),
        (yaml.safe_dump(policy(ingress=[{"ports": [{"port": 70000}]}])), "ports[0].port: 70000"),
    ],
)
def test_bad_input_is_one_sentence_with_its_place(text, complaint):
    with pytest.raises(WrongUse) as error:
        explain.text(text, "x.yaml")
    assert str(error.value).startswith("x.yaml: ")
    assert complaint in str(error.value)
    assert "\n" not in str(error.value)


def test_files_have_a_limit(tmp_path):
    big = tmp_path / "big.yaml"
    big.write_bytes(b"#" * (policyfile.LIMIT_BYTES + 1))
    with pytest.raises(WrongUse, match="larger than 1 MiB"):
        explain.file(big)
    with pytest.raises(WrongUse, match="cannot be read"):
        explain.file(tmp_path / "none.yaml")
    with pytest.raises(WrongUse, match="cannot be read"):
        explain.file(tmp_path)


@given(st.text(max_size=60) | st.binary(max_size=60))
def test_no_input_ends_in_anything_but_a_sentence(text):
    with contextlib.suppress(WrongUse):
        explain.text(text)


def test_every_policy_of_the_catalogue_is_explained_and_accepted():
    policies = [
        cases.fill(p, {"shop": "shop", "warehouse": "warehouse", "outside": "203.0.113.7"})
        for case in cases.load()
        if case.group == "specification"
        for p in case.policies
    ]
    found = explained(*policies)
    assert len(found.policies) == len(policies)
    assert not found.refused


def lab(*arguments, text=None):
    return subprocess.run(
        [sys.executable, "-m", "labsupport", "explain", *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, input=text,
    )  # fmt: skip


def test_the_command_reads_standard_input_and_answers_programs():
    done = lab("-", "--json", text=yaml.safe_dump(policy()))
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["source"] == "standard input"
    assert answer["policies"][0]["isolates"] == ["Ingress"]
    assert {f["level"] for f in answer["policies"][0]["findings"]} <= set(Level)


def test_the_command_ends_with_1_where_the_api_server_would_refuse(tmp_path):
    file = tmp_path / "p.yaml"
    file.write_text(yaml.safe_dump(ingress({})))
    done = lab(file)
    assert done.returncode == 1
    assert "refused   spec.ingress[0].from[0]: names no peer" in done.stdout
    assert lab(tmp_path / "none.yaml").returncode == 2
