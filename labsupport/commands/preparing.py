"""Prepare: this machine and Docker, the images, the clusters; and test that the lab works."""

from typing import Annotated

import typer
from rich.markup import escape

from labsupport import console, versions
from labsupport.commands.shared import Images, Json, Profiles, print_json, selected
from labsupport.errors import MachineCannot


def doctor(as_json: Json = False) -> None:
    """Say what this machine can do, and the command that mends what it cannot.

    Ends with 3 where something keeps live clusters from running.
    """
    from labsupport import doctor

    with console.task("looking at this machine", usual=3):
        found = doctor.examine()
    if as_json:
        print_json(doctor.as_json(found))
    else:
        doctor.render(found)
    raise typer.Exit(MachineCannot.exit_code if doctor.blocked(found) else 0)


def engine(
    stop: Annotated[bool, typer.Option("--stop", help="End the Docker that this started.")] = False,
) -> None:
    """Install and start Docker, on Debian and Ubuntu as root. Changes this machine.

    Where Docker answers already, it is left alone.
    """
    from labsupport import engine

    engine.stop() if stop else engine.start()


def images(
    as_json: Json = False,
) -> None:
    """Build every image from Go modules and Debian packages; no registry is needed.

    The first time takes about half an hour on 2 cores. What is built already is kept.
    """
    from labsupport import images

    images.build()
    if as_json:
        print_json([images.provenance(image) for image in versions.images()])


def up(
    profiles: Profiles = None,
    source: Images = "auto",
    recreate: Annotated[
        bool, typer.Option("--recreate", help="Delete the lab's own clusters first.")
    ] = False,
) -> None:
    """Create the clusters that are missing, and wait until packets cross them."""
    from labsupport import clusters, images

    chosen = selected(profiles)
    images.ensure([profile.name for profile in chosen], source)
    clusters.up(chosen, recreate=recreate)


def status(as_json: Json = False) -> None:
    """Say which clusters exist and how they are. Ends with 1 where one is broken."""
    from labsupport import clusters

    found = [clusters.status(profile) for profile in versions.profiles()]
    if as_json:
        print_json([vars(one) for one in found])
    else:
        for one in found:
            detail = f": {one.detail}" if one.detail else ""
            console.out.print(escape(f"{one.profile:<9}{one.cluster:<20}{one.state}{detail}"))
            if one.state is clusters.State.BROKEN:
                console.out.print(f"{'':<9}mend: [bold]./lab up {one.profile}[/]")
    raise typer.Exit(any(one.state is clusters.State.BROKEN for one in found))


def down(profiles: Profiles = None, as_json: Json = False) -> None:
    """Delete the lab's clusters, and only those that the lab made."""
    from labsupport import clusters

    deleted = clusters.down(selected(profiles))
    if as_json:
        print_json({"deleted": deleted})
    else:
        console.out.print(f"Deleted {', '.join(deleted)}." if deleted else "There was none.")


def test(
    fast: Annotated[
        bool, typer.Option("--fast", help="Only the tests that need no Docker.")
    ] = False,
) -> None:
    """Run the tests: the fast ones, and where Docker answers the live ones too."""
    from labsupport import selftest

    selftest.run(fast)
