"""The commands of `./lab`: what they are called, what they print, how they end.

Exit codes: 0 done, 1 a check failed, 2 wrong use, 3 this machine cannot do it, 130
interrupted. Results go to standard output, progress and errors to standard error.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.markup import escape
from typer.core import TyperGroup

from labsupport import console, programs, versions
from labsupport.errors import LabError, MachineCannot, WrongUse
from labsupport.versions import Profile

# Each command imports what it needs when it runs: `./lab run --recorded` and `--help`
# need neither the Kubernetes client nor Docker, and answer sooner without them.


class _Commands(TyperGroup):
    """Ends every command's failure with one sentence and its exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; see the module's exit codes."""
        try:
            return super().invoke(ctx)
        except LabError as error:
            console.err.print(f"[red]error:[/] {escape(str(error))}")
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            console.err.print("Interrupted. The same command goes on from here.")
            raise typer.Exit(130) from None


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help=(
        "The CNI policy lab: which CNIs enforce Kubernetes NetworkPolicy, measured by packets.\n\n"
        "New here? [bold]./lab run[/] shows the matrix, [bold]./lab doctor[/] says what this "
        "machine can do, [bold]./lab up[/] makes real clusters with kind."
    ),
)

_PROFILES = ", ".join(profile.name for profile in versions.profiles())
Source = Literal["auto", "registry", "modules"]

Profiles = Annotated[
    list[str] | None,
    typer.Argument(metavar="[PROFILE…]", help=f"Out of {_PROFILES}; all where none is named."),
]
Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
Images = Annotated[
    Source,
    typer.Option(
        "--images",
        help="Where images come from: pulled from registries, built from Go modules, or "
        "pulled and built where nothing can be pulled.",
    ),
]


@app.callback()
def _main(
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Print every command that the lab runs.")
    ] = False,
) -> None:
    programs.verbose = verbose


@app.command()
def doctor(as_json: Json = False) -> None:
    """Say what this machine can do, and the command that mends what it cannot.

    Ends with 3 where something keeps live clusters from running.
    """
    from labsupport import doctor

    with console.task("looking at this machine", usual=3):
        found = doctor.examine()
    if as_json:
        _print_json(doctor.as_json(found))
    else:
        doctor.render(found)
    raise typer.Exit(MachineCannot.exit_code if doctor.blocked(found) else 0)


@app.command()
def engine(
    stop: Annotated[bool, typer.Option("--stop", help="End the Docker that this started.")] = False,
) -> None:
    """Install and start Docker, on Debian and Ubuntu as root. Changes this machine.

    Where Docker answers already, it is left alone.
    """
    from labsupport import engine

    engine.stop() if stop else engine.start()


@app.command()
def images(
    as_json: Json = False,
) -> None:
    """Build every image from Go modules and Debian packages; no registry is needed.

    The first time takes about half an hour on 2 cores. What is built already is kept.
    """
    from labsupport import images

    images.build()
    if as_json:
        _print_json([images.provenance(image) for image in versions.images()])


@app.command()
def up(
    profiles: Profiles = None,
    source: Images = "auto",
    recreate: Annotated[
        bool, typer.Option("--recreate", help="Delete the lab's own clusters first.")
    ] = False,
) -> None:
    """Create the clusters that are missing, and wait until packets cross them."""
    from labsupport import clusters, images

    chosen = _profiles(profiles)
    images.ensure([profile.name for profile in chosen], source)
    clusters.up(chosen, recreate=recreate)


@app.command()
def status(as_json: Json = False) -> None:
    """Say which clusters exist and how they are. Ends with 1 where one is broken."""
    from labsupport import clusters

    found = [clusters.status(profile) for profile in versions.profiles()]
    if as_json:
        _print_json([vars(one) for one in found])
    else:
        for one in found:
            detail = f": {one.detail}" if one.detail else ""
            console.out.print(escape(f"{one.profile:<9}{one.cluster:<20}{one.state}{detail}"))
            if one.state is clusters.State.BROKEN:
                console.out.print(f"{'':<9}mend: [bold]./lab up --recreate {one.profile}[/]")
    raise typer.Exit(any(one.state is clusters.State.BROKEN for one in found))


@app.command()
def down(profiles: Profiles = None, as_json: Json = False) -> None:
    """Delete the lab's clusters, and only those that the lab made."""
    from labsupport import clusters

    deleted = clusters.down(_profiles(profiles))
    if as_json:
        _print_json({"deleted": deleted})
    else:
        console.out.print(f"Deleted {', '.join(deleted)}." if deleted else "There was none.")


@app.command()
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
    chosen = _profiles(profiles)
    mode, why = session.mode(live, recorded)
    if mode == "live":
        tell = console.err if as_json else console.out
        tell.print(f"Live: real clusters are measured now, because {escape(why)}.")
        reports = session.measure(chosen, case or [], source, one_at_a_time, out)
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


