"""Learn: the notebooks, questions and exercises."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from labsupport import console
from labsupport.errors import WrongUse


def notebook(
    number: Annotated[str, typer.Argument(metavar="[NN]", help="Which notebook.")] = "00",
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the browser too.")
    ] = True,
) -> None:
    """Open JupyterLab at the first notebook, or at another, with the lab's own kernel."""
    from labsupport import notebooks

    raise typer.Exit(notebooks.lab(number, [] if browser else ["--no-browser"]))


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
