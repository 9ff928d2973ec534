"""Measure the lab's profiles: the matrix, what is on the nodes, a conversion, the document."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from labsupport import console
from labsupport.commands.shared import Images, Json, Profiles, print_json, selected
from labsupport.errors import WrongUse


def run(
    profiles: Profiles = None,
    live: Annotated[
        bool, typer.Option("--live", help="Measure on clusters, made where they are missing.")
    ] = False,
    recorded: Annotated[
        bool, typer.Option("--recorded", help="Use the reports that ship with the lab.")
    ] = False,
    case: Annotated[
        list[str] | None, typer.Option("--case", help="Only this case; may be repeated.")
    ] = None,
    one_at_a_time: Annotated[
        bool,
        typer.Option("--one-at-a-time", help="Delete each cluster before the next is made."),
    ] = False,
    source: Images = "auto",
    record: Annotated[
        bool,
        typer.Option("--record", help="Keep the live reports as those that ship with the lab."),
    ] = False,
    runs: Annotated[
        int,
        typer.Option(
            min=1, max=10, help="Run each case so often; one whose runs disagree is unstable."
        ),
    ] = 1,
    beside: Annotated[
        list[Path] | None,
        typer.Option("--with", help="A report of `./lab verify` to show beside; may be repeated."),
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML here, for CI.")] = None,
    out: Annotated[Path, typer.Option(help="Where the matrix and reports go.")] = Path("out"),
    as_json: Json = False,
) -> None:
    """Measure every profile and show the matrix. The main job.

    Without --live or --recorded: live where Docker answers and the images are at hand or
    can be pulled, recorded otherwise. The first line says which.
    """
    from labsupport import junit as xml
    from labsupport import matrix, report, session

    if live and recorded:
        raise WrongUse("--live and --recorded exclude each other; give one of them.")
    if recorded and case:
        raise WrongUse("--case chooses what to measure; recorded results are shown whole.")
    if record and (case or not live):
        raise WrongUse("--record keeps whole live runs: give --live, and no --case.")
    if runs > 1 and not live:
        raise WrongUse("--runs measures several times: give --live.")
    chosen = selected(profiles)
    mode, why = session.mode(live, recorded)
    if mode == "live":
        tell = console.err if as_json else console.out
        tell.print(f"Live: real clusters are measured now, because {escape(why)}.")
        reports = session.measure(chosen, case or [], source, one_at_a_time, out, runs)
        if record:
            report.record(reports)
    else:
        names = {profile.name for profile in chosen}
        reports = [r for r in report.recordings() if r["implementation"]["profile"] in names]
        console.say(escape(f"Recorded results, because {why}."))
    result = matrix.build([*reports, *map(report.read, beside or [])], mode)
    written = result.write(out)
    if junit:
        xml.write(result.reports, junit)
        written.append(junit)
    if as_json:
        print(json.dumps(result.to_json()))
        return
    console.out.print(result.table())
    console.out.print(f"Written: {', '.join(str(path) for path in written)}", style="dim")


def anatomy(
    profiles: Profiles = None,
    live: Annotated[
        bool, typer.Option("--live", help="Look at the clusters now; they must be ready.")
    ] = False,
    record: Annotated[
        bool, typer.Option("--record", help="Keep what is seen as what ships with the lab.")
    ] = False,
) -> None:
    """Show what each CNI puts on the nodes for one policy: chains, maps, devices.

    With --live the policy is applied, the nodes are looked at, and the policy is removed.
    """
    from labsupport import anatomy

    if record and not live:
        raise WrongUse("--record keeps what is seen on clusters: give --live too.")
    for profile in selected(profiles):
        seen = anatomy.capture(profile) if live else anatomy.read(profile.name)
        if record:
            console.say(f"Written: {anatomy.record(seen)}")
        console.out.print(escape(anatomy.as_text(seen)))


def convert(
    record: Annotated[
        bool, typer.Option("--record", help="Keep what was measured as what ships with the lab.")
    ] = False,
) -> None:
    """Give the Flannel cluster Calico's policy without building it anew, and take it back.

    Takes about 5 minutes. An interruption is undone by `./lab up flannel`.
    """
    from labsupport import conversion

    with console.task("converting the Flannel cluster and back", usual=240):
        measured = conversion.measure()
    for name in conversion.STEPS:
        step = measured["steps"][name]
        entry = step["entry"]
        console.out.print(escape(f"{step['title']}: {entry['verdict']}. {entry['reason']}"))
    if record:
        console.say(f"Written: {conversion.record(measured)}")


def trial(
    profiles: Profiles = None,
    live: Annotated[
        bool,
        typer.Option("--live", help="Run the document's snippets now; clusters must be ready."),
    ] = False,
    recorded: Annotated[
        bool, typer.Option("--recorded", help="Use the records that ship; as without options.")
    ] = False,
    record: Annotated[
        bool, typer.Option("--record", help="Keep the live records as those that ship.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write trial.md into this folder.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Put the seed document on trial, sentence by sentence, against what packets did.

    Its claims are judged by the reports that ship; --live runs its snippets anew.
    """
    from labsupport import report, trial, trialpage

    if live and recorded:
        raise WrongUse("--live and --recorded exclude each other; give one of them.")
    if record and not live:
        raise WrongUse("--record keeps what is run on clusters: give --live too.")
    chosen = selected(profiles)
    records = {one["profile"]: one for one in trial.recordings()}
    for profile in chosen if live else ():
        from labsupport import trialrun

        with console.task(f"running the document's snippets on {profile.title}", usual=60):
            records[profile.name] = trialrun.run(profile, lambda said: console.say(f"  {said}"))
        if record:
            console.say(f"Written: {trial.record(records[profile.name])}")
    held = trial.hold(report.recordings(), list(records.values()))
    if out is not None:
        report.write_file(out / "trial.md", trialpage.markdown(held).encode())
        console.say(f"Written: {out / 'trial.md'}")
    if as_json:
        print_json(held.to_json())
    else:
        console.out.print(trialpage.table(held))
