"""Give the Flannel cluster Calico's policy part without building it anew, and take it back.

What is added is Canal's manifest without its Flannel (`clusters/policy-for-flannel`). The
agent enforces policy at interfaces that Calico's CNI plugin made: pods that are older keep
their ports on Flannel's bridge, and to them no policy applies.

The caller holds `turns.lock()`. What a node looked like before is on disk before anything
is changed; `remove` puts it back, can be repeated, and is what `./lab up flannel` does first
when a conversion was interrupted.
"""

import json
import re
import shlex
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from labsupport import (
    clusterbuild,
    clusterrecord,
    clusters,
    cni,
    docker,
    paths,
    programs,
    report,
    versions,
)
from labsupport.errors import CheckFailed
from labsupport.kube import Kube
from labsupport.versions import Profile

IMAGES = ("calico-cni", "calico-node", "calico-kube-controllers")
GONE_SECONDS = 90.0

_CONFIG = "/etc/cni/net.d"
_PLUGINS = "/opt/cni/bin"
_OWN_FILES = ("10-canal.conflist", "calico-kubeconfig", "calico-tls")
_FOLDERS = "/var/lib/calico /var/log/calico /var/run/calico /var/run/nodeagent"
_CONDITION = "NetworkUnavailable"

Facts = dict[str, Any]


def manifest() -> str:
    """What is added, as YAML."""
    return cni.render(replace(versions.profile("canal"), name="policy-for-flannel"))


def is_added(profile: Profile) -> bool:
    """Whether the cluster has the policy part, or what an interruption left of it."""
    return _read_facts(profile) is not None


def add(profile: Profile) -> None:
    """Install Calico's policy part and wait until its agents are ready.

    Raises:
        CheckFailed: the cluster is not ready.
        ProgramFailed: an agent is not ready within the limit.
    """
    if not is_added(profile):
        now = clusters.status(profile)
        if now.state is not clusters.State.READY:
            raise CheckFailed(f"Cluster {now.cluster} is {now.state}; `./lab up {profile.name}`.")
        _write_facts(profile)
    clusterrecord.mark(profile, clusterrecord.ADDED)
    clusterbuild.load_images(profile, [versions.image(key) for key in IMAGES])
    kubeconfig = clusterrecord.kubeconfig(profile)
    _kubectl(kubeconfig, "apply", "--server-side", "--force-conflicts", "-f", "-", stdin=manifest())
    cni.wait(kubeconfig)


def remove(profile: Profile) -> None:
    """Put everything back as it was, newer pods deleted, and call the cluster ready again.

    Pods that Calico's plugin gave an interface cannot stay; what made them makes them anew.

    Raises:
        CheckFailed: a pod does not go within the limit.
        ProgramFailed: a node refuses something; `remove` can be repeated.
    """
    facts = _read_facts(profile)
    if facts is None:
        return
    kube, kubeconfig = Kube(clusterrecord.kubeconfig(profile)), clusterrecord.kubeconfig(profile)
    gone = ("--ignore-not-found", f"--timeout={GONE_SECONDS:.0f}s")
    name = ("deployment", "calico-kube-controllers", "--namespace", "kube-system")
    _kubectl(kubeconfig, "delete", *name, *gone)
    # While Calico's plugin is there, so that it gives the addresses back; then once more, for
    # those that came again before the nodes knew Flannel's configuration alone.
    _delete_newer(kube, facts["since"])
    for node in facts["nodes"]:
        _on(node, f"rm -rf {' '.join(f'{_CONFIG}/{file}' for file in _OWN_FILES)}")
    _delete_newer(kube, facts["since"])
    _kubectl(kubeconfig, "delete", *gone, "-f", "-", stdin=manifest())
    for node, before in facts["nodes"].items():
        _clean(node, before)
        _restore(kubeconfig, node, before)
    clusterrecord.mark(profile, "ready")
    _file(profile).unlink(missing_ok=True)


def look(profile: Profile) -> dict[str, Facts]:
    """What of a node the policy part changes, by node: what `remove` puts back."""
    described = {
        node["metadata"]["name"]: node
        for node in Kube(clusterrecord.kubeconfig(profile)).list("v1", "Node")
    }
    return {name: _facts(name, node) for name, node in described.items()}


def _facts(name: str, node: dict[str, Any]) -> Facts:
    conditions = node["status"]["conditions"]
    return {
        "plugins": sorted(_on(name, f"ls {_PLUGINS}").split()),
        "config": sorted(_on(name, f"ls {_CONFIG}").split()),
        "condition": next((c for c in conditions if c["type"] == _CONDITION), None),
        "annotations": _of_calico(node["metadata"].get("annotations", {})),
        "rules": len(_rules(_on(name, "iptables-save"))),
    }


def _write_facts(profile: Profile) -> None:
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    made = clusterrecord.made_of(profile).nodes
    facts = {"since": since, "cluster": made, "nodes": look(profile)}
    report.write_file(_file(profile), json.dumps(facts, indent=1).encode())


