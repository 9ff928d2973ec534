"""What `./lab verify` puts on a cluster that is not the lab's: three pods, and no traces.

Every object bears a label with the visit's own random name. What is removed is found by that
label, so nothing that belongs to somebody else is touched, and nothing of a visit is missed.
"""

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from labsupport import console, versions
from labsupport.errors import LabError, MachineCannot
from labsupport.kube import ApiRefused, Kube
from labsupport.manifests import STAGE_LABEL
from labsupport.pods import READY_SECONDS, address, spec, trouble
from labsupport.probe import Prober

RUN_LABEL = "netpol-lab/verify"
POD_LABEL = "netpol-lab/verify-pod"
PREFIX = "netpol-verify-"
PODS = ("client", "no-ingress", "no-egress")
ANSWER_SECONDS = 14.0
"""A namespace that goes is awaited for so long after the visit began, and not longer: the
cluster alone takes over 5 s for it, during which the namespace is empty."""
GONE_SECONDS = 60.0
POLL_SECONDS = 0.25
KILLED_AFTER_SECONDS = 180.0
"""No visit lasts longer: what is older was left by one that was killed."""
KILLED_STAGE_AFTER_SECONDS = 3600.0
"""The same for the namespaces of the catalogue's stage."""

_POLICY = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}
_POD = {"apiVersion": "v1", "kind": "Pod"}
_NAMESPACE = {"apiVersion": "v1", "kind": "Namespace"}


@dataclass(frozen=True)
class Visit:
    """One visit to a cluster.

    Attributes:
        kube: the cluster.
        name: random, so that two visits never meet.
        namespace: where the pods run.
        own: whether the visit makes and removes that namespace.
        image: agnhost's.
        full: whether the catalogue is run too, in namespaces of its own.
        begun: when it began, by `time.monotonic()`.
        addresses: the pods' addresses, by their words in `PODS`, when they are ready.
    """

    kube: Kube
    name: str
    namespace: str
    own: bool
    image: str
    full: bool = False
    begun: float = field(default_factory=time.monotonic)
    addresses: dict[str, str] = field(default_factory=dict)

    @classmethod
    def plan(
        cls,
        kube: Kube,
        namespace: str | None = None,
        image: str | None = None,
        full: bool = False,
    ) -> "Visit":
        """A visit that has made nothing yet, in a namespace that exists or in one of its own."""
        name = secrets.token_hex(4)
        own = namespace is None
        return cls(
            kube,
            name,
            namespace or PREFIX + name,
            own,
            image or versions.image("agnhost").name,
            full,
        )

    @property
    def stage_prefix(self) -> str:
        """What the names of the namespaces begin with in which the catalogue is run."""
        return f"{PREFIX}{self.name}-"

    def called(self, word: str) -> str:
        """The name in the cluster of a pod or policy of this visit."""
        return f"{PREFIX}{word}-{self.name}"

    def prober(self, word: str) -> Prober:
        """What tries connections from one of the pods."""
        return Prober(partial(self.kube.converse, self.namespace, self.called(word)))

    def labelled(self, manifest: Mapping[str, Any], name: str | None = None) -> dict[str, Any]:
        """An object with this visit's label, in its namespace where it has a name there."""
        meta = {**manifest.get("metadata", {})}
        if name:
            meta |= {"name": name, "namespace": self.namespace}
        labels = {**meta.get("labels", {}), RUN_LABEL: self.name}
        return {**manifest, "metadata": {**meta, "labels": labels}}


@contextmanager
def paid(visit: Visit) -> Iterator[None]:
    """Make the pods, and remove all of the visit however the block ends.

    Raises:
        MachineCannot: the pods do not get ready, or the API server refuses them; why.
    """
    try:
        _arrive(visit)
        yield
    finally:
        with console.task(f"removing what was made in {visit.namespace}", usual=3):
            leave(visit)


def _arrive(visit: Visit) -> None:
    """Make the namespace and the pods, sweep, and wait until the pods are ready."""
    try:
        if visit.own:
            visit.kube.apply(visit.labelled({**_NAMESPACE, "metadata": {"name": visit.namespace}}))
        for word in PODS:
            _apply_pod(visit, _pod(visit, word))
    except ApiRefused as error:
        raise MachineCannot(f"The API server refused to let the lab in: {error}.") from None
    _sweep(visit)
    _await_ready(visit)


def leave(visit: Visit) -> None:
    """Remove everything of a visit, and wait until it is gone.

    A namespace is empty by then, but the cluster takes its time to forget it
    (https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/); where
    that would keep the answer for too long, it is told and not awaited.
    """
    _delete_all(visit, _namespaces(visit))
    left = _remaining(lambda: _inside(visit), visit, time.monotonic() + GONE_SECONDS)
    soon = max(visit.begun + ANSWER_SECONDS, time.monotonic() + (GONE_SECONDS if visit.full else 1))
    for one in left + _remaining(lambda: _namespaces(visit), visit, soon):
        name = f"{one['kind']} {one['metadata']['name']}"
        console.say(f"{name} is being deleted by the cluster, which has not finished yet.")


