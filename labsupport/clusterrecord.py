"""What the lab knows of the clusters that it made.

A cluster is the lab's own when its record says so: `state/clusters/<profile>.json`, which
is written before kind is called and holds the node containers' ids afterwards. Clusters
have kubeconfigs in the lab's state folder; the user's own is not read or written.
"""

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path

from labsupport import docker, paths, report
from labsupport.errors import CheckFailed
from labsupport.versions import Profile

ADDED = "policy was added to it"
"""What is under way on a cluster that `policyaddon` changed; `up` takes it back."""


@dataclass
class Record:
    """What the lab knows of a cluster it made, for later runs and for reports.

    Attributes:
        stage: what was under way last: `creating`, `installing`, or nothing, `ready`.
        nodes: ids of the node containers by name.
        images: provenance of the images that it was made of, the node image first.
        manifest_sha256: of what its CNI was installed with.
    """

    stage: str = "creating"
    nodes: dict[str, str] = field(default_factory=dict)
    images: list[dict[str, str | None]] = field(default_factory=list)
    manifest_sha256: str = ""


def kubeconfig(profile: Profile) -> Path:
    """The lab's own kubeconfig for a profile's cluster."""
    return paths.state() / "kubeconfigs" / f"{profile.name}.yaml"


def file(profile: Profile) -> Path:
    """Where a cluster's record is."""
    return paths.state() / "clusters" / f"{profile.name}.json"


def read(profile: Profile) -> Record | None:
    """The record of a profile's cluster; None where the lab has made none.

    Raises:
        CheckFailed: it is damaged.
    """
    try:
        return Record(**json.loads(file(profile).read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        raise CheckFailed(
            f"{file(profile)} is damaged; delete it, and "
            f"`kind delete cluster --name {profile.cluster}` if that cluster exists."
        ) from None


def write(profile: Profile, record: Record) -> None:
    """Keep what is known of a profile's cluster."""
    report.write_file(file(profile), json.dumps(asdict(record)).encode())


def mark(profile: Profile, stage: str) -> None:
    """Note what is under way on a cluster: `ready`, or `ADDED` while it is another's.

    Raises:
        CheckFailed: the lab has no cluster of this profile.
    """
    write(profile, replace(made_of(profile), stage=stage))


def made_of(profile: Profile) -> Record:
    """What a cluster was made of when it was made, which Docker's images may not be any more.

    Raises:
        CheckFailed: the lab has no cluster of this profile.
    """
    record = read(profile)
    if record is None:
        raise CheckFailed(f"There is no cluster {profile.cluster}; `./lab up {profile.name}`.")
    return record


def containers(profile: Profile) -> dict[str, tuple[str, str]]:
    """The cluster's node containers by name: id, and state in Docker's word for it.

    kind labels them (https://github.com/kubernetes-sigs/kind/blob/v0.32.0/pkg/cluster/internal/providers/common/constants.go).
    """
    lines = docker.run(
        "ps", "--all", "--no-trunc",
        "--filter", f"label=io.x-k8s.kind.cluster={profile.cluster}",
        "--format", "{{.Names}} {{.ID}} {{.State}}",
    ).splitlines()  # fmt: skip
    rows = sorted(line.split() for line in lines)
    return {name: (identity, state) for name, identity, state in rows}


def started(profile: Profile) -> dict[str, datetime]:
    """When each of the cluster's node containers was started last, by its name.

    Raises:
        ProgramFailed: a container is gone meanwhile.
    """
    names = list(containers(profile))
    lines = docker.run("inspect", "--format", "{{.State.StartedAt}}", *names).splitlines()
    return dict(zip(names, map(datetime.fromisoformat, lines), strict=True))


def node_names(profile: Profile) -> list[str]:
    """The worker first: it is the node without the control plane's load."""
    return sorted(containers(profile), reverse=True)