@app.command()
def test(
    fast: Annotated[
        bool, typer.Option("--fast", help="Only the tests that need no Docker.")
    ] = False,
) -> None:
    """Run the tests: the fast ones, and where Docker answers the live ones too."""
    from labsupport import selftest

    selftest.run(fast)


@app.command()
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
    for profile in _profiles(profiles):
        seen = anatomy.capture(profile) if live else anatomy.read(profile.name)
        if record:
            console.say(f"Written: {anatomy.record(seen)}")
        console.out.print(escape(anatomy.as_text(seen)))


@app.command()
def explain(
    policy: Annotated[
        Path, typer.Argument(metavar="POLICY.yaml", help="The file, or - for standard input.")
    ],
    as_json: Json = False,
) -> None:
    """Say in words what the NetworkPolicies of a file do, and what goes wrong with them.

    Ends with 1 where the API server would refuse one.
    """
    from labsupport import explain

    explained = explain.file(policy)
    if as_json:
        _print_json(explained.to_json())
    else:
        for line in explained.lines():
            console.out.print(escape(line))
    raise typer.Exit(1 if explained.refused else 0)


@app.command()
def notebook(
    number: Annotated[str, typer.Argument(metavar="[NN]", help="Which notebook.")] = "00",
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the browser too.")
    ] = True,
) -> None:
    """Open JupyterLab at the first notebook, or at another, with the lab's own kernel."""
    from labsupport import notebooks

    raise typer.Exit(notebooks.lab(number, [] if browser else ["--no-browser"]))


@app.command()
def notebooks(
    numbers: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NN…]", help="Which, such as 02; all where none is named."),
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Run them on the clusters.")] = False,
    recorded: Annotated[
        bool, typer.Option("--recorded", help="Run them on the reports that ship.")
    ] = False,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Store what they show now, from the recordings.")
    ] = False,
) -> None:
    """Run notebooks and compare what they show with what they store, or store it anew.

    Without --live or --recorded each chooses for itself. Ends with 1 where one differs.
    """
    from labsupport import notebooks, session

    if live and (recorded or refresh):
        raise WrongUse("--live excludes --recorded and --refresh; what is stored is recorded.")
    chosen = notebooks.find(numbers or ())
    if refresh:
        changed = [path.name for path in notebooks.refresh(chosen)]
        console.out.print(f"Stored anew: {', '.join(changed)}." if changed else "None changed.")
        return
    asked: session.Mode | None = "live" if live else "recorded" if recorded else None
    notebooks.check(chosen, asked)


@app.command()
def drill(
    topic: Annotated[
        list[str] | None, typer.Option("--topic", help="Only this topic; may be repeated.")
    ] = None,
    level: Annotated[
        int | None, typer.Option(min=1, max=3, help="Nothing harder than this level.")
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="How many questions a round has.")] = 10,
    mock: Annotated[
        float | None,
        typer.Option(
            min=1,
            max=240,
            metavar="MINUTES",
            help="An interview of so many minutes: answers are explained at its end.",
        ),
    ] = None,
    listed: Annotated[
        bool, typer.Option("--list", help="List the questions: new, due or known.")
    ] = False,
    export: Annotated[
        Path | None, typer.Option(help="Write your answers to a file.", show_default=False)
    ] = None,
    import_from: Annotated[
        Path | None, typer.Option("--import", help="Add the answers of such a file to yours.")
    ] = None,
    reset: Annotated[
        bool, typer.Option("--reset", help="Begin anew; the old answers are kept in a file.")
    ] = False,
) -> None:
    """Practise interview questions: what you forget comes back sooner.

    What you answered is kept after each question, so Ctrl-C loses nothing.
    """
    from labsupport import drillterm
    from labsupport.progress import Progress

    if sum(map(bool, (listed, export, import_from, reset))) > 1:
        raise WrongUse("--list, --export, --import and --reset exclude each other; give one.")
    if listed:
        for line in drillterm.overview(topic or [], level):
            console.out.print(escape(line))
    elif export:
        console.out.print(escape(f"{Progress().export(export)} answers written to {export}."))
    elif import_from:
        console.out.print(f"{Progress().take_in(import_from)} answers were new.")
    elif reset:
        kept = Progress().reset()
        console.out.print(escape(f"The old answers are in {kept}." if kept else "There were none."))
    else:
        drillterm.run(topic or [], level, count, mock)


