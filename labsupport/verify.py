"""Is NetworkPolicy enforced on a cluster that the lab did not make?

Three pods, two policies, each of which selects one of them: what `no-ingress` should not
receive and what `no-egress` should not send is tried at the same time, each beside a
connection that its policy leaves alone. Who waits, judges and reports is the same as for
the lab's own clusters.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import urllib3

from labsupport import (
    cases,
    cast,
    console,
    interrupt,
    measure,
    recognise,
    report,
    rights,
    runner,
    stage,
)
from labsupport.cases import Case
from labsupport.errors import MachineCannot
from labsupport.foreign import cause, cluster_name, environment, reach
from labsupport.kube import Kube
from labsupport.questions import GROUP, lanes, questions
from labsupport.recognise import Recognised
from labsupport.verdict import Verdict
from labsupport.visit import Visit, paid

LIMIT_SECONDS = 5.0
"""How long a policy is waited for: with pods and removal, the answer takes 15 s at most."""
STAGE_LANES = 2


@dataclass(frozen=True)
class Options:
    """What a user may choose: an existing namespace, agnhost's image, the whole catalogue."""

    namespace: str | None = None
    image: str | None = None
    full: bool = False


@dataclass(frozen=True)
class Answer:
    """What a cluster was found to do.

    Attributes:
        report: the evidence, as every report has it.
        recognised: the CNIs that were recognised.
        warning: where the two contradict each other, in a sentence.
        seconds: how long it took, removal included.
    """

    report: report.Report
    recognised: Sequence[Recognised]
    warning: str | None
    seconds: float

    @property
    def exit_code(self) -> int:
        """0 where all is enforced, 1 where something is not, 3 where it could not be told."""
        seen = {case["verdict"] for case in self.report["cases"]}
        if seen & {Verdict.NOT_ENFORCED, Verdict.PARTLY}:
            return 1
        basic = {case["verdict"] for case in self.report["cases"] if case["group"] == GROUP}
        told = basic == {Verdict.ENFORCED} and Verdict.INCONCLUSIVE not in seen
        return 0 if told else MachineCannot.exit_code

    def to_json(self) -> dict[str, Any]:
        """The answer for programs; without the evidence, which the report has."""
        return {
            "cluster": self.report["implementation"]["profile"].removeprefix(report.FOREIGN),
            "kubernetes": self.report["environment"]["kubernetes"],
            "recognised": [str(one) for one in self.recognised],
            "warning": self.warning,
            "seconds": self.seconds,
            "verdicts": {case["id"]: case["verdict"] for case in self.report["cases"]},
            "reasons": {case["id"]: case["reason"] for case in self.report["cases"]},
        }


def run(kube: Kube, options: Options) -> Answer:
    """Measure a cluster, and leave nothing on it.

    Raises:
        MachineCannot: the cluster cannot be reached, a right is missing, or the pods do not
            start; a sentence says which.
        WrongUse: there is no such kubeconfig or context.
    """
    begun, started = time.monotonic(), measure.now()
    version = reach(kube)
    visit = Visit.plan(kube, options.namespace, options.image, options.full)
    _check_rights(visit, options)
    with interrupt.once_only():
        results = _measure(visit, options)
    _explain(visit, results)
    found = recognise.look(kube)
    basic = [Verdict(one["verdict"]) for one in results if one["group"] == GROUP]
    return Answer(
        _report(kube, version, found, started, results, options),
        found,
        recognise.contradiction(found, basic),
        round(time.monotonic() - begun, 1),
    )


def _check_rights(visit: Visit, options: Options) -> None:
    """Stop before anything is made where a right is missing."""
    needed = rights.in_namespace(visit.namespace)
    if visit.own:
        needed = [*rights.for_a_namespace(), *needed]
    if options.full:
        needed += [*rights.for_a_namespace(), *rights.for_the_stage()]
    lacking = list(dict.fromkeys(rights.missing(visit.kube, needed)))
    if not lacking:
        return
    hint = ""
    if options.full:
        hint = " --full makes namespaces of its own and needs these rights in the whole cluster."
    elif visit.own:
        hint = " With --namespace NS, the rights of that namespace's admin are enough."
    raise MachineCannot(f"This user may not {rights.words(lacking)}.{hint}")


