"""How the lab's speed grows with cases, with pods and with policies.

Measures one running cluster and prints tables; nothing here can fail. A part whose list is
given without numbers is left out.
"""

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.markup import escape

from labsupport import (
    clusterrecord,
    clusters,
    console,
    interrupt,
    measure,
    report,
    turns,
    versions,
)
from labsupport.errors import CheckFailed, LabError
from labsupport.lane import Lane
from labsupport.versions import Profile
from tests.bench.growth import asking, crowd, plan, running, told
from tests.bench.growth.plan import Plan

FEW = 6
"""Cases that are run with each number of lanes."""


def main(words: Sequence[str]) -> int:
    """Measure as the words on the command line say; the exit code, as the lab's commands."""
    options = _parser().parse_args(words)
    try:
        profile = versions.profile(options.profile)
        planned = plan.check(options.cases, options.pods, options.policies)
        with interrupt.once_only():
            figures = _figures(profile, planned, words)
        if options.json:
            report.write_file(options.json, f"{json.dumps(figures, indent=2)}\n".encode())
    except LabError as error:
        console.err.print(f"[red]error:[/] {escape(str(error))}")
        return error.exit_code
    except KeyboardInterrupt:
        console.err.print("Interrupted; what was made is removed.")
        return 130
    if options.markdown:
        print(told.markdown(figures))
    else:
        console.out.print(told.draw(figures))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.growth", description=__doc__)
    parser.add_argument("--profile", required=True, help="whose cluster; it must be up")
    for name, default, what in (
        ("cases", None, "numbers of cases (5, 15, 30 and the whole group)"),
        ("pods", [2, 4, 8, 16, 32], "numbers of pods (2 4 8 16 32)"),
        ("policies", [1, 10, 100, 1000], "numbers of policies (1 10 100 1000)"),
    ):
        parser.add_argument(f"--{name}", type=int, nargs="*", default=default, help=what)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--markdown", action="store_true", help="print tables for a README")
    return parser


def _figures(profile: Profile, planned: Plan, words: Sequence[str]) -> dict[str, Any]:
    """Measure with the cluster alone on the machine, and say where the figures come from."""
    started = measure.now()
    with turns.lock():
        now = clusters.status(profile)
        if now.state is not clusters.State.READY:
            raise CheckFailed(
                f"Cluster {now.cluster} is {now.state}; `./lab up {profile.name}` makes it ready."
            )
        with turns.alone(profile):
            measured = _measure(profile, planned)
            made, on = measure.implementation(profile), measure.environment(profile)
    clusters.settle()
    command = shlex.join(["python", "-m", "tests.bench.growth", *words])
    run = measure.header(started, command)["run"]
    return {"run": run, "implementation": made, "environment": on, **measured}


def _measure(profile: Profile, planned: Plan) -> dict[str, Any]:
    lanes = clusters.lanes(profile)
    figures: dict[str, Any] = {"cases": [], "pods": [], "policies": []}
    for number in planned.cases:
        with console.task(f"{number} cases"):
            figures["cases"].append(running.measure(lanes, plan.spread(plan.group(), number)))
    for number in planned.pods:
        figures["pods"].append(_pods(lanes, number))
    if planned.policies:
        nodes = clusterrecord.node_names(profile)
        figures["policies"] = crowd.measure(lanes[0].kube, nodes, planned.policies)
    return figures


def _pods(lanes: Sequence[Lane], number: int) -> dict[str, Any]:
    """So many pods ask each other; where they are whole lanes, some cases are run there."""
    with console.task(f"{number} pods that all ask each other"):
        asked = asking.measure(lanes, number)
    used, rest = divmod(number, len(plan.actors()))
    if rest:
        return {**asked, "run": None}
    with console.task(f"{FEW} cases, lanes: {used}"):
        return {**asked, "run": running.measure(lanes[:used], plan.spread(plan.short(), FEW))}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
