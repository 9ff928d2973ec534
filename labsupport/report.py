"""Evidence with provenance: one JSON file for each run and profile, read and written.

A report in memory is a plain dict in the shape of `schemas/report.schema.json`. Its
model is Gateway API's reports: a header that says what was measured by what, then the
results (https://github.com/kubernetes-sigs/gateway-api).
Reading trusts nothing: whatever `read` returns is valid and agrees with itself.
"""

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from labsupport import checked, paths, versions
from labsupport.errors import MachineCannot, WrongUse
from labsupport.verdict import Verdict

API_VERSION = "netpol-lab/v1"
KIND = "EnforcementReport"
SIZE_LIMIT = 32 * 2**20
"""Bytes. A real report holds well under one MiB; a larger file was not written by the lab."""

FOREIGN = "verify-"
"""What the profile of a cluster begins with that the lab did not make, only verified."""

Report = dict[str, Any]


def write(report: Report, path: Path) -> None:
    """Check a report and write it, whole or not at all.

    Raises:
        WrongUse: the report is not valid; nothing is written.
        MachineCannot: the file cannot be written.
    """
    check(report, f"the report for {path}")
    text = json.dumps(report, indent=2, sort_keys=True, allow_nan=False)
    write_file(path, f"{text}\n".encode())


def write_file(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Write a file through a temporary one beside it, so that nobody ever sees half of it.

    Args:
        path: where.
        content: what.
        mode: who may read and write it from its first moment on, less the umask.

    Raises:
        MachineCannot: there is no room or no right to write there.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(partial, "wb", opener=lambda name, how: os.open(name, how, mode)) as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())  # else a crash may keep the name and lose the content
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise MachineCannot(f"{path}: cannot be written: {error.strerror}.") from error


def read(path: Path) -> Report:
    """Read a report and check it.

    Raises:
        WrongUse: the file cannot be read, is damaged, is not a report, comes from a newer
            lab, or a field of it is wrong. The message names the file and the field.
    """
    report: Report = _parse(path)
    check(report, str(path))
    return report


def check(document: Any, where: str) -> None:
    """Check what is, or should be, a report; `where` begins every message.

    Raises:
        WrongUse: as `read` does.
    """
    if not isinstance(document, dict) or document.get("kind") != KIND:
        raise WrongUse(f"{where}: kind: is not {KIND}, so this is no report of the lab.")
    version = document.get("apiVersion")
    ours = re.fullmatch(r"netpol-lab/v(\d{1,9})", version) if isinstance(version, str) else None
    if not ours:
        raise WrongUse(f"{where}: apiVersion: is not {API_VERSION}, so this is no report of ours.")
    if int(ours[1]) > 1:
        raise WrongUse(
            f"{where}: apiVersion: is {version}, so it was written by a newer version of the "
            f"lab; update the lab, which reads {API_VERSION}."
        )
    checked.check(document, "report", where)
    _check_agreement(document, where)


def recordings(folder: Path | None = None) -> list[Report]:
    """The reports that ship with the lab, or those of another folder, in the profiles' order."""
    found = sorted((folder or paths.RECORDINGS).glob("*.json"))
    return in_profile_order(read(path) for path in found)


def record(reports: Iterable[Report]) -> None:
    """Make reports the ones that ship with the lab, in place of those of their profiles."""
    for one in reports:
        write(one, paths.RECORDINGS / f"{one['implementation']['profile']}.json")


def in_profile_order(reports: Iterable[Report]) -> list[Report]:
    """Sort reports as `versions.toml` lists their profiles; others follow, by name."""
    known = [profile.name for profile in versions.profiles()]

    def rank(report: Report) -> tuple[int, str]:
        name = report["implementation"]["profile"]
        return (known.index(name) if name in known else len(known), name)

    return sorted(reports, key=rank)


def summarise(cases: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Count the cases of each verdict."""
    counts = Counter(case["verdict"] for case in cases)
    return {str(verdict): counts[verdict] for verdict in Verdict}


def _parse(path: Path) -> Any:
    """The JSON document in a file."""
    try:
        with path.open("rb") as file:
            content = file.read(SIZE_LIMIT + 1)
    except OSError as error:
        raise WrongUse(f"{path}: cannot be read: {error.strerror}.") from None
    if len(content) > SIZE_LIMIT:
        raise WrongUse(f"{path}: is larger than {SIZE_LIMIT // 2**20} MiB, so it is no report.")
    try:
        text = content.decode("utf-8")
        return json.loads(text, parse_constant=_reject)
    except json.JSONDecodeError as error:
        if _cut_off(error):
            raise WrongUse(
                f"{path}: is damaged: it ends in the middle, on line {error.lineno}. "
                "Copy it again or repeat the run."
            ) from None
        where = f"line {error.lineno}, column {error.colno}"
        raise WrongUse(f"{path}: is not JSON: {error.msg} at {where}.") from None
    except (ValueError, RecursionError) as error:
        raise WrongUse(f"{path}: is not JSON: {error}.") from None


def _cut_off(error: json.JSONDecodeError) -> bool:
    """Whether the text is the beginning of an object that goes on: a copy that broke off."""
    text = error.doc.strip()
    ends_early = error.pos >= len(error.doc.rstrip()) or not text.endswith("}")
    return text.startswith("{") and ends_early and error.msg != "Extra data"


def _reject(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number in JSON")


def _check_agreement(report: Report, where: str) -> None:
    """Check what a schema cannot say: that the report does not contradict itself."""
    if not report["implementation"]["profile"].startswith(FOREIGN):
        for part in ("implementation", "environment"):
            for name, value in report[part].items():
                if value is None:
                    raise WrongUse(f"{where}: {part}.{name}: is null, on a cluster of the lab's.")
    first: dict[str, int] = {}
    for index, case in enumerate(report["cases"]):
        same = first.setdefault(case["id"], index)
        if same != index:
            raise WrongUse(f"{where}: cases[{index}].id: {case['id']!r} is also cases[{same}].id.")
    for verdict, count in summarise(report["cases"]).items():
        stated = report["summary"].get(verdict, 0)
        if stated != count:
            raise WrongUse(
                f"{where}: summary[{verdict!r}]: is {stated}, but {count} of the cases say so."
            )
