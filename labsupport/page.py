"""The matrix as a page for the browser, and where its figures come from, in words."""

from collections.abc import Mapping
from statistics import median
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from labsupport import documented, groups, paths
from labsupport.matrix import LOOKS, TITLE, Matrix, commit
from labsupport.report import Report


def html(matrix: Matrix) -> str:
    """A page that loads nothing: the verdicts, their evidence and where it comes from."""
    environment = Environment(
        loader=FileSystemLoader(paths.PACKAGE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"yaml": _yaml, "counts": _counts, "duration": _duration}
    return environment.get_template("matrix.html.j2").render(
        matrix=matrix,
        title=TITLE,
        looks=LOOKS,
        provenance=provenance,
        times=times,
        groups=groups.of(matrix),
        documented=documented,
    )


def provenance(one: Report) -> dict[str, str]:
    """Where a report's figures come from, by label; the same labels for every report.

    What nobody knows of a cluster that the lab did not make is `not known`.
    """
    run, lab = one["run"], one["run"]["lab"]
    what, where = one["implementation"], one["environment"]
    told = {
        "Version": what["version"],
        "Mode": what["mode"],
        "Manifest": what["source"] and f"{what['source']['module']}, {what['source']['path']}",
        "Manifest SHA-256": what["manifestSha256"],
        "Kubernetes": where["kubernetes"],
        "kind": where["kind"],
        "Nodes": where["nodes"],
        "Image source": {
            "registry": "pulled from their registries",
            "modules": "built from Go modules and Debian packages",
        }.get(where["imageSource"]),
        "Machine": where["cpus"]
        and f"{where['cpus']} CPUs, {where['memoryBytes'] / 2**30:.1f} GiB of memory",
        "System": where["os"] and f"{where['os']}, {where['arch']}, kernel {where['kernel']}",
        "cgroup": where["cgroup"] and f"v{where['cgroup']}",
        "Docker": where["docker"],
        "Lab": f"{lab['version']}, {commit(one)}",
        "Command": run["command"],
        "Runs of each case": max(
            (len(case.get("runs", [case])) for case in one["cases"]), default=1
        ),
        "Started": _second(run["startedAt"]),
        "Finished": _second(run["finishedAt"]),
        "Run": run["id"],
    }
    return {label: str(text or "not known") for label, text in told.items()}


def times(one: Report) -> dict[str, str]:
    """How long a report's cluster took to put policies in force, by label, as for provenance."""
    timing = one.get("timing") or {}
    start = timing.get("start", {})
    resolution = timing.get("resolutionMs")
    return {
        "Until a deny is in force": _times(timing.get("deny")),
        "Until an allow is in force": _times(timing.get("allow")),
        "Pods that started under a deny and had a moment without it": (
            f"{start['withAMoment']} of {start['pods']}" if start.get("pods") else "not measured"
        ),
        "Resolution": "not known" if resolution is None else f"{resolution:.0f} ms",
    }


def _times(measured: Mapping[str, Any] | None) -> str:
    """A distribution in words: `half within 56 ms, 41 to 90 ms (20 measured)`."""
    if not measured:
        return "not measured"
    found = sorted(measured["ms"])
    never = f"never in {measured['never']} tries" if measured["never"] else ""
    if not found:
        return never or "not measured"
    told = (
        f"half within {median(found):.0f} ms, {found[0]:.0f} to {found[-1]:.0f} ms "
        f"({len(found)} measured)"
    )
    return f"{told}, {never}" if never else told


def _second(time: str) -> str:
    return f"{time[:10]} {time[11:19]} UTC"


def _counts(counts: Mapping[str, int]) -> str:
    """Outcomes in words: `6 allowed, 2 timeout`."""
    return ", ".join(f"{n} {outcome}" for outcome, n in counts.items() if n) or "none sent"


def _duration(milliseconds: int) -> str:
    return f"{milliseconds} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


def _yaml(documents: list[dict[str, Any]]) -> str:
    return yaml.safe_dump_all(documents, sort_keys=True, allow_unicode=True)
