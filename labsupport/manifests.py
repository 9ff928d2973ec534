"""The stage's objects: namespaces, pods with no rights at all, and Services."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from labsupport import machine, versions
from labsupport.cast import Cast, Pod

STAGE_LABEL = "netpol-lab/stage"
POD_LABEL = "netpol-lab/pod"


def bare(kind: str, name: str, namespace: str | None = None, **more: Any) -> dict[str, Any]:
    """An object of the core API, with the stage's label."""
    where = {"namespace": namespace} if namespace else {}
    meta = {"name": name, **where, "labels": {STAGE_LABEL: "true"}}
    return {"apiVersion": "v1", "kind": kind, "metadata": meta, **more}


def namespace(name: str, labels: Mapping[str, str]) -> dict[str, Any]:
    """One of the stage's namespaces, under its real name."""
    made = bare("Namespace", name)
    made["metadata"]["labels"] |= labels
    return made


def pod(
    where: str, pod: Pod, actors: Cast, nodes: Sequence[str], image: str | None = None
) -> dict[str, Any]:
    """A pod that serves every port and can probe: agnhost `porter`, with no rights at all."""
    ports = {
        protocol: numbers
        for protocol, numbers in actors.serves(pod.called).items()
        if protocol != "SCTP" or machine.has_sctp()
    }
    made = bare("Pod", pod.name, where)
    made["metadata"]["labels"] |= {**pod.labels, POD_LABEL: pod.name}
    made["spec"] = {
        "nodeSelector": {"kubernetes.io/hostname": nodes[pod.node]},
        "tolerations": [{"operator": "Exists", "effect": "NoSchedule"}],
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 1,
        # A name that a policy keeps unresolved costs 4 s, not the usual 10 (resolv.conf(5)).
        "dnsConfig": {
            "options": [{"name": "timeout", "value": "2"}, {"name": "attempts", "value": "2"}]
        },
        **({"hostNetwork": True} if pod.host_network else {}),
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65534,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": "agnhost",
                "image": image or versions.image("agnhost").name,
                "imagePullPolicy": "IfNotPresent",
                "args": ["porter"],
                "env": [
                    {"name": f"SERVE_{protocol}_PORT_{port}", "value": pod.name}
                    for protocol, numbers in ports.items()
                    for port in numbers
                ],
                "ports": [
                    {"name": name, "containerPort": port} for name, port in pod.named.items()
                ],
                # Asked until it answers once, and then left in peace.
                "startupProbe": {
                    "tcpSocket": {"port": ports["TCP"][0]},
                    "periodSeconds": 1,
                    "failureThreshold": 60,
                },
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                },
            }
        ],
    }
    return made


def services(where: str, pod: Pod, actors: Cast) -> Iterator[dict[str, Any]]:
    """A Service of the pod's name; for a pod with node ports one more for each traffic policy."""
    selected = {
        "selector": {POD_LABEL: pod.name},
        "ports": [
            {"name": f"{protocol.lower()}-{port}", "protocol": protocol, "port": port}
            for protocol, ports in actors.serves(pod.called).items()
            for port in ports
        ],
    }
    yield bare("Service", pod.name, where, spec=selected)
    for policy in ("Local", "Cluster") if pod.node_ports else ():
        spec = {**selected, "type": "NodePort", "externalTrafficPolicy": policy}
        yield bare("Service", f"{pod.name}-{policy.lower()}", where, spec=spec)
