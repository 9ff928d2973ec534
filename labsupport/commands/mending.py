"""Find out why a cluster does not do what is wanted: break it, check it, mend it."""

from typing import Annotated

import typer
from rich.markup import escape

from labsupport import console
from labsupport.errors import WrongUse


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


def mend() -> None:
    """Undo what `./lab break` did to a cluster. May be repeated."""
    from labsupport import breaking

    mended = breaking.mend()
    console.out.print(f"Mended {mended}." if mended else "Nothing is broken.")


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
