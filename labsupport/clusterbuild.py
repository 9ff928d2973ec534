"""Make a cluster step by step: nodes, images, plugins, CNI. `clusters` says which is due."""

from collections.abc import Sequence

from labsupport import (
    clusterrecord,
    cni,
    console,
    docker,
    gobuild,
    images,
    paths,
    programs,
    versions,
)
from labsupport.clusterrecord import Record
from labsupport.errors import CheckFailed
from labsupport.programs import run
from labsupport.versions import Profile


def create(profile: Profile) -> None:
    """Let kind make the nodes of a cluster that is not there.

    Raises:
        CheckFailed: kind could not.
    """
    clusterrecord.write(profile, Record("creating"))
    clusterrecord.kubeconfig(profile).parent.mkdir(exist_ok=True)
    console.say(f"  {profile.cluster}: creating two nodes")
    try:
        run(
            programs.tool("kind"), "create", "cluster",
            "--name", profile.cluster,
            "--image", versions.image("node").name,
            "--config", profile.folder / "kind.yaml",
            "--kubeconfig", clusterrecord.kubeconfig(profile),
        )  # fmt: skip
    except programs.ProgramFailed as error:
        hint = " Too many inotify instances are in use; `./lab doctor` has the command."
        inotify = "Multi-User System" in error.stderr or "too many open files" in error.stderr
        raise CheckFailed(f"kind could not create it: {error}.{hint if inotify else ''}") from None
    clusterrecord.write(
        profile,
        Record("installing", {n: i for n, (i, _) in clusterrecord.containers(profile).items()}),
    )


def install(profile: Profile) -> None:
    """Images, plugins and CNI, until all is rolled out; every step can be done again."""
    record = clusterrecord.read(profile) or Record()
    record.images = [images.provenance(image) for image in images.needed([profile.name])]
    record.manifest_sha256 = cni.manifest_sha256(profile)
    clusterrecord.write(profile, record)
    console.say(f"  {profile.cluster}: loading images")
    load_images(profile, profile.images)
    for plugin in profile.plugins:
        for node in record.nodes:
            docker.run("cp", str(gobuild.program(plugin)), f"{node}:/opt/cni/bin/{plugin}")
    console.say(f"  {profile.cluster}: installing {profile.title} {profile.version}")
    cni.install(profile, clusterrecord.kubeconfig(profile))
    cni.wait(clusterrecord.kubeconfig(profile))


def load_images(profile: Profile, chosen: Sequence[versions.Image]) -> None:
    """Load images as one archive, on all nodes at the same time."""
    archive = paths.cache() / f"{profile.cluster}.tar"
    try:
        images.save(chosen, archive)
        run(programs.tool("kind"), "load", "image-archive", archive, "--name", profile.cluster)
    finally:
        archive.unlink(missing_ok=True)