@app.command()
def verify(
    context: Annotated[
        str | None, typer.Option(help="A context of the kubeconfig; else its current one.")
    ] = None,
    kubeconfig: Annotated[
        Path | None, typer.Option(help="A kubeconfig; else the one that kubectl would use.")
    ] = None,
    namespace: Annotated[
        str | None,
        typer.Option(help="An existing namespace to work in, where you may not make one."),
    ] = None,
    image: Annotated[
        str | None, typer.Option(help="The image of agnhost in a registry of yours.")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Also run the catalogue's group `specification`.")
    ] = False,
    as_json: Json = False,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML here, for CI.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Write a report here, which `./lab run --with FILE` shows."),
    ] = None,
    record: Annotated[
        bool,
        typer.Option("--record", help="Verify clusters of the lab, for notebook 10, and keep it."),
    ] = False,
) -> None:
    """Say whether NetworkPolicy is enforced on a cluster of yours, measured by packets.

    Makes three pods in a namespace of its own and removes it. Ends with 0 where ingress and
    egress are enforced, with 1 where they are not, with 3 where it could not be told.
    """
    from labsupport import junit as xml
    from labsupport import matrix, report, verify
    from labsupport.kube import Kube, users_kubeconfig

    if record:
        if any((context, kubeconfig, namespace, image, full, as_json, junit, out)):
            raise WrongUse("--record verifies clusters of the lab; leave out the other options.")
        _record_verifications()
        return
    kube = Kube(kubeconfig or users_kubeconfig(), context)
    answer = verify.run(kube, verify.Options(namespace, image, full))
    if out:
        report.write(answer.report, out)
    if junit:
        xml.write([answer.report], junit)
    if as_json:
        _print_json(answer.to_json())
    else:
        for one in answer.report["cases"]:
            verdict = matrix.sign(one["verdict"])
            console.out.print(escape(f"{verdict:<18}{one['title']}: {one['reason']}"))
        known = ", ".join(map(str, answer.recognised)) or "none is recognised"
        console.out.print(escape(f"CNI: {known}. It took {answer.seconds:.1f} s."))
    if answer.warning:
        console.err.print(f"[yellow]warning:[/] {escape(answer.warning)}")
    raise typer.Exit(answer.exit_code)


@app.command()
def exercise(
    name: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Its id, or its number in the list.")
    ] = None,
    listing: Annotated[
        bool, typer.Option("--list", help="List the exercises and how far you are.")
    ] = False,
    check: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Check the policies of a file; `now`: the cluster's."),
    ] = None,
    hint: Annotated[int | None, typer.Option(help="Show hint 1, 2 or 3.")] = None,
    solution: Annotated[bool, typer.Option("--solution", help="Show a right answer.")] = False,
    clean_up: Annotated[
        bool, typer.Option("--clean-up", help="Remove the exercises' namespaces.")
    ] = False,
    profile: Annotated[str | None, typer.Option(help="On which cluster.")] = None,
    recorded: Annotated[
        bool, typer.Option("--recorded", help="Ask the specification; send no packet.")
    ] = False,
) -> None:
    """Practise: a task, checked by packets where a cluster is up. Ends with 1 if not solved.

    With an ID alone the exercise is prepared and told. An answer is the whole of the
    policies that should be there.
    """
    from labsupport import desk

    if recorded and profile:
        raise WrongUse("--recorded needs no cluster; leave out --profile.")
    if listing or (name is None and not clean_up):
        console.out.print(desk.listing())
        return
    mode = "recorded" if recorded else None
    chosen = desk.open_exercise(name, profile, mode)
    if hint is not None:
        console.out.print(escape(chosen.hint(hint)))
    elif solution:
        console.out.print(escape(chosen.solution()))
    elif clean_up:
        chosen.cleanup()
        console.out.print("Nothing of the exercises is left on a cluster.")
    elif check is not None:
        done = chosen.check(None if check == "now" else Path(check))
        desk.show(done)
        raise typer.Exit(0 if done.solved else 1)
    else:
        chosen.setup()
        console.out.print(escape(desk.told(chosen)))


@app.command("break")
def break_(
    scenario: Annotated[
        str | None, typer.Argument(metavar="[SCENARIO]", help="Its id, or its number in the list.")
    ] = None,
    profile: Annotated[str | None, typer.Option(help="Which cluster to break.")] = None,
    listing: Annotated[bool, typer.Option("--list", help="List the outages' symptoms.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Say by packets whether the outage is over.")
    ] = False,
    solution: Annotated[
        bool, typer.Option("--solution", help="Tell the cause and the way out.")
    ] = False,
    record: Annotated[
        bool,
        typer.Option(
            "--record",
            help="Make it, end it, mend it, and keep what was seen for notebook 10; all that it "
            "shows where none is named.",
        ),
    ] = False,
) -> None:
    """Break a cluster, told by its symptom; find the cause. --check ends with 1 until mended.

    `./lab mend` undoes it, whatever you have done in between.
    """
    from labsupport import breaking, desk, outages

    if record:
        if listing or check or solution:
            raise WrongUse("--record excludes --list, --check and --solution.")
        _record_incidents(scenario, profile)
        return
    if check:
        done = breaking.check()
        desk.show(done)
        raise typer.Exit(0 if done.solved else 1)
    if solution:
        known = breaking.damage()
        name = scenario or (known.outage if known else None)
        if name is None:
            raise WrongUse("Which outage? None is under way; name one of `./lab break --list`.")
        chosen = outages.find(name)
        console.out.print(escape(f"{chosen.cause}\n\n{chosen.way_out}"))
    elif listing or scenario is None:
        console.out.print(desk.outage_listing())
    else:
        chosen = outages.find(scenario)
        broken = breaking.make(chosen, profile)
        console.out.print(escape(desk.outage_told(chosen, broken)))


