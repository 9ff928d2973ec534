"""Clusters of the lab, verified as somebody would who has never seen them: notebook 10.

Beside what `./lab verify` measures stands what a widespread command for the detection of the
CNI prints, so that the two can be compared. Live, clusters are verified now, about 20 s;
recorded, they are read from `recordings/verify/<profile>.json`.
"""

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from labsupport import checked, console, paths, recorded, report, stored, versions
from labsupport.versions import Profile

API_VERSION = "netpol-lab/v1"
KIND = "Verification"
FOLDER = Path("verify")
STRANGERS = {"first": "calico", "second": "flannel"}
"""The clusters that notebook 10 does not name: one that enforces, and one that does not."""
DETECTION = "kubectl get pods -n kube-system | grep -E 'calico|cilium|weave'"
"""As the document prints it that started the lab; see `trial`."""

_AGENTS = re.compile("calico|cilium|weave")
# What Deployments and DaemonSets append to the names of their pods, in the letters of
# https://github.com/kubernetes/apimachinery/blob/master/pkg/util/rand/rand.go
_LETTERS = "[bcdfghjklmnpqrstvwxz2456789]"
_SUFFIX = re.compile(rf"(-{_LETTERS}{{6,10}})?-{_LETTERS}{{5}}$")

Verification = dict[str, Any]


def visit(live: bool) -> dict[str, Verification]:
    """Verify all of `STRANGERS` now, side by side, or read what is recorded of them.

    Returns:
        Verifications by the strangers' names.

    Raises:
        WrongUse: there is no recording.
        CheckFailed: a cluster is not ready; the message says how to get it.
    """
    chosen = {called: versions.profile(name) for called, name in STRANGERS.items()}
    if not live:
        return {called: read(profile.name) for called, profile in chosen.items()}
    with console.silent(), ThreadPoolExecutor(len(chosen)) as pool:
        return dict(zip(chosen, pool.map(measure, chosen.values()), strict=True))


def measure(profile: Profile) -> Verification:
    """Verify a cluster of the lab, and ask it for its agents; nothing is left on it.

    Raises:
        CheckFailed: the cluster is not ready; the message says how to get it.
        MachineCannot: its pods do not start.
    """
    from labsupport import ground, patches, verify
    from labsupport import measure as measuring

    kube = ground.kube(profile)
    pods = patches.kubectl(kube, "get", "pods", "-n", "kube-system")
    answer = verify.run(kube, verify.Options())
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "recordedAt": measuring.now(),
        "lab": measuring.lab(),
        "profile": profile.name,
        "detected": [line for line in pods.splitlines() if _AGENTS.search(line)],
        "recognised": [
            {
                "name": one.product.name,
                "version": one.version,
                "sign": one.sign,
                "enforces": one.product.enforces,
                "source": one.product.source,
            }
            for one in answer.recognised
        ],
        "warning": answer.warning,
        "seconds": answer.seconds,
        "report": answer.report,
    }


def read(profile: str, folder: Path | None = None) -> Verification:
    """What is recorded of a profile's cluster.

    Raises:
        WrongUse: there is nothing, or it is damaged.
    """
    path = (folder or stored.folder()) / FOLDER / f"{profile}.json"
    found = recorded.read(path, "verification", "./lab verify --record")
    check(found, str(path))
    return found


def record(document: Verification, folder: Path = paths.RECORDINGS) -> Path:
    """Keep what was measured as what ships with the lab, and return its file."""
    path = folder / FOLDER / f"{document['profile']}.json"
    check(document, f"the verification for {path}")
    return recorded.write(document, path, "verification")


def check(document: Any, where: str) -> None:
    """Check what is, or should be, a verification; `where` begins every message.

    Raises:
        WrongUse: it is none, or its report contradicts itself.
    """
    checked.check(document, "verification", where)
    report.check(document["report"], f"{where}: report")


def agents(document: Mapping[str, Any]) -> list[str]:
    """The pods that the detection command printed, without what is random in their names."""
    names = [_SUFFIX.sub("", line.split()[0]) for line in document["detected"]]
    counted = {name: names.count(name) for name in names}
    return [name if count == 1 else f"{count} {name}" for name, count in counted.items()]
