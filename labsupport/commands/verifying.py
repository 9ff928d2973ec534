"""Verify a cluster of one's own by packets, and explain a policy of one's own in words."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from labsupport import console, versions
from labsupport.commands.shared import Json, print_json
from labsupport.errors import WrongUse


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
        print_json(explained.to_json())
    else:
        for line in explained.lines():
            console.out.print(escape(line))
    raise typer.Exit(1 if explained.refused else 0)


def verify(
    context: Annotated[
        str | None, typer.Option(help="A context of the kubeconfig; else its current one.")
    ] = None,
    kubeconfig: Annotated[
        Path | None, typer.Option(help="A kubeconfig; else the one that kubectl would use.")
    ] = None,
    namespace: Annotated[
        str | None,
        typer.Option(help="An existing namespace to work in, where you may not make one."),
    ] = None,
    image: Annotated[
        str | None, typer.Option(help="The image of agnhost in a registry of yours.")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Also run the catalogue's group `specification`.")
    ] = False,
    as_json: Json = False,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML here, for CI.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Write a report here, which `./lab run --with FILE` shows."),
    ] = None,
    record: Annotated[
        bool,
        typer.Option("--record", help="Verify clusters of the lab, for notebook 10, and keep it."),
    ] = False,
) -> None:
    """Say whether NetworkPolicy is enforced on a cluster of yours, measured by packets.

    Makes three pods in a namespace of its own and removes it. Ends with 0 where ingress and
    egress are enforced, with 1 where they are not, with 3 where it could not be told.
    """
    from labsupport import junit as xml
    from labsupport import matrix, report, verify
    from labsupport.kube import Kube, users_kubeconfig

    if record:
        if any((context, kubeconfig, namespace, image, full, as_json, junit, out)):
            raise WrongUse("--record verifies clusters of the lab; leave out the other options.")
        _record_verifications()
        return
    kube = Kube(kubeconfig or users_kubeconfig(), context)
    answer = verify.run(kube, verify.Options(namespace, image, full))
    if out:
        report.write(answer.report, out)
    if junit:
        xml.write([answer.report], junit)
    if as_json:
        print_json(answer.to_json())
    else:
        for one in answer.report["cases"]:
            verdict = matrix.sign(one["verdict"])
            console.out.print(escape(f"{verdict:<18}{one['title']}: {one['reason']}"))
        known = ", ".join(map(str, answer.recognised)) or "none is recognised"
        console.out.print(escape(f"CNI: {known}. It took {answer.seconds:.1f} s."))
    if answer.warning:
        console.err.print(f"[yellow]warning:[/] {escape(answer.warning)}")
    raise typer.Exit(answer.exit_code)


def _record_verifications() -> None:
    from labsupport import verification

    chosen = [versions.profile(name) for name in verification.STRANGERS.values()]
    # All are measured first: a file that is written anew makes the checkout a changed one.
    for found in [verification.measure(profile) for profile in chosen]:
        for one in found["report"]["cases"]:
            console.out.print(escape(f"{found['profile']}: {one['title']}: {one['verdict']}."))
        console.say(f"Written: {verification.record(found)}")