@app.command()
def mend() -> None:
    """Undo what `./lab break` did to a cluster. May be repeated."""
    from labsupport import breaking

    mended = breaking.mend()
    console.out.print(f"Mended {mended}." if mended else "Nothing is broken.")


@app.command()
def instructor(
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the page goes.")],
    states: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="The participants' exercises.json, by their names."),
    ] = None,
    solutions: Annotated[
        bool, typer.Option("--solutions", help="Show solutions from the start.")
    ] = False,
) -> None:
    """Write the instructor's page: how far everybody is, and the solutions."""
    from labsupport import instructor

    instructor.write(states, solutions, out)


@app.command()
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


@app.command()
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
    chosen = _profiles(profiles)
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
        _print_json(held.to_json())
    else:
        console.out.print(trialpage.table(held))


@app.command()
def workshop(
    profiles: Profiles = None,
    participants: Annotated[
        int | None,
        typer.Option(min=1, max=30, help="So many share these clusters, with a kubeconfig each."),
    ] = None,
    hours: Annotated[
        float, typer.Option(min=0.25, max=168, help="How long their kubeconfigs are good for.")
    ] = 12,
    end: Annotated[
        bool, typer.Option("--end", help="Remove everything that was made for participants.")
    ] = False,
    load: Annotated[
        Path | None,
        typer.Option(metavar="ARCHIVE", help="Take in what another machine's workshop wrote."),
    ] = None,
    source: Images = "auto",
    out: Annotated[Path, typer.Option(help="Where the archive goes.")] = Path("out"),
) -> None:
    """Prepare a room: check the machine, get the images, make the clusters, write an archive.

    The archive holds what participants need without a registry. With --participants they
    share this machine's clusters instead, and no archive is written.
    """
    from labsupport import handout, room, workshop

    if sum((participants is not None, end, load is not None)) > 1:
        raise WrongUse("--participants, --end and --load exclude each other; give one of them.")
    clock = workshop.Clock()
    if end:
        with clock.step("everything removed"):
            removed = room.send_home()
        console.out.print(f"{len(removed)} namespaces were removed, and all kubeconfigs.")
    elif load:
        with clock.step("archive loaded"):
            names = handout.load(load)
        console.out.print(f"Loaded. Next: `./lab up {' '.join(names)}`.")
    else:
        chosen = _profiles(profiles)
        workshop.prepare(chosen, source, clock)
        if participants is None:
            with clock.step("archive written"):
                archive = handout.export(chosen, out)
            console.out.print(escape(f"{archive} is for participants, who run where it is:"))
            console.out.print(escape(f"  {handout.command(archive)}"))
        else:
            with clock.step("participants taken in"):
                everybody, until = room.take_in(chosen, participants, hours)
            for line in room.told(everybody, until):
                console.out.print(escape(line))
    for line in clock.lines():
        console.out.print(line)


def _record_verifications() -> None:
    from labsupport import verification

    chosen = [versions.profile(name) for name in verification.STRANGERS.values()]
    # All are measured first: a file that is written anew makes the checkout a changed one.
    for found in [verification.measure(profile) for profile in chosen]:
        for one in found["report"]["cases"]:
            console.out.print(escape(f"{found['profile']}: {one['title']}: {one['verdict']}."))
        console.say(f"Written: {verification.record(found)}")


def _record_incidents(scenario: str | None, profile: str | None) -> None:
    from labsupport import incidents, outages

    chosen = [outages.find(name) for name in ([scenario] if scenario else incidents.SHOWN)]
    for seen in [incidents.run(outage, profile) for outage in chosen]:
        broken, over = (len(incidents.wrong(seen, moment)) for moment in ("broken", "over"))
        console.out.print(
            f"{seen['outage']} on {seen['title']}: {broken} of {len(seen['connections'])} "
            f"connections not as wanted, {over} when it was over."
        )
        console.say(f"Written: {incidents.record(seen)}")


def _profiles(names: Sequence[str] | None) -> list[Profile]:
    return [versions.profile(name) for name in dict.fromkeys(names or ())] or versions.profiles()


def _print_json(answer: Any) -> None:
    print(json.dumps(answer, indent=2, default=str))
