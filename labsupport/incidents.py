"""An outage from its first symptom to its end: made, looked at, ended and mended in one go.

An incident is a plain dict in the shape of `schemas/incident.schema.json`: what packets did
while the cluster was broken, what kubectl said then, and what packets did when the cause was
gone. Live, all of this happens now and nothing is left; recorded, it is read from
`recordings/outages/<id>.json`. Whoever wants to look around with kubectl uses `./lab break`.
"""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labsupport import checked, console, outages, paths, recorded, stored
from labsupport.errors import CheckFailed, WrongUse
from labsupport.outages import Outage
from labsupport.verdict import Expected

if TYPE_CHECKING:  # reading a recording need not wait for the Kubernetes client
    from labsupport.attempt import Attempt
    from labsupport.kube import Kube
    from labsupport.versions import Profile

API_VERSION = "netpol-lab/v1"
KIND = "Incident"
FOLDER = Path("outages")
SHOWN = ("silent-front-end", "unlisted-visitor", "open-since-tuesday")
"""Those that notebook 10 shows."""

Incident = dict[str, Any]


def visit(name: str, live: bool) -> Incident:
    """Make an outage now and mend it, or read what is recorded of it.

    Raises:
        WrongUse: there is no such outage or recording, or one of the user's is under way.
        CheckFailed: no cluster is ready for it; the message says how to get one.
    """
    outage = outages.find(name)
    if not live:
        return read(outage.id)
    with console.silent():
        return run(outage)


def run(outage: Outage, profile: str | None = None) -> Incident:
    """Break a cluster, look, end the outage, look again, and mend everything.

    Raises:
        WrongUse: it is none that the lab can end, or one of the user's is under way.
        CheckFailed: no cluster is ready, or packets do not cross it before it is broken.
    """
    from labsupport import breaking

    if not outage.can_end:
        raise WrongUse(f"The lab cannot end {outage.id} by itself, so there is nothing to show.")
    finish()
    breaking.refuse_a_second()
    try:
        made = breaking.make(outage, profile, passing=True)
        return _watch(outage, made)
    finally:
        breaking.mend()


def finish() -> None:
    """Mend what an interrupted `run` left; what `./lab break` broke is the user's own.

    Raises:
        CheckFailed: the cluster is not ready; nothing is forgotten then.
    """
    from labsupport import breaking

    known = breaking.damage()
    if known is not None and known.passing:
        with console.silent():
            breaking.mend()


def read(name: str, folder: Path | None = None) -> Incident:
    """What is recorded of an outage.

    Raises:
        WrongUse: there is nothing, or it is damaged or of another outage.
    """
    path = (folder or stored.folder()) / FOLDER / f"{name}.json"
    found = recorded.read(path, "incident", f"./lab break --record {name}")
    _check(found, str(path))
    return found


def record(incident: Incident, folder: Path = paths.RECORDINGS) -> Path:
    """Keep an incident as the one that ships with the lab, and return its file.

    Raises:
        CheckFailed: packets did not show the outage, or not its end.
    """
    path = folder / FOLDER / f"{incident['outage']}.json"
    _check(incident, f"the incident for {path}")
    if not wrong(incident, "broken") or wrong(incident, "over"):
        raise CheckFailed(
            f"Outage {incident['outage']} did not show, or did not end, so it is not recorded; "
            "run it again."
        )
    return recorded.write(incident, path, "incident")


def wrong(incident: Mapping[str, Any], moment: str) -> list[str]:
    """The connections that are not as they should be.

    Args:
        incident: the incident.
        moment: `broken`, or `over` when the cause is gone.
    """
    hoped = {Expected.ALLOWED: "allowed", Expected.DENIED: "timeout"}
    return [
        str(one["connection"])
        for one in incident["connections"]
        if one[moment] != hoped[Expected(one["wanted"])]
    ]


def _check(incident: Mapping[str, Any], where: str) -> None:
    """Check what is, or should be, an incident, and that the outage is still the same."""
    from labsupport import verification

    checked.check(incident, "incident", where)
    outage = outages.find(str(incident["outage"]))
    shown = {one["connection"]: one["wanted"] for one in incident["connections"]}
    if shown != {str(c): str(word) for c, word in outage.wanted.items()}:
        raise WrongUse(
            f"{where}: connections: are not those of the outage as it is today; "
            f"`./lab break --record {outage.id}` records it anew."
        )
    if incident["verification"] is not None:
        verification.check(incident["verification"], f"{where}: verification")


def _watch(outage: Outage, profile: "Profile") -> Incident:
    """What is to be seen of an outage that is under way, until it is over."""
    from labsupport import breaking, ground, verification
    from labsupport import measure as measuring

    kube = ground.kube(profile)
    broken = breaking.check()
    evidence = _evidence(kube, outage)
    policies = _policies(kube, outage)
    # The other outages touch nothing that `./lab verify` would see.
    verified = verification.measure(profile) if outage.changes else None
    breaking.end()
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "recordedAt": measuring.now(),
        "lab": measuring.lab(),
        "outage": outage.id,
        "profile": profile.name,
        "title": profile.title,
        "version": profile.version,
        "kubernetes": kube.version(),
        "policies": policies,
        "connections": _connections(broken, breaking.check()),
        "evidence": evidence,
        "verification": verified,
    }


def _connections(broken: "Attempt", over: "Attempt") -> list[dict[str, str]]:
    return [
        {
            "connection": str(before.connection),
            "wanted": str(before.wanted),
            "broken": before.observed,
            "over": after.observed,
        }
        for before, after in zip(broken.rows, over.rows, strict=True)
    ]


def _evidence(kube: "Kube", outage: Outage) -> list[dict[str, str]]:
    """What kubectl says while the outage is under way: the same first commands for each."""
    from labsupport import patches

    names = " ".join(outage.cast.namespaces)
    commands = [
        f"kubectl get namespaces {names} --show-labels",
        *(f"kubectl get networkpolicies,pods -n {name} --show-labels" for name in names.split()),
        *outage.evidence,
    ]
    return [
        {"command": command, "output": patches.kubectl(kube, *shlex.split(command)[1:]).rstrip()}
        for command in commands
    ]


def _policies(kube: "Kube", outage: Outage) -> list[dict[str, Any]]:
    """The NetworkPolicy objects that are there, without what the API server notes in them."""
    from labsupport import ground

    found = [
        {
            "apiVersion": one["apiVersion"],
            "kind": one["kind"],
            "metadata": {key: one["metadata"][key] for key in ("name", "namespace")},
            "spec": one["spec"],
        }
        for one in ground.policies(kube, outage.cast.namespaces)
    ]
    return sorted(found, key=lambda one: (one["metadata"]["namespace"], one["metadata"]["name"]))
