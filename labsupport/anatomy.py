"""What a CNI puts on the nodes for one policy, looked up while the policy is in force.

A capture is a plain dict in the shape of `schemas/anatomy.schema.json`: the way of a packet
from `shop/frontend` on node A to `shop/api` on node B, and exhibits, each a command with what
it printed and what that means. Names stand in place of addresses and hashes (`stablenames`),
so that two captures of the same versions read the same. Captures that ship are recordings:

    ./lab anatomy                  # show what is recorded
    ./lab anatomy --live calico    # look now
    ./lab anatomy --live --record  # look at every ready cluster, and keep it
"""

import json
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labsupport import cases, checked, paths, report, versions
from labsupport.cases import Case
from labsupport.errors import WrongUse
from labsupport.versions import Profile

if TYPE_CHECKING:  # reading a recording need not wait for the Kubernetes client
    from labsupport.lane import Lane

API_VERSION = "netpol-lab/v1"
KIND = "Anatomy"
CASE = "allow-by-pod-label"
SOURCE, TARGET = "shop/frontend", "shop/api"
FOLDER = paths.RECORDINGS / "anatomy"

Anatomy = dict[str, Any]


def read(profile: str, folder: Path = FOLDER) -> Anatomy:
    """The recorded capture of a profile.

    Raises:
        WrongUse: there is none, or it is damaged; the message names the file.
    """
    path = folder / f"{versions.profile(profile).name}.json"
    try:
        found: Anatomy = json.loads(path.read_text())
    except FileNotFoundError:
        raise WrongUse(
            f"{path}: there is no capture of {profile}; `./lab anatomy --live --record {profile}`"
            " makes one."
        ) from None
    except (OSError, ValueError) as error:
        raise WrongUse(f"{path}: is no capture: {error}.") from None
    checked.check(found, "anatomy", str(path))
    return found


def record(capture: Anatomy, folder: Path = FOLDER) -> Path:
    """Keep a capture as the one that ships with the lab, and return its file."""
    path = folder / f"{capture['profile']}.json"
    checked.check(capture, "anatomy", f"the capture for {path}")
    text = json.dumps(capture, indent=2, sort_keys=True, ensure_ascii=False)
    report.write_file(path, f"{text}\n".encode())
    return path


def capture(profile: Profile) -> Anatomy:
    """Apply the policy on a profile's cluster, look at its nodes, and take the policy away.

    Raises:
        CheckFailed: the cluster is not ready, or a node does not show what it should.
    """
    from labsupport import clusters, turns

    with turns.lock(), turns.alone(profile):
        return look(clusters.lanes(profile, 1)[0], profile)


def look(lane: "Lane", profile: Profile) -> Anatomy:
    """The same as `capture` in one lane of a cluster that the caller holds.

    Raises:
        CheckFailed: a node does not show what it should.
    """
    from labsupport import measure
    from labsupport.exhibits import Scene

    case = cases.choose(cases.load(), [CASE])[0]
    scene = Scene(lane, SOURCE, TARGET)
    manifests = [lane.localise(manifest) for manifest in case.policies]
    scene.before()
    try:
        for manifest in manifests:
            lane.kube.apply(manifest)
        connections = _wait(lane, case)
        exhibits = scene.exhibits()
        way = [hop.to_json() for hop in scene.way()]
    finally:
        for manifest in manifests:
            lane.kube.delete(manifest)
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "capturedAt": measure.now(),
        "lab": measure.lab(),
        "profile": profile.name,
        "title": profile.title,
        "version": profile.version,
        "mode": profile.mode,
        "kubernetes": lane.kube.version(),
        "case": case.id,
        "policies": case.policies,
        "connections": connections,
        "way": way,
        "exhibits": exhibits,
    }


def exhibits(capture: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The exhibits of a capture that have this name; there is a `set` for each rule with one.

    Raises:
        WrongUse: it has none; the message names those it has.
    """
    found = [one for one in capture["exhibits"] if one["id"] == name]
    if not found:
        known = ", ".join(dict.fromkeys(one["id"] for one in capture["exhibits"]))
        raise WrongUse(f"There is no exhibit {name!r} of {capture['title']}; there are {known}.")
    return found


def as_text(capture: Mapping[str, Any]) -> str:
    """A capture for a terminal: the way, then every exhibit."""
    lines = [f"{capture['title']} {capture['version']}: {SOURCE} -> {TARGET}"]
    for hop in capture["way"]:
        lines.append(f"  {hop['place']:<13}{hop['device']:<15}{hop['onward'] or hop['kind']}")
        lines += [f"  {'':<13}{hop['policy']}"] if hop["policy"] else []
    for one in capture["exhibits"]:
        lines += ["", f"{one['title']} ({one['place']}: {one['command']})"]
        for line in one["lines"]:
            lines += [f"  {'+' if line['new'] else ' '} {line['text']}", f"      {line['words']}"]
        lines += [f"  {one['note']}"] if one["note"] else []
    return "\n".join([*lines, ""])


def _wait(lane: "Lane", case: Case) -> list[dict[str, str]]:
    """Send the case's packets until the policy is in force, and say what became of them.

    Where nothing enforces it, that is what they say when the limit is over.
    """
    from labsupport.waiter import Waiter

    expected = case.steps[0].expected
    with ThreadPoolExecutor(8) as pool, closing(lane):
        seen = Waiter(lane, pool, threading.Event()).settle(expected).seen
    return [
        {"connection": str(c), "expected": str(word), "observed": str(seen[c].outcome)}
        for c, word in expected.items()
    ]
