"""The Flannel cluster gets policy without being built anew, and gives it back: notebook 05.

Four steps on one cluster, the same case after each. `old` pods were there before the policy
part was added, `new` ones are the same pods, made anew after it. Live, each step does what it
says and measures; recorded, it is read from `recordings/conversion/flannel.json`.
"""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from labsupport import anatomy, cases, cast, checked, paths, recorded, versions
from labsupport.errors import WrongUse
from labsupport.versions import Profile

API_VERSION = "netpol-lab/v1"
KIND = "Conversion"
CASE = anatomy.CASE
FILE = Path("conversion") / "flannel.json"
PREFIX = "canal"
"""What the names of the conversion's own namespaces begin with."""
_OURS = f"{PREFIX}1-"

STEPS = {
    "flannel": "Flannel as it is",
    "old": "Calico's policy part added; the pods are older",
    "new": "the same pods, made anew",
    "back": "the policy part taken away, the pods made anew",
}

Step = dict[str, Any]


class Conversion:
    """The four steps, live or recorded. Each can be asked again, in any order."""

    def __init__(self, live: bool, recordings: Path = paths.RECORDINGS) -> None:
        self._live, self._profile = live, versions.profile("flannel")
        self._recording = None if live else read(recordings / FILE)

    def step(self, name: str) -> Step:
        """Do a step and measure the case: its `entry`, and its `seconds` without measuring.

        Args:
            name: out of `STEPS`. `old` and `new` add the policy part where it is not there
                yet, `flannel` and `back` take it away where it is.

        Raises:
            WrongUse: there is no such step.
            CheckFailed: the cluster is not ready; the message says how to get it.
        """
        if name not in STEPS:
            raise WrongUse(f"There is no step {name!r}; choose from {', '.join(STEPS)}.")
        if self._recording is not None:
            step: Step = self._recording["steps"][name]
            return step
        from labsupport import turns

        with turns.lock():
            return _live(self._profile, name)

    def anatomy(self) -> dict[str, Any]:
        """What the nodes hold for the policy now, as `anatomy` describes it; after `new`."""
        if self._recording is not None:
            capture: dict[str, Any] = self._recording["anatomy"]
            return capture
        from labsupport import turns

        with turns.lock():
            return _look(self._profile)

    def finish(self) -> None:
        """Leave the cluster as it was: without the policy part, and without these pods."""
        if self._live:
            from labsupport import policyaddon, turns

            with turns.lock():
                policyaddon.remove(self._profile)
                _clean(self._profile)


def measure() -> dict[str, Any]:
    """Do all steps live, one after the other with nobody in between, and leave nothing behind.

    Raises:
        CheckFailed: the cluster is not ready; the message says how to get it.
    """
    from labsupport import measure as measuring
    from labsupport import policyaddon, turns

    profile = versions.profile("flannel")
    with turns.lock(), turns.alone(profile):
        try:
            steps = {name: _live(profile, name) for name in ("flannel", "old", "new")}
            capture = _look(profile)
            steps["back"] = _live(profile, "back")
        finally:
            policyaddon.remove(profile)
            _clean(profile)
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "recordedAt": measuring.now(),
        "lab": measuring.lab(),
        "flannel": versions.component("flannel"),
        "calico": versions.component("calico"),
        "kubernetes": capture["kubernetes"],
        "steps": steps,
        "anatomy": capture,
    }


def record(document: dict[str, Any], folder: Path = paths.RECORDINGS) -> Path:
    """Keep what was measured as what ships with the lab, and return its file."""
    path = folder / FILE
    checked.check(document["anatomy"], "anatomy", f"the conversion for {path}")
    return recorded.write(document, path, "conversion")


def read(path: Path) -> dict[str, Any]:
    """The recorded conversion.

    Raises:
        WrongUse: there is none, or it is damaged.
    """
    found = recorded.read(path, "conversion", "./lab convert --record")
    checked.check(found["anatomy"], "anatomy", str(path))
    return found


def _live(profile: Profile, name: str) -> Step:
    """Do a step on the cluster, which the caller holds, and measure."""
    from labsupport import policyaddon

    start = time.monotonic()
    if name in ("flannel", "back"):
        policyaddon.remove(profile)
    else:
        if not policyaddon.is_added(profile):
            _lane(profile)  # so that there are older pods
        policyaddon.add(profile)
        if name == "new":
            _delete_pods(profile)
    seconds = round(time.monotonic() - start)
    return {"title": STEPS[name], "seconds": seconds, "entry": _measure(profile)}


def _look(profile: Profile) -> dict[str, Any]:
    return anatomy.look(_lane(profile), profile)


def _measure(profile: Profile) -> dict[str, Any]:
    from labsupport import runner

    case = cases.choose(cases.load(), [CASE])[0]
    return runner.run([_lane(profile)], [case], lambda _case, _verdict: None)[0]


def _lane(profile: Profile) -> Any:
    """The conversion's own copy of the stage: the pods of shop and warehouse, no others."""
    from labsupport import clusterrecord, stage
    from labsupport.kube import Kube

    whole = cast.of_cases()
    chosen = [namespace for namespace in whole.namespaces if namespace not in whole.shared]
    actors = replace(
        whole,
        namespaces={name: whole.namespaces[name] for name in chosen},
        pods={
            name: pod
            for name, pod in whole.pods.items()
            if pod.namespace in chosen and not pod.late
        },
    )
    kube = Kube(clusterrecord.kubeconfig(profile))
    return stage.prepare(kube, clusterrecord.node_names(profile), 1, PREFIX, actors=actors)[0]


def _delete_pods(profile: Profile) -> None:
    """Delete the pods of the conversion's own stage; `_lane` makes them anew."""
    from labsupport import clusterrecord, policyaddon
    from labsupport.kube import Kube

    kube = Kube(clusterrecord.kubeconfig(profile))
    policyaddon.delete_pods(kube, lambda pod: pod["metadata"]["namespace"].startswith(_OURS))


def _clean(profile: Profile) -> None:
    """Remove the conversion's own namespaces, which wait for nobody."""
    from labsupport import clusterrecord
    from labsupport.kube import Kube

    kube = Kube(clusterrecord.kubeconfig(profile))
    for namespace in kube.list("v1", "Namespace"):
        if namespace["metadata"]["name"].startswith(_OURS):
            kube.delete(namespace)
