"""Install a profile's CNI: upstream's manifest with our patch, or upstream's chart with our values.

The profile's folder in `clusters/` decides which: a `kustomization.yaml` or a
`values.yaml`. Installing again over a half-finished installation completes it.
"""

import hashlib
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labsupport import gobuild, paths, programs, versions
from labsupport.kube import Kube
from labsupport.versions import Profile

ROLLOUT_SECONDS = 300

_NAMESPACES = ("kube-system", "kube-flannel")
_WORKLOADS = ("DaemonSet", "Deployment")
_ENDPOINT = {"apiVersion": "cilium.io/v2", "kind": "CiliumEndpoint"}


def install(profile: Profile, kubeconfig: Path) -> None:
    """Apply what the profile is made of. Returns before its pods run."""
    if _chart_values(profile).exists():
        _helm(
            "upgrade", "--install", "cilium", upstream(profile),
            "--namespace", "kube-system", "--values", _chart_values(profile),
            "--kubeconfig", kubeconfig,
        )  # fmt: skip
    else:
        # Server-side, because Calico's CRDs are too large for the annotation that
        # client-side apply writes.
        _kubectl(
            kubeconfig,
            "apply",
            "--server-side",
            "--force-conflicts",
            "-f",
            "-",
            stdin=render(profile),
        )


def render(profile: Profile) -> str:
    """The manifests that the profile applies, as YAML."""
    if _chart_values(profile).exists():
        return _helm(
            "template", "cilium", upstream(profile),
            "--namespace", "kube-system", "--values", _chart_values(profile),
            "--kube-version", versions.component("kubernetes"),
        )  # fmt: skip
    build = paths.cache() / "manifests" / profile.name
    shutil.rmtree(build, ignore_errors=True)
    shutil.copytree(profile.folder, build)
    # Modules are read-only; the copy must not be, or the next one could not replace it.
    (build / "upstream.yaml").write_bytes(upstream(profile).read_bytes())
    return programs.run(programs.tool("kubectl"), "kustomize", build)


def manifest_sha256(profile: Profile) -> str:
    """SHA-256 of what `render` gives: the installation, whatever its image source."""
    return hashlib.sha256(render(profile).encode()).hexdigest()


def wait(kubeconfig: Path) -> None:
    """Wait until every node is ready and every workload outside the lab's has rolled out.

    Raises:
        ProgramFailed: something is not ready within the limit; kubectl says what.
    """
    limit = f"--timeout={ROLLOUT_SECONDS}s"
    _kubectl(kubeconfig, "wait", "--for=condition=Ready", "node", "--all", limit)
    for namespace in _NAMESPACES:
        workloads = _kubectl(
            kubeconfig, "get", "daemonset,deployment", "--namespace", namespace, "--output=name"
        )
        for workload in workloads.split():
            _kubectl(kubeconfig, "rollout", "status", workload, "--namespace", namespace, limit)


def unready(kube: Kube, started: Mapping[str, datetime]) -> str | None:
    """What of the cluster's own pods is not ready, in a few words; None: nothing is.

    The kubelet calls a node Ready once it has a CNI configuration, whether or not the agent that
    made the configuration runs. And until the kubelet of a node that was started again reports,
    the API server repeats what it said before the node stopped; so do the counts in a workload's
    status until its controller runs again, and pods are counted here instead.

    Args:
        kube: the cluster.
        started: when each node was started.
    """
    pods = [pod for pod in kube.list("v1", "Pod") if _own(pod)]
    for pod in pods:
        node = pod["spec"].get("nodeName", "")
        if node in started and _begun(pod) < started[node].replace(microsecond=0):
            return f"node {node} was started and has not yet reported its pods"
    for kind in _WORKLOADS:
        for workload in filter(_own, kube.list("apps/v1", kind)):
            name, wanted = workload["metadata"], _wanted(workload)
            there = sum(_ready(pod) and _of(pod, workload) for pod in pods)
            if there < wanted:
                return f"{there} of {wanted} pods of {name['namespace']}/{name['name']} are ready"
    return None


def mistaken(kube: Kube) -> list[dict[str, Any]]:
    """The cluster's own pods that Cilium still looks for at an address their node had before.

    Docker may give a node that it starts again another address. Cilium's agent does not take over
    a record that was made under the former one (its log says `could not take ownership of existing
    ciliumendpoint`). Such a pod has no identity to go by: a policy that allows DNS by CoreDNS's
    labels then cuts DNS off. Only a new pod gets a new record.
    """
    if not kube.serves(_ENDPOINT):
        return []
    recorded = {
        _place(one): one["status"]["networking"]["node"]
        for one in kube.list(_ENDPOINT["apiVersion"], _ENDPOINT["kind"])
        if "networking" in one.get("status", {})
    }
    pods = [pod for pod in kube.list("v1", "Pod") if _own(pod) and _place(pod) in recorded]
    return [  # the kubelet has yet to say where a new pod is
        pod for pod in pods if pod["status"].get("hostIP") not in (None, recorded[_place(pod)])
    ]


def upstream(profile: Profile) -> Path:
    """Upstream's manifest or chart: from a workshop's archive, or from its Go module."""
    handed = handed_out(profile)
    return handed if handed.exists() else gobuild.module_dir(profile.source) / profile.source.path


def handed_out(profile: Profile) -> Path:
    """Where a workshop's archive puts the pinned version of upstream's manifest or chart."""
    source = profile.source
    pin = gobuild.required(source.build, source.module)
    name = f"{source.module.replace('/', '-')}@{pin}"
    return paths.cache() / "upstream" / name / source.path


def _own(thing: Mapping[str, Any]) -> bool:
    """Whether it is a part of the cluster, and not what is run on it."""
    return thing["metadata"]["namespace"] in _NAMESPACES


def _place(thing: Mapping[str, Any]) -> tuple[str, str]:
    return thing["metadata"]["namespace"], thing["metadata"]["name"]


def _begun(pod: Mapping[str, Any]) -> datetime:
    """When the oldest of a pod's running containers began, in whole seconds."""
    states = [one["state"] for one in pod.get("status", {}).get("containerStatuses", ())]
    times = [state["running"]["startedAt"] for state in states if "running" in state]
    return min(map(datetime.fromisoformat, times), default=datetime.max.replace(tzinfo=UTC))


def _wanted(workload: Mapping[str, Any]) -> int:
    """How many pods a workload has when it is complete."""
    replicas = workload["spec"].get("replicas")
    count = workload["status"]["desiredNumberScheduled"] if replicas is None else replicas
    return int(count)


def _of(pod: Mapping[str, Any], workload: Mapping[str, Any]) -> bool:
    labels = pod["metadata"].get("labels", {})
    return bool(workload["spec"]["selector"]["matchLabels"].items() <= labels.items())


def _ready(pod: Mapping[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions", ())
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _chart_values(profile: Profile) -> Path:
    return profile.folder / "values.yaml"


def _kubectl(kubeconfig: Path, *arguments: str, stdin: str | None = None) -> str:
    return programs.run(
        programs.tool("kubectl"), "--kubeconfig", kubeconfig, *arguments, stdin=stdin
    )


def _helm(*arguments: str | Path) -> str:
    return programs.run(programs.tool("helm"), *arguments)
