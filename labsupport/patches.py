"""Changes of a cluster's own configuration, and what takes them back."""

import json
from collections.abc import Mapping
from typing import Any

from labsupport import programs
from labsupport.kube import Kube
from labsupport.outages import Change

ROLLOUT_SECONDS = 300


def apply(kube: Kube, change: Change) -> None:
    """Patch an object, and let the workload that reads it start anew.

    Raises:
        ProgramFailed: kubectl could not, or the workload is not ready within the limit.
    """
    where = ("-n", change.namespace)
    patch = json.dumps(change.patch)
    kubectl(kube, "patch", change.object, *where, "--type=merge", f"--patch={patch}")
    kubectl(kube, "rollout", "restart", change.restart, *where)
    limit = f"--timeout={ROLLOUT_SECONDS}s"
    kubectl(kube, "rollout", "status", change.restart, *where, limit)


def inverse_of(kube: Kube, change: Change) -> Change:
    """The change that takes a change back, read from the cluster before it is made.

    Raises:
        ProgramFailed: the object cannot be read.
    """
    text = kubectl(kube, "get", change.object, "-n", change.namespace, "-o", "json")
    undo = inverse(json.loads(text), change.patch)
    return Change(change.object, change.namespace, undo, change.restart)


def inverse(current: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """The merge patch that takes a merge patch back.

    Args:
        current: the object before the patch.
        patch: the patch; fields that it sets and `current` lacks are removed again.
    """
    undo: dict[str, Any] = {}
    for key, value in patch.items():
        old = current.get(key)
        nested = isinstance(value, Mapping) and isinstance(old, Mapping)
        undo[key] = inverse(old, value) if nested else old  # type: ignore[arg-type]
    return undo


def kubectl(kube: Kube, *arguments: str) -> str:
    """What kubectl prints on standard output when it is asked about a cluster.

    Raises:
        ProgramFailed: it ended with an error.
    """
    return programs.run(programs.tool("kubectl"), "--kubeconfig", kube.kubeconfig, *arguments)
