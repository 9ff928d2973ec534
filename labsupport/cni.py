"""Install a profile's CNI: upstream's manifest with our patch, or upstream's chart with our values.

The profile's folder in `clusters/` decides which: a `kustomization.yaml` or a
`values.yaml`. Installing again over a half-finished installation completes it.
"""

import hashlib
import shutil
from pathlib import Path

from labsupport import gobuild, paths, programs, versions
from labsupport.kube import Kube
from labsupport.versions import Profile

ROLLOUT_SECONDS = 300

_NAMESPACES = ("kube-system", "kube-flannel")
# The kind, and where its status says how many pods it wants and how many are ready.
_WORKLOADS = (
    ("DaemonSet", "desiredNumberScheduled", "numberReady"),
    ("Deployment", "replicas", "readyReplicas"),
)


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


def unready(kube: Kube) -> str | None:
    """Which of the cluster's own workloads lacks ready pods, in a few words; None: none does.

    The kubelet calls a node Ready once it has a CNI configuration, whether or not the agent that
    made the configuration runs.
    """
    for kind, wanted, ready in _WORKLOADS:
        for workload in kube.list("apps/v1", kind):
            name, status = workload["metadata"], workload.get("status", {})
            of, there = status.get(wanted, 0), status.get(ready, 0)
            if name["namespace"] in _NAMESPACES and there < of:
                return f"{there} of {of} pods of {name['namespace']}/{name['name']} are ready"
    return None


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


def _chart_values(profile: Profile) -> Path:
    return profile.folder / "values.yaml"


def _kubectl(kubeconfig: Path, *arguments: str, stdin: str | None = None) -> str:
    return programs.run(
        programs.tool("kubectl"), "--kubeconfig", kubeconfig, *arguments, stdin=stdin
    )


def _helm(*arguments: str | Path) -> str:
    return programs.run(programs.tool("helm"), *arguments)
