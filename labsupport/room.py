"""Participants on shared clusters: taken in, given a kubeconfig each, and sent home.

What a workshop makes is written down before it is made, in `state/workshop/room.json`; its
end removes what is both written down and labelled, and nothing else. Tokens are in the
kubeconfigs alone, which nobody but their owner can read, and are never printed.
"""

import json
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from labsupport import checked, clusters, ground, participants, paths, report, turns, versions
from labsupport.errors import CheckFailed, WrongUse
from labsupport.kube import Kube
from labsupport.participants import ACCOUNTS, LABEL, Participant
from labsupport.versions import Profile

KIND = "WorkshopRoom"
VERSION = 1
USABLE_SECONDS = 60.0
GONE_SECONDS = 240.0
"""Ninety namespaces at once take the cluster over a minute."""
POLL_SECONDS = 0.5


def folder() -> Path:
    """Where the participants' kubeconfigs and the record are."""
    return paths.state() / "workshop"


def kubeconfig(who: Participant) -> Path:
    """A participant's kubeconfig."""
    return folder() / f"{who.name}.kubeconfig"


def take_in(
    profiles: Sequence[Profile], count: int, hours: float
) -> tuple[list[Participant], datetime]:
    """Give participants their namespaces on clusters, and a kubeconfig each.

    May be repeated: what is there stays, and the tokens are new.

    Args:
        profiles: whose clusters, which must be ready.
        count: how many participants.
        hours: how long their tokens are taken.

    Returns:
        The participants, and when their tokens end, in UTC.

    Raises:
        WrongUse: a namespace is there that the workshop did not make; nothing is changed.
        CheckFailed: the namespaces cannot be used within a minute.
        ApiRefused: an API server refused something.
    """
    everybody = [Participant(number) for number in range(1, count + 1)]
    with turns.lock():
        return everybody, _take_in(profiles, everybody, hours)


def told(everybody: Sequence[Participant], ends: datetime) -> list[str]:
    """What the instructor hands out: a line a participant, and what to do with it."""
    last = everybody[-1]
    return [
        *(f"{who.name}  {', '.join(who.namespaces)}  {kubeconfig(who)}" for who in everybody),
        f"The kubeconfigs are good until {ends:%Y-%m-%d %H:%M} UTC; hand each to its owner alone.",
        f"Then: KUBECONFIG={kubeconfig(last).name} ./lab verify --namespace {last.namespaces[-1]}",
    ]


def send_home() -> list[str]:
    """Remove everything that workshops made: namespaces, accounts, kubeconfigs, the record.

    A cluster that is gone took its part with it.

    Returns:
        The names of the namespaces that were removed.

    Raises:
        CheckFailed: a cluster does not answer, or its namespaces do not go; what is left is
            still written down, and the same command goes on from there.
    """
    removed: list[str] = []
    with turns.lock():
        known = _read()
        for name, whose in list(known.items()):
            profile = versions.profile(name)
            if clusters.status(profile).state is not clusters.State.ABSENT:
                removed += _remove(ground.kube(profile), name, whose)
            for one in whose:
                kubeconfig(_called(one)).unlink(missing_ok=True)
            del known[name]
            _write(known)
        _record().unlink(missing_ok=True)
    return removed


def _take_in(
    profiles: Sequence[Profile], everybody: Sequence[Participant], hours: float
) -> datetime:
    shared = {profile.name: ground.kube(profile) for profile in profiles}
    for name, kube in shared.items():
        _refuse_foreign(kube, name, everybody)
    known = _read()
    for name in shared:
        known[name] = sorted({*known.get(name, []), *(who.name for who in everybody)})
    folder().mkdir(parents=True, exist_ok=True)
    folder().chmod(0o700)
    _write(known)
    ends = datetime.now(UTC) + timedelta(hours=hours)
    for kube in shared.values():
        kube.apply(participants.accounts())
        for who in everybody:
            for made in who.objects():
                kube.apply(made)
    for kube in shared.values():
        _await_usable(kube, everybody)
    for who in everybody:
        _write_kubeconfig(who, shared, round(hours * 3600))
    return ends


