"""What this machine can do for the lab, line by line, and which mode `./lab run` takes."""

from typing import Any, Literal

from rich.markup import escape

from labsupport import console, docker, findings, images, machine, paths
from labsupport.findings import FEATURES, Finding

_MARKS = {"fine": "[green]✓[/]", "worked around": "[yellow]~[/]", "blocking": "[red]✗[/]"}


def examine() -> list[Finding]:
    """Look at this machine and judge it; takes a few seconds and changes nothing."""
    seen = machine.look()
    missing = len(images.missing()) if seen.docker else 0
    refusal = images.can_pull() if seen.docker else None
    need = findings.needed(_nodes() if seen.docker else 0, missing, pull=refusal is None)
    data = machine.space(seen.docker.root) if seen.docker and seen.docker.here else None
    return [
        findings.cpu(seen.cpus, seen.arch),
        findings.memory(seen.memory),
        findings.disk(data, machine.space(paths.cache()), need),
        findings.docker(seen.docker, seen.docker_trouble, seen.debian, seen.root),
        *([findings.pinned_images(missing, refusal)] if seen.docker else []),
        findings.cgroup(seen.cgroup),
        findings.sys_resource(seen.sys_resource, seen.docker, seen.systemd),
        findings.inotify(seen.inotify, seen.root),
        findings.bridge_netfilter(seen.kernel, seen.root),
        *(findings.kernel_feature(feature, seen.kernel) for feature in FEATURES),
        findings.btf(seen.kernel),
        *(findings.program(name, seen.programs[name]) for name in ("kind", "kubectl", "helm")),
        findings.go(seen.programs["go"]),
    ]


def _nodes() -> int:
    """How many nodes of the lab's clusters exist, running or not."""
    return len(docker.run("ps", "--all", "--quiet", "--filter", "name=^netpol-lab-").split())


def blocked(found: list[Finding]) -> bool:
    """Whether something keeps live clusters from running; recorded results always work."""
    return any(finding.state == "blocking" for finding in found)


def mode(found: list[Finding] | None = None) -> tuple[Literal["live", "recorded"], str]:
    """Which mode `./lab run` takes without a flag, and why.

    Building images takes half an hour, so `./lab run` never starts it: only images that
    are at hand or can be pulled make it live.
    """
    against = [f for f in (examine() if found is None else found) if f.state == "blocking"]
    if not against:
        return "live", "Docker answers, and the images are at hand or can be pulled"
    return "recorded", "; ".join(f"{finding.name}: {finding.detail}" for finding in against)


def render(found: list[Finding]) -> None:
    """Print the findings, each mend below the line it belongs to, and the mode last."""
    for finding in found:
        line = f"{finding.name:<20}{finding.state:<15}{finding.detail}"
        console.out.print(f"{_MARKS[finding.state]} {escape(line)}")
        if finding.mend:
            console.out.print(f"  {'':<35}mend: [bold]{escape(finding.mend)}[/]")
    chosen, why = mode(found)
    always = "" if chosen == "live" else " What blocks, blocks live clusters only."
    console.out.print(f"\n`./lab run` takes the {chosen} mode: {escape(why)}.{always}")


def as_json(found: list[Finding]) -> dict[str, Any]:
    """The same for a program: `{"findings": [...], "mode": ..., "why": ...}`."""
    chosen, why = mode(found)
    return {"findings": [vars(finding) for finding in found], "mode": chosen, "why": why}


def machine_facts() -> dict[str, Any]:
    """The machine that a run is measured on, as reports tell it; memory in bytes.

    Where Docker runs in a virtual machine of its own, it is that machine.
    """
    seen = machine.look()
    engine = f"{seen.docker.version} ({seen.docker.store})" if seen.docker else "none"
    return {
        "kernel": seen.kernel_release,
        "os": seen.os,
        "arch": seen.arch,
        "cgroup": seen.cgroup,
        "cpus": seen.cpus,
        "memoryBytes": seen.memory,
        "docker": engine,
    }
