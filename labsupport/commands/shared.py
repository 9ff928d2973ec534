"""What several commands take, and how they print an answer for a program."""

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import typer

from labsupport import versions
from labsupport.versions import Profile

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


def selected(names: Sequence[str] | None) -> list[Profile]:
    """The profiles that are named, each once, or all where none is.

    Raises:
        WrongUse: there is no profile of that name.
    """
    return [versions.profile(name) for name in dict.fromkeys(names or ())] or versions.profiles()


def print_json(answer: Any) -> None:
    """Print an answer for a program; what JSON has no word for, such as a path, as text."""
    print(json.dumps(answer, indent=2, default=str))