def _remove(kube: Kube, cluster: str, whose: Iterable[str]) -> list[str]:
    """Delete a cluster's namespaces of these participants, and wait until they are gone."""
    expected = {ACCOUNTS, *(name for one in whose for name in _called(one).namespaces)}

    def there() -> list[dict[str, Any]]:
        labelled = kube.list("v1", "Namespace", LABEL)
        return [one for one in labelled if one["metadata"]["name"] in expected]

    found = there()
    for one in found:
        kube.delete(one)
    deadline = time.monotonic() + GONE_SECONDS
    while left := there():
        if time.monotonic() > deadline:
            raise CheckFailed(
                f"Namespace {left[0]['metadata']['name']} of the cluster {cluster} is still being "
                f"deleted after {GONE_SECONDS:.0f} s; `./lab workshop --end` goes on."
            )
        time.sleep(POLL_SECONDS)
    return [one["metadata"]["name"] for one in found]


def _refuse_foreign(kube: Kube, cluster: str, everybody: Iterable[Participant]) -> None:
    """Stop where one of the namespaces is somebody else's, or is being deleted."""
    wanted = {ACCOUNTS, *(name for who in everybody for name in who.namespaces)}
    for one in kube.list("v1", "Namespace"):
        meta = one["metadata"]
        if meta["name"] not in wanted:
            continue
        if LABEL not in (meta.get("labels") or {}):
            raise WrongUse(
                f"The cluster {cluster} has a namespace {meta['name']} that no workshop made; "
                "nothing was changed."
            )
        if meta.get("deletionTimestamp"):
            raise CheckFailed(
                f"Namespace {meta['name']} of the cluster {cluster} is being deleted; "
                "`./lab workshop --end` waits for it."
            )


def _await_usable(kube: Kube, everybody: Iterable[Participant]) -> None:
    """Wait until pods can be made in every namespace.

    The cluster gives each its service account `default`, and a quota refuses pods until
    its controller has counted what is used.
    """
    wanted = {name for who in everybody for name in who.namespaces}
    deadline = time.monotonic() + USABLE_SECONDS
    while True:
        accounts = kube.list("v1", "ServiceAccount")
        quotas = kube.list("v1", "ResourceQuota", LABEL)
        usable = {_place(one) for one in accounts if one["metadata"]["name"] == "default"}
        usable &= {_place(one) for one in quotas if (one.get("status") or {}).get("hard")}
        if usable >= wanted:
            return
        if time.monotonic() > deadline:
            raise CheckFailed(
                f"Namespace {min(wanted - usable)} cannot be used after {USABLE_SECONDS:.0f} s: "
                "its quota is not counted; is the control plane busy? The same command goes on."
            )
        time.sleep(POLL_SECONDS)


def _place(one: dict[str, Any]) -> str:
    return str(one["metadata"]["namespace"])


def _write_kubeconfig(who: Participant, shared: dict[str, Kube], seconds: int) -> None:
    tokens = {name: kube.token(ACCOUNTS, who.name, seconds) for name, kube in shared.items()}
    entries = {
        name: yaml.safe_load(kube.kubeconfig.read_text())["clusters"][0]["cluster"]
        for name, kube in shared.items()
    }
    text = yaml.safe_dump(participants.kubeconfig(who, entries, tokens), sort_keys=False)
    report.write_file(kubeconfig(who), text.encode(), mode=0o600)


def _called(name: str) -> Participant:
    return Participant(int(name.removeprefix("p")))


def _record() -> Path:
    return folder() / "room.json"


def _read() -> dict[str, list[str]]:
    if not _record().exists():
        return {}
    found: dict[str, list[str]] = checked.read_yaml(_record(), "workshop-room")["clusters"]
    return found


def _write(known: dict[str, list[str]]) -> None:
    document = {"kind": KIND, "version": VERSION, "clusters": known}
    report.write_file(_record(), f"{json.dumps(document, indent=1)}\n".encode())
