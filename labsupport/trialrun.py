"""The document's snippets on a live cluster, as commands that a reader would type.

Each snippet runs in a folder of its own that has the files it names, with a kubeconfig of its
own whose namespace is the trial's, so that the commands need no further words. What a snippet
applied is deleted after it, and what an interrupted run left before the next.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from labsupport import cast, ground, measure, outside, programs, report, snippets, turns
from labsupport.cast import Cast
from labsupport.kube import Kube
from labsupport.snippets import Snippet, Step
from labsupport.versions import Profile

NAMESPACE = "lab-trial"
PATIENCE_SECONDS = 10.0
"""How long a step waits for its outcome, as long as a case waits for a policy."""

POLL_SECONDS = 0.5
COMMAND_SECONDS = 90.0
OUTPUT_LIMIT = 4000


def stage() -> Cast:
    """The pods that the snippets speak of."""
    return cast.read(snippets.FOLDER / "stage.yaml")


def run(
    profile: Profile, progress: Callable[[str], None], names: Sequence[str] = ()
) -> dict[str, Any]:
    """Run snippets on a profile's cluster; the record, ready to be written.

    Args:
        profile: whose cluster; it must be ready.
        progress: called with a sentence after each snippet.
        names: which snippets; all that are run on this profile where none is named.

    Raises:
        CheckFailed: the cluster is not ready, or its pods do not get ready.
    """
    started = measure.now()
    with turns.lock():
        kube = ground.kube(profile)
        chosen = [
            one
            for one in snippets.load().values()
            if one.steps
            and (not one.profiles or profile.name in one.profiles)
            and (not names or one.id in names)
        ]
        _sweep(kube)
        ground.make(kube, profile, stage())
        outside.ensure(cast.of_cases())
        try:
            told = [_snippet(kube, one, progress) for one in chosen]
        finally:
            _sweep(kube)
            ground.remove(kube, [NAMESPACE])
    return {
        "apiVersion": report.API_VERSION,
        "kind": "TrialRecord",
        "run": measure.header(started, measure.command())["run"],
        "profile": profile.name,
        "title": profile.title,
        "version": profile.version,
        "mode": profile.mode,
        "kubernetes": kube.version(),
        "snippets": told,
    }


def _snippet(kube: Kube, snippet: Snippet, progress: Callable[[str], None]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="lab-trial-") as name:
        folder = Path(name)
        for file, text in snippet.files.items():
            (folder / file).write_text(text)
        _kubeconfig(kube, folder / "kubeconfig")
        kept: dict[str, str] = {}
        steps = []
        try:
            for step in snippet.steps:
                steps.append(_until(step, kept, folder))
                if step.keep:
                    kept[step.keep] = steps[-1]["output"]
        finally:
            _delete(kube, snippet.objects())
    progress(f"{snippet.id}: {', '.join(step['outcome'] for step in steps)}")
    return {"id": snippet.id, "steps": steps}


def _until(step: Step, kept: Mapping[str, str], folder: Path) -> dict[str, Any]:
    """Run a step, again and again where it waits for an outcome; how it ended at last."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    commands = step.commands(kept)
    while True:
        code, output = _run(commands, folder)
        outcome = snippets.read_outcome(step, code, output)
        if step.until in (None, outcome) or time.monotonic() > deadline:
            break
        time.sleep(POLL_SECONDS)
    return {
        "id": step.id,
        "command": " | ".join(" ".join(words) for words in commands),
        "exitCode": code,
        "output": output[:OUTPUT_LIMIT],
        "outcome": outcome,
    }


def _run(commands: Sequence[Sequence[str]], folder: Path) -> tuple[int, str]:
    """Run a command, or feed one with the other's output; exit code and what was printed."""
    env = {
        "KUBECONFIG": str(folder / "kubeconfig"),
        # A reader's own Helm repositories have no part in what the document says.
        "HELM_REPOSITORY_CONFIG": str(folder / "repositories.yaml"),
        "HELM_REPOSITORY_CACHE": str(folder / "repositories"),
    }
    output = ""
    for name, *arguments in commands:
        program = programs.tool(name) if name in ("kubectl", "helm") else name
        try:
            output = programs.run(
                program, *arguments,
                stdin=output, env=env, cwd=folder, timeout=COMMAND_SECONDS,
            )  # fmt: skip
        except programs.ProgramFailed as error:
            return error.code, _clean(error.stderr, folder)
    return 0, _clean(output, folder)


def _clean(output: str, folder: Path) -> str:
    """What was printed, without this run's folder."""
    return output.replace(f"{folder}{os.sep}", "").strip()


def _kubeconfig(kube: Kube, path: Path) -> None:
    """A copy of the lab's kubeconfig whose namespace is the trial's."""
    config = yaml.safe_load(kube.kubeconfig.read_text())
    for entry in config["contexts"]:
        entry["context"]["namespace"] = NAMESPACE
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(config))


def _sweep(kube: Kube) -> None:
    """Delete what snippets of an interrupted run left outside the trial's namespace."""
    for snippet in snippets.load().values():
        _delete(kube, [one for one in snippet.objects() if one["kind"].startswith("Global")])


def _delete(kube: Kube, objects: Iterable[dict[str, Any]]) -> None:
    for one in objects:
        if not kube.serves(one):
            continue
        cluster_wide = one["kind"].startswith("Global")
        where = {} if cluster_wide else {"namespace": NAMESPACE}
        kube.delete({**one, "metadata": {**one["metadata"], **where}})