def _remaining(
    look: Callable[[], list[dict[str, Any]]], visit: Visit, until: float
) -> list[dict[str, Any]]:
    """Delete what `look` finds until it finds nothing more; what it still finds in the end."""
    while (left := look()) and time.monotonic() < until:
        _delete_all(visit, left)
        time.sleep(POLL_SECONDS)
    return left


def _delete_all(visit: Visit, manifests: list[dict[str, Any]]) -> None:
    for one in manifests:
        if "deletionTimestamp" not in one["metadata"]:
            visit.kube.delete(one)


def _inside(visit: Visit) -> list[dict[str, Any]]:
    """The pods and policies of a visit that there are, in whosever namespace."""
    mine = f"{RUN_LABEL}={visit.name}"
    return [
        one
        for kind in (_POLICY, _POD)
        for one in visit.kube.list(kind["apiVersion"], kind["kind"], mine, visit.namespace)
    ]


def _namespaces(visit: Visit) -> list[dict[str, Any]]:
    """The namespaces that a visit made and that there still are, the stage's too."""
    if not visit.own and not visit.full:
        return []
    return [
        one
        for one in visit.kube.list("v1", "Namespace")
        if one["metadata"]["name"].startswith(PREFIX + visit.name)
    ]


def _sweep(visit: Visit) -> None:
    """Remove what earlier visits left that were killed, as far as the user may.

    Ages are taken by the cluster's own clock: from the objects just made to the old ones.
    """
    listed = partial(visit.kube.list, labels=RUN_LABEL)
    inside = visit.namespace
    with suppress(ApiRefused):
        pods = listed("v1", "Pod", namespace=inside)
        now = max(map(_made, pods))
        old = [*pods, *listed(_POLICY["apiVersion"], _POLICY["kind"], namespace=inside)]
        if visit.own:
            old += listed("v1", "Namespace")
            stages = visit.kube.list("v1", "Namespace", STAGE_LABEL)
            old += [ns for ns in stages if ns["metadata"]["name"].startswith(PREFIX)]
        for one in old:
            stage = STAGE_LABEL in one["metadata"]["labels"]
            limit = KILLED_STAGE_AFTER_SECONDS if stage else KILLED_AFTER_SECONDS
            if now - _made(one) > limit:
                console.say(f"Removing what a killed run left: {one['metadata']['name']}.")
                visit.kube.delete(one)


def _made(manifest: Mapping[str, Any]) -> float:
    """When an object was made, by the cluster's clock, in seconds."""
    return datetime.fromisoformat(manifest["metadata"]["creationTimestamp"]).timestamp()


def _apply_pod(visit: Visit, manifest: dict[str, Any]) -> None:
    """Apply a pod; a new namespace refuses it until its service account exists."""
    while True:
        try:
            return visit.kube.apply(manifest)
        except ApiRefused as error:
            young = visit.own and "serviceaccount" in str(error).lower().replace(" ", "")
            if not young or time.monotonic() - visit.begun > READY_SECONDS:
                raise
            time.sleep(POLL_SECONDS)


def _await_ready(visit: Visit) -> None:
    """Wait until the pods are ready and keep their addresses.

    Raises:
        MachineCannot: they will not be; in the cluster's own words why.
    """
    mine = f"{RUN_LABEL}={visit.name}"
    while len(visit.addresses) < len(PODS):
        pods = visit.kube.list("v1", "Pod", mine, visit.namespace)
        waited = time.monotonic() - visit.begun
        late = waited > READY_SECONDS
        for pod in pods:
            if found := address(pod):
                visit.addresses[pod["metadata"]["labels"][POD_LABEL]] = found
            elif why := trouble(pod, visit.image, waited):
                raise MachineCannot(f"{why}{_last_event(visit, pod) if late else ''}")
        if late and len(visit.addresses) < len(PODS):
            raise MachineCannot("The probe pods were deleted by somebody else while they started.")
        time.sleep(POLL_SECONDS)


def _last_event(visit: Visit, pod: Mapping[str, Any]) -> str:
    """The cluster's last warning about a pod, where the user may see it."""
    with suppress(LabError):
        name = pod["metadata"]["name"]
        events = [
            event
            for event in visit.kube.list("v1", "Event", namespace=visit.namespace)
            if event["involvedObject"].get("name") == name and event.get("type") == "Warning"
        ]
        if events:
            return f" The cluster says: {str(events[-1].get('message'))[:300]}"
    return ""


def _pod(visit: Visit, word: str) -> dict[str, Any]:
    """One of the three pods."""
    manifest = visit.labelled(_POD, visit.called(word))
    # A service mesh's proxy beside the probe would answer in the place of the packets.
    manifest["metadata"]["labels"] |= {POD_LABEL: word, "sidecar.istio.io/inject": "false"}
    return {**manifest, "spec": spec(word, visit.image, {RUN_LABEL: visit.name})}
