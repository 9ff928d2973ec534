"""What notebooks show without measuring: the recordings, or what the last live run left."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from labsupport import paths, report
from labsupport.errors import WrongUse
from labsupport.report import Report


def folder() -> Path:
    """Where recordings are read from: those that ship, or another folder's."""
    return Path(os.environ.get("NETPOL_LAB_RECORDINGS") or paths.RECORDINGS)


def reports(live: bool) -> list[Report]:
    """Reports on every profile, in their order.

    Args:
        live: whether those that `./lab run --live` left in `out/` are preferred, where they
            are as complete as the recordings.

    Raises:
        WrongUse: there is none, or one is damaged.
    """
    shipped = report.recordings(folder())
    if not shipped:
        raise WrongUse(f"{folder()} holds no report; `./lab run --live --record` makes some.")
    return (live and measured(shipped)) or shipped


def measured(shipped: Sequence[Report]) -> list[Report]:
    """What `./lab run --live` left in `out/`, if it holds all that is shipped; else nothing."""
    found = report.recordings(paths.ROOT / "out")
    have = {one["implementation"]["profile"]: _ids(one) for one in found}
    complete = all(have.get(r["implementation"]["profile"], set()) >= _ids(r) for r in shipped)
    return found if complete else []


def report_on(among: Sequence[Report], profile: str) -> Report:
    """The report on a profile.

    Raises:
        WrongUse: there is none.
    """
    for one in among:
        if one["implementation"]["profile"] == profile:
            return one
    raise WrongUse(f"There is no recording of {profile}; `./lab run --live {profile}` makes one.")


def case(among: Sequence[Report], case_id: str, profile: str) -> dict[str, Any]:
    """The entry of a case in the report on a profile.

    Raises:
        WrongUse: there is no such report, or it holds no such case.
    """
    for entry in report_on(among, profile)["cases"]:
        if entry["id"] == case_id:
            found: dict[str, Any] = entry
            return found
    raise WrongUse(
        f"The recording of {profile} holds no case {case_id!r}; "
        f"`./lab run --live --case {case_id}` measures it."
    )


def _ids(one: Report) -> set[str]:
    return {entry["id"] for entry in one["cases"]}