def _measure(visit: Visit, options: Options) -> list[dict[str, Any]]:
    """Make the pods, run the cases, remove everything; the results."""
    try:
        with paid(visit):
            with console.task("denying ingress and egress", usual=5):
                results = runner.run(lanes(visit), questions(), _quiet, limit=LIMIT_SECONDS)
            if options.full:
                results += _catalogue(visit)
            return results
    except urllib3.exceptions.HTTPError as error:
        raise MachineCannot(
            f"The cluster stopped answering: {cause(error)}. What is left there has names "
            f"with {visit.name}; the next `./lab verify` removes it."
        ) from None


def _catalogue(visit: Visit) -> list[dict[str, Any]]:
    """Run the catalogue's group `specification`, in namespaces of this visit's own."""
    chosen = [case for case in cases.load() if case.group == "specification"]
    # Pods in the nodes' own network are not for clusters of other people.
    actors = cast.of_cases().without_shared()
    with console.task("making the stage"):
        nodes = _nodes(visit.kube)
        copies = stage.prepare(
            visit.kube, nodes, STAGE_LANES, visit.stage_prefix, visit.image, actors
        )
    with console.task(f"running {len(chosen)} cases"):
        return runner.run(copies, chosen, _tell)


def _nodes(kube: Kube) -> list[str]:
    """Host names of two nodes that take pods, or of one twice.

    Raises:
        MachineCannot: none does.
    """
    usable = [
        node["metadata"]["labels"]["kubernetes.io/hostname"]
        for node in kube.list("v1", "Node", "kubernetes.io/os=linux")
        if not node["spec"].get("unschedulable")
        and not any(t["effect"] != "PreferNoSchedule" for t in node["spec"].get("taints") or [])
    ]
    if not usable:
        raise MachineCannot("Every node is cordoned or tainted, so --full has nowhere to run.")
    return [usable[0], usable[-1]]


def _explain(visit: Visit, results: Sequence[dict[str, Any]]) -> None:
    """Name the policies that were there before, where a control failed in a user's namespace."""
    if visit.own or not any(one["verdict"] == Verdict.INCONCLUSIVE for one in results):
        return
    policies = visit.kube.list("networking.k8s.io/v1", "NetworkPolicy", namespace=visit.namespace)
    names = ", ".join(one["metadata"]["name"] for one in policies)
    for one in results:
        if names and one["verdict"] == Verdict.INCONCLUSIVE:
            one["reason"] += f" There are policies in the namespace already: {names}."


def _report(
    kube: Kube,
    version: str,
    found: Sequence[Recognised],
    started: str,
    results: list[dict[str, Any]],
    options: Options,
) -> report.Report:
    """The report, without the kubeconfig's path, addresses of servers or credentials."""
    cluster = cluster_name(kube)
    flags = [
        *(["--namespace", options.namespace] if options.namespace else []),
        *(["--full"] if options.full else []),
    ]
    return {
        **measure.header(started, " ".join(["./lab", "verify", *flags])),
        "implementation": {
            "profile": f"{report.FOREIGN}{cluster}",
            "title": cluster,
            "mode": " and ".join(one.product.name for one in found) or "no CNI recognised",
            "version": " and ".join(one.version for one in found if one.version) or "not known",
            "source": None,
            "manifestSha256": None,
            "images": [],
        },
        "environment": environment(kube, version),
        "silentFailure": None,
        "cases": results,
        "summary": report.summarise(results),
    }


def _quiet(case: Case, verdict: str) -> None:
    """The answer tells these verdicts."""


def _tell(case: Case, verdict: str) -> None:
    console.say(f"  {case.id}: {verdict}")
