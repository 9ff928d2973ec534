"""A run over several profiles: choose the mode, make clusters, measure, keep the reports."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from labsupport.cases import Case
from labsupport.report import Report
from labsupport.verdict import Verdict
from labsupport.versions import Profile

Mode = Literal["live", "recorded"]


def mode(live: bool, recorded: bool) -> tuple[Mode, str]:
    """Which mode a run takes and why: the one asked for, or what this machine can do."""
    if live:
        return "live", "--live was given"
    if recorded:
        return "recorded", "--recorded was given"
    from labsupport import doctor

    return doctor.mode()


def measure(
    profiles: Sequence[Profile],
    case_ids: Sequence[str],
    source: Literal["auto", "registry", "modules"],
    one_at_a_time: bool,
    out: Path,
    runs: int = 1,
) -> list[Report]:
    """Measure profiles on their clusters; each report is written as soon as it is there.

    Args:
        profiles: which, in order.
        case_ids: which cases; all where none is named.
        source: where images come from.
        one_at_a_time: delete each cluster that this run made before the next is made. With
            less memory than all clusters need, this is so anyway.
        out: folder for `report-<profile>.json`.
        runs: how often each case is run on each cluster.
    """
    from labsupport import (
        agreement,
        cases,
        clusters,
        console,
        findings,
        images,
        machine,
        measure,
        report,
        turns,
    )

    chosen = cases.choose(cases.load(), case_ids)
    agreement.check(chosen)
    images.ensure([profile.name for profile in profiles], source)
    if len(profiles) > 1 and not findings.fits_all_clusters(machine.memory()):
        console.say("One cluster at a time: this machine has less memory than four need.")
        one_at_a_time = True
    reports = []
    for profile in profiles:
        existed = clusters.status(profile).state is not clusters.State.ABSENT
        # Each is measured before the next is made: clusters that only wait take time too.
        clusters.up([profile])

        def tell(case: Case, verdict: str, name: str = profile.name) -> None:
            console.say(f"  {name}: {case.id}: {verdict}")

        times = f", each {runs} times" if runs > 1 else ""
        title = f"measuring {profile.title}, {len(chosen)} cases{times}"
        measuring = console.task(title, usual=30 * runs)
        # Two runs at once would meet each other's policies.
        with turns.lock(), turns.alone(profile), measuring:
            reports.append(measure.measure(profile, chosen, tell, not case_ids, runs))
        for case in reports[-1]["cases"]:
            if case["verdict"] == Verdict.UNSTABLE:
                console.say(f"  {profile.name}: {case['id']}: unstable. {case['reason']}")
        report.write(reports[-1], out / f"report-{profile.name}.json")
        if one_at_a_time and not existed:
            clusters.down([profile])
    clusters.settle()  # those that were paused beside the last one
    return reports
