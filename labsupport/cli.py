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


def _profiles(names: Sequence[str] | None) -> list[Profile]:
    return [versions.profile(name) for name in dict.fromkeys(names or ())] or versions.profiles()


def _print_json(answer: Any) -> None:
    print(json.dumps(answer, indent=2, default=str))
