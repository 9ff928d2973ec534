"""Teach: the instructor's page, and a room that is prepared."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from labsupport import console
from labsupport.commands.shared import Images, Profiles, selected
from labsupport.errors import WrongUse


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
        chosen = selected(profiles)
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
