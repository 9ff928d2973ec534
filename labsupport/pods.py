"""The probe pods of `./lab verify`: what they run, when they are ready, why they will not be."""

from collections.abc import Mapping
from typing import Any

PORT = 8080
READY_SECONDS = 60.0
"""How long a pod may take to be ready, its image's way to the node included."""
PLACED_SECONDS = 20.0
"""How long of that it may wait for a node that takes it."""

_NO_IMAGE = ("ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
_NO_START = (
    "CrashLoopBackOff",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
)


def spec(word: str, image: str, labels: Mapping[str, str]) -> dict[str, Any]:
    """A pod that serves a port and can probe, within Pod Security's `restricted`.

    It has no rights, and no probe of the kubelet's: whether it serves is what the control
    finds out (https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted).

    Args:
        word: what it answers.
        image: agnhost's.
        labels: that the pods have in common which should run on several nodes.
    """
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 1,
        "restartPolicy": "Never",
        "nodeSelector": {"kubernetes.io/os": "linux"},
        # On several nodes where it can be, so that packets cross them.
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": dict(labels)},
            }
        ],
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65534,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": "agnhost",
                "image": image,
                "imagePullPolicy": "IfNotPresent",
                "args": ["porter"],
                "env": [{"name": f"SERVE_TCP_PORT_{PORT}", "value": word}],
                "resources": {
                    "requests": {"cpu": "10m", "memory": "32Mi"},
                    "limits": {"cpu": "500m", "memory": "128Mi"},
                },
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                },
            }
        ],
    }


def address(pod: Mapping[str, Any]) -> str | None:
    """The address of a pod that is ready; None of another."""
    status = pod.get("status", {})
    ready = _condition(pod, "Ready").get("status") == "True"
    leaving = "deletionTimestamp" in pod["metadata"]
    return str(status["podIP"]) if ready and not leaving and status.get("podIP") else None


def trouble(pod: Mapping[str, Any], image: str, waited: float) -> str | None:
    """Why a pod will not be ready, in a sentence with what to do, or None while it may be.

    Args:
        pod: as the API server has it.
        image: what its container should run.
        waited: seconds; after `READY_SECONDS` there is always a reason.
    """
    name, status = pod["metadata"]["name"], pod.get("status", {})
    late = waited > READY_SECONDS
    for container in status.get("containerStatuses") or []:
        waiting = (container.get("state") or {}).get("waiting") or {}
        reason, said = waiting.get("reason", ""), waiting.get("message", "")
        if reason in _NO_IMAGE or (late and reason == "ErrImagePull"):
            return (
                f"The image {image} cannot be pulled on the node ({_line(said) or reason}); "
                "`--image REF` names it in a registry that the nodes reach."
            )
        if reason in _NO_START:
            return (
                f"The probe pod {name} does not start ({reason}: {_line(said)}); `--image` has "
                "to be a copy of agnhost that may run as a user who is not root."
            )
    if status.get("phase") in ("Failed", "Succeeded"):
        said = status.get("message") or "; ".join(_ends(status)) or "no reason is given"
        return f"The probe pod {name} ended ({_line(said)}); `--image` has to be a copy of agnhost."
    scheduled = _condition(pod, "PodScheduled")
    if scheduled.get("status") == "False" and waited > PLACED_SECONDS:
        return f"No node takes the probe pod {name}: {_line(scheduled.get('message', ''))}"
    if not late:
        return None
    return f"The probe pod {name} is not ready in time, it is {status.get('phase', 'missing')}."


def _ends(status: Mapping[str, Any]) -> list[str]:
    """How containers ended, in words."""
    ends = [
        (container.get("state") or {}).get("terminated") or {}
        for container in status.get("containerStatuses") or []
    ]
    return [f"{end.get('reason', 'ended')}, exit code {end.get('exitCode')}" for end in ends if end]


def _condition(pod: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    conditions = pod.get("status", {}).get("conditions") or []
    return next((one for one in conditions if one["type"] == kind), {})


def _line(text: str) -> str:
    return " ".join(str(text).split())[:300]
