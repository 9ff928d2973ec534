"""Measure one profile: its cases on its cluster, and where all of it came from."""

import shlex
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import yaml

import labsupport
from labsupport import (
    clusterrecord,
    clusters,
    doctor,
    paths,
    programs,
    repeated,
    report,
    runner,
    stage,
    timing,
    versions,
)
from labsupport.cases import Case
from labsupport.kube import Kube
from labsupport.lane import Lane
from labsupport.versions import Profile

# The case in which kubectl is the witness: what a user types, and what it answers.
SILENT_CASE = "deny-all"


def measure(
    profile: Profile,
    cases: Sequence[Case],
    progress: Callable[[Case, str], None],
    timed: bool = True,
    runs: int = 1,
) -> report.Report:
    """Run cases on a profile's cluster and return the report, ready to be written.

    Args:
        profile: whose cluster; it must be up.
        cases: which cases.
        progress: called with each case and its verdict as it ends.
        timed: whether the time until a policy is in force is measured too.
        runs: how often each case is run; all of them once before any is run again.

    Raises:
        CheckFailed: the cluster's probe pods do not get ready.
    """
    started = now()
    witness = Witness()
    lanes = clusters.lanes(profile, min(stage.LANES, len(cases)))
    results = repeated.merge(
        [runner.run(lanes, cases, progress, witness.apply) for _ in range(runs)]
    )
    timings = timing.measure(lanes[0]) if timed else None
    return {
        **header(started, command()),
        "implementation": implementation(profile),
        "environment": environment(profile),
        "silentFailure": witness.account(results),
        "cases": results,
        "timing": timings,
        "summary": report.summarise(results),
    }


def header(started: str, command: str) -> dict[str, Any]:
    """How a report of a run that ends now begins.

    Args:
        started: when the run began, as `now` says it.
        command: what was typed.
    """
    return {
        "apiVersion": report.API_VERSION,
        "kind": report.KIND,
        "run": {
            "id": str(uuid.uuid4()),
            "startedAt": started,
            "finishedAt": now(),
            "command": command,
            "lab": lab(),
        },
    }


def command() -> str:
    """What the user typed, without the path of the interpreter or the checkout."""
    return shlex.join(["./lab", *sys.argv[1:]])


class Witness:
    """Applies the silent failure's policy with kubectl and keeps what kubectl showed."""

    def __init__(self) -> None:
        self._listed = ""

    def apply(self, lane: Lane, case: Case, manifest: dict[str, Any]) -> str:
        """Apply an object, by kubectl in the silent failure's case; a `runner.Apply`."""
        if case.id != SILENT_CASE:
            return runner.through_api(lane, case, manifest)
        answer = self._kubectl(lane, "apply", "-f", "-", stdin=yaml.safe_dump(manifest))
        namespace = manifest["metadata"]["namespace"]
        self._listed = self._kubectl(lane, "get", "networkpolicy", "--namespace", namespace)
        return answer

    def account(self, results: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
        """What was answered, what was listed and what the packets did; None if not run."""
        case = next((r for r in results if r["id"] == SILENT_CASE and r["steps"]), None)
        if case is None:
            return None
        step = case["steps"][0]
        denied = [c for c in step["connections"] if c["expected"] == "denied"]
        packets = {
            "before": dict(Counter(c["before"] for c in denied)),
            "with": dict(Counter(c["observed"] for c in denied)),
        }
        passed = packets["with"].get("allowed", 0)
        return {
            "policy": case["policies"][0]["metadata"]["name"],
            "accepted": step["apiAnswer"],
            "listed": self._listed,
            "packets": packets,
            "verdict": case["verdict"],
            "sentence": (
                f"The API server accepted the policy and lists it; of {len(denied)} connections "
                f"that it denies, {passed} still worked."
            ),
        }

    @staticmethod
    def _kubectl(lane: Lane, *arguments: str, stdin: str | None = None) -> str:
        kubectl = programs.tool("kubectl")
        answer = programs.run(
            kubectl, "--kubeconfig", lane.kube.kubeconfig, *arguments, stdin=stdin
        )
        return answer.strip()


def implementation(profile: Profile) -> dict[str, Any]:
    """A report's `implementation`: the CNI, its version, and what its cluster is made of."""
    record = clusterrecord.made_of(profile)
    return {
        "profile": profile.name,
        "title": profile.title,
        "mode": profile.mode,
        "version": profile.version,
        "source": {"module": profile.source.module, "path": profile.source.path},
        "manifestSha256": record.manifest_sha256,
        "images": record.images[1:],
    }


def environment(profile: Profile) -> dict[str, Any]:
    """A report's `environment`: the cluster's Kubernetes and the machine that it runs on."""
    kube = Kube(clusterrecord.kubeconfig(profile))
    node_image = clusterrecord.made_of(profile).images[0]
    facts = doctor.machine_facts()
    return {
        "kubernetes": kube.version(),
        "kind": versions.program("kind"),
        "nodeImage": node_image,
        "imageSource": node_image["source"],
        "nodes": len(kube.list("v1", "Node")),
        **{
            name: facts[name]
            for name in ("kernel", "os", "arch", "cgroup", "cpus", "memoryBytes", "docker")
        },
    }


_RECORDINGS = paths.RECORDINGS.relative_to(paths.ROOT)


def lab() -> dict[str, Any]:
    """The lab's version, its commit (None outside git), and whether tracked files differ.

    Recordings are what measuring writes: those of one command's first cluster must not make the
    next cluster's dirty.
    """

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(paths.ROOT), *arguments],
            capture_output=True, text=True, check=True,
        ).stdout.strip()  # fmt: skip

    try:
        commit = git("rev-parse", "HEAD")
        changes = git("status", "--porcelain", "-uno", "--", ".", f":!{_RECORDINGS}")
    except (OSError, subprocess.CalledProcessError):
        commit, changes = None, ""
    return {"version": labsupport.__version__, "commit": commit, "dirty": bool(changes)}


def now() -> str:
    """This second, in UTC, as reports write it."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
