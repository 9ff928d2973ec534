"""Made-up reports for tests: real in shape, invented in content."""

from typing import Any

from labsupport import versions
from labsupport.report import summarise

SHA = "0123456789abcdef" * 4
POLICY = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "deny-all-ingress", "namespace": "shop"},
    "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
}
OBSERVED = {"enforced": "timeout", "inconclusive": "refused", "not run": None}


def image(name: str) -> dict[str, Any]:
    return {"name": name, "id": f"sha256:{SHA}", "digest": None, "source": "modules"}


def case(name: str, verdict: str, title: str = "") -> dict[str, Any]:
    """A case of one step with a denied and an allowed connection."""
    ran = verdict != "not run"
    connection = {
        "from": "shop/frontend",
        "to": "shop/api",
        "port": 8080,
        "protocol": "TCP",
        "via": "pod",
        "expected": "denied",
        "before": "allowed",
        "observed": OBSERVED.get(verdict, "allowed"),
        "after": "allowed",
        "detail": "",
    }
    other = connection | {"to": "shop/web", "expected": "allowed", "observed": "allowed"}
    step = {
        "name": "deny all ingress",
        "apiAnswer": "networkpolicy.networking.k8s.io/deny-all-ingress serverside-applied",
        "convergeMs": 420 if verdict == "enforced" else None,
        "attempts": 3,
        "connections": [connection, other],
    }
    return {
        "id": name,
        "title": title or name.replace("-", " ").capitalize(),
        "group": "specification",
        "policySha256": SHA,
        "policies": [POLICY],
        "verdict": verdict,
        "reason": "1 denied connection timed out, 1 allowed connection worked.",
        "startedAt": "2026-11-23T19:38:01.250Z" if ran else None,
        "seconds": 2.5 if ran else 0,
        "attempts": 3 if ran else 0,
        "convergeMs": 420 if verdict == "enforced" else None,
        "steps": [step] if ran else [],
    }


def asking(name: str, group: str = "open", **answers: str) -> dict[str, Any]:
    """A case that asks: each question, with `_` for its blanks, and the answer that was seen."""
    asked = [
        {
            "question": f"{question.replace('_', ' ')}?",
            "connection": "shop/frontend -> shop/api:8081",
            "observed": "allowed",
            "answer": answer,
        }
        for question, answer in answers.items()
    ]
    return case(name, "observed") | {"group": group, "answers": asked}


def catalogue(profile: str = "calico") -> dict[str, Any]:
    """A report with 110 cases in all groups, whose answers depend on the profile."""
    silent = profile == "flannel"
    listed = [
        case(f"case-{n}", "not enforced" if silent else "enforced" if n else "partly enforced")
        for n in range(50)
    ]
    cut = "is cut" if profile == "cilium" else "survives"
    for n in range(20):
        asked = asking(f"open-{n}", survives=cut, same_here="yes")
        refused = {"verdict": "not enforced", "answers": []} if silent else {}
        listed.append(asked | refused)
    for group, count in {"calico": 17, "cilium": 18, "cluster-wide": 5}.items():
        ran = profile == group or (group, profile) == ("calico", "canal")
        verdict = "enforced" if ran else "not run"
        listed += [case(f"{group}-{n}", verdict) | {"group": group} for n in range(count)]
    return report(profile, *listed)


def report(profile: str = "calico", *cases: dict[str, Any]) -> dict[str, Any]:
    """A valid report on a profile of `versions.toml`; two cases where none are given."""
    chosen = versions.profile(profile)
    listed = list(cases) or [case("deny-all-ingress", "enforced"), case("deny-all", "not run")]
    return {
        "apiVersion": "netpol-lab/v1",
        "kind": "EnforcementReport",
        "run": {
            "id": "6f1c1a52-8f4e-4d43-9a59-0d6f6a3a7b11",
            "startedAt": "2026-11-23T19:37:02Z",
            "finishedAt": "2026-11-23T19:40:12Z",
            "command": "./lab run --live",
            "lab": {"version": "0.1.0", "commit": "abc1234" + "0" * 33, "dirty": False},
        },
        "implementation": {
            "profile": profile,
            "title": chosen.title,
            "mode": chosen.mode,
            "version": chosen.version,
            "source": {"module": chosen.source.module, "path": chosen.source.path},
            "manifestSha256": SHA,
            "images": [image(one.name) for one in chosen.images],
        },
        "environment": {
            "kubernetes": "v1.36.1",
            "kind": "v0.32.0",
            "nodeImage": image("kindest/node:v1.36.1"),
            "imageSource": "modules",
            "nodes": 2,
            "kernel": "6.18.3-lab",
            "os": "Debian GNU/Linux 12 (bookworm)",
            "arch": "x86_64",
            "cgroup": 2,
            "cpus": 2,
            "memoryBytes": 24 * 2**30,
            "docker": "20.10.24",
        },
        "silentFailure": {
            "policy": "deny-all-ingress",
            "accepted": "networkpolicy.networking.k8s.io/deny-all-ingress serverside-applied",
            "listed": "NAME               POD-SELECTOR   AGE\ndeny-all-ingress   <none>         1s",
            "packets": {"before": {"allowed": 6}, "with": {"allowed": 4, "timeout": 2}},
            "verdict": "enforced",
            "sentence": "The API server accepted the policy, and the packets it denies stopped.",
        },
        "cases": listed,
        "summary": summarise(listed),
    }