def _read_facts(profile: Profile) -> Facts | None:
    """What was written before this cluster was changed; None where it is not changed.

    Raises:
        CheckFailed: the file is damaged, or there is no cluster.
    """
    try:
        found: Facts = json.loads(_file(profile).read_text())
    except FileNotFoundError:
        return None
    except ValueError:
        raise CheckFailed(
            f"{_file(profile)} is damaged, so the cluster cannot be put back as it was; "
            f"`./lab up --recreate {profile.name}` makes it anew."
        ) from None
    # A cluster that was made anew since has nothing of it.
    return found if found["cluster"] == clusterrecord.made_of(profile).nodes else None


def _file(profile: Profile) -> Path:
    return paths.state() / "policy-addon" / f"{profile.name}.json"


def _delete_newer(kube: Kube, since: str) -> None:
    """Delete the pods on the pod network that are not older."""
    delete_pods(
        kube,
        lambda pod: (
            pod["metadata"]["creationTimestamp"] >= since and not pod["spec"].get("hostNetwork")
        ),
    )


def delete_pods(kube: Kube, chosen: Callable[[dict[str, Any]], bool]) -> None:
    """Delete the pods that are chosen, and wait until they are gone.

    Raises:
        CheckFailed: one does not go within the limit.
    """
    going = {pod["metadata"]["uid"]: pod for pod in kube.list("v1", "Pod") if chosen(pod)}
    for pod in going.values():
        kube.delete(pod)
    deadline = time.monotonic() + GONE_SECONDS
    while any(pod["metadata"]["uid"] in going for pod in kube.list("v1", "Pod")):
        if time.monotonic() > deadline:
            raise CheckFailed(
                f"Pods that were deleted are not gone after {GONE_SECONDS:.0f} s; "
                "`./lab up flannel` goes on from here."
            )
        time.sleep(0.5)


def _clean(node: str, before: Facts) -> None:
    """Remove Felix's rules, sets and folders, and the plugins that were not there."""
    for table, lines in _removals(_on(node, "iptables-save")).items():
        text = "\n".join([f"*{table}", *lines, "COMMIT", ""])
        restore = ("iptables-restore", "--noflush", "--wait")
        programs.run("docker", "exec", "--interactive", node, *restore, stdin=text)
    _destroy_sets(node)
    new = set(_on(node, f"ls {_PLUGINS}").split()) - set(before["plugins"])
    if new:
        _on(node, "rm -f " + " ".join(f"{_PLUGINS}/{shlex.quote(name)}" for name in sorted(new)))
    # The agent's first container mounts the cgroups there; not a file of theirs may go.
    _on(node, "umount /run/calico/cgroup 2>/dev/null || true")
    _on(node, f"rm -rf --one-file-system {_FOLDERS}")


def _destroy_sets(node: str) -> None:
    """Destroy Felix's IP sets, with its own image: kind's node image has no `ipset`."""
    image = versions.image("calico-node").name
    script = "ipset list -n | grep ^cali | while read -r name; do ipset destroy $name; done"
    docker.run(
        "exec", node, "ctr", "--namespace", "k8s.io", "run", "--rm", "--privileged", "--net-host",
        image, f"destroy-sets-{time.time_ns()}", "sh", "-c", script,
    )  # fmt: skip


def _removals(saved: str) -> dict[str, list[str]]:
    """What `iptables-restore --noflush` needs to remove Felix's rules and chains, by table.

    A chain that is declared anew is emptied, and can then be deleted.
    """
    removals: dict[str, list[str]] = {}
    for part in re.split(r"^\*", saved, flags=re.MULTILINE)[1:]:
        table, *lines = part.splitlines()
        chains = [line[1:].split()[0] for line in lines if line.startswith(":cali-")]
        into = [line for line in _rules("\n".join(lines)) if not line.startswith("-A cali-")]
        if chains or into:
            removals[table] = [
                *[f":{chain} - [0:0]" for chain in chains],
                *[line.replace("-A ", "-D ", 1) for line in into],
                *[f"-X {chain}" for chain in chains],
            ]
    return removals


def _rules(saved: str) -> list[str]:
    """Felix's rules: it marks each with a comment, in whichever chain it is."""
    return [line for line in saved.splitlines() if line.startswith("-A ") and '"cali:' in line]


def _restore(kubeconfig: Path, node: str, before: Facts) -> None:
    """Put the node's annotations and its network condition back."""
    described = json.loads(_kubectl(kubeconfig, "get", "node", node, "--output=json"))
    added = _of_calico(described["metadata"].get("annotations", {}))
    for key in added.keys() - before["annotations"].keys():
        _kubectl(kubeconfig, "annotate", "node", node, f"{key}-")
    if before["condition"] is not None:
        patch = json.dumps({"status": {"conditions": [before["condition"]]}})
        _kubectl(kubeconfig, "patch", "node", node, "--subresource=status", "--patch", patch)


def _of_calico(annotations: dict[str, str]) -> dict[str, str]:
    return {key: text for key, text in annotations.items() if "projectcalico.org/" in key}


def _on(node: str, script: str) -> str:
    return docker.run("exec", node, "sh", "-c", script, timeout=60)


def _kubectl(kubeconfig: Path, *arguments: str, stdin: str | None = None) -> str:
    return programs.run(
        programs.tool("kubectl"), "--kubeconfig", kubeconfig, *arguments, stdin=stdin
    )
