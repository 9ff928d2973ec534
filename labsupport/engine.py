"""Docker from the distribution on Debian and Ubuntu, started also where no init system is.

The only part of the lab that changes the machine outside Docker, and only when asked to.
The user's own Docker and its configuration stay as they are: an engine that answers is
left alone, and one that the lab starts has everything of its own in one place.
"""

import os
import shutil

from filelock import FileLock

from labsupport import console, dockerd, findings, images, machine, programs
from labsupport.errors import MachineCannot
from labsupport.programs import ProgramFailed

# Waits for another package manager, and keeps the user's version of configuration files.
_APT = (
    *("apt-get", "-q", "-y"),
    *("-o", "DPkg::Lock::Timeout=120"),
    *("-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold"),
)
_QUIET = {"DEBIAN_FRONTEND": "noninteractive"}


def start() -> None:
    """Install Docker and what building needs, and have an engine answer.

    What is there already is left as it is, so a second call does nothing, and one after
    an interruption or a crash goes on.

    Raises:
        MachineCannot: this is not Debian or Ubuntu, not root, or Docker does not start.
        ProgramFailed: apt-get failed.
    """
    if not machine.is_debian():
        raise MachineCannot(
            "`./lab engine` knows Debian and Ubuntu only; elsewhere install Docker as"
            " https://docs.docker.com/engine/install/ says."
        )
    if not machine.is_root():
        raise MachineCannot("`./lab engine` installs packages, so run it as root.")
    # Where Debian's `su` leads, PATH lacks the folders of dockerd, sysctl and modprobe.
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    engine = dockerd.Engine()
    engine.home.mkdir(parents=True, exist_ok=True)
    with FileLock(engine.home / "engine.lock"):
        install(_wanted())
        raise_inotify_limits()
        load_br_netfilter()
        _start_docker(engine)


def stop() -> None:
    """End the Docker engine that `start` started; any other is left alone."""
    if dockerd.stop(dockerd.Engine()):
        console.say("The lab's Docker engine has stopped.")
    else:
        console.say("The lab has no Docker engine running.")


def _wanted() -> list[str]:
    """The Debian packages that Docker and building take."""
    docker = [] if shutil.which("dockerd") and shutil.which("docker") else ["docker.io"]
    wrapper = [] if machine.sys_resource() else ["jq"]
    return sorted({*docker, *wrapper, *images.host_packages()})


def install(packages: list[str]) -> None:
    """Install the Debian packages that are missing, asking nothing."""
    missing = [package for package in packages if not is_installed(package)]
    if not missing:
        return
    with console.task("reading the distribution's package lists", 10):
        programs.run(*_APT, "update", env=_QUIET)
    if "docker.io" in missing and programs.run("apt-cache", "search", "-n", "^docker-cli$"):
        missing.append("docker-cli")  # a package of its own from Debian 13 on
    with console.task(f"installing {' '.join(missing)}", 60):
        programs.run("dpkg", "--configure", "-a", env=_QUIET)  # if interrupted before
        programs.run(*_APT, "install", "--no-install-recommends", *missing, env=_QUIET)


def is_installed(package: str) -> bool:
    """Whether a Debian package is installed completely."""
    try:
        status = programs.run("dpkg-query", "-W", "-f", "${db:Status-Status}", package)
    except ProgramFailed:
        return False
    return status == "installed"


def raise_inotify_limits() -> None:
    """Raise the inotify limits to those that kind recommends; never lower them."""
    have = machine.inotify()
    finding = findings.inotify(have, root=True)
    if finding.state == "fine" or have is None:
        return
    with console.task(f"raising the inotify limits ({finding.mend})"):
        programs.run(*(finding.mend or "").split())


def load_br_netfilter() -> None:
    """Load br_netfilter where it is a module that nothing has loaded."""
    if findings.bridge_netfilter(machine.kernel(), root=True).mend:
        with console.task("loading the kernel module br_netfilter"):
            programs.run("modprobe", "br_netfilter")


def _start_docker(engine: dockerd.Engine) -> None:
    found, _ = machine.docker()
    if found:
        console.say(f"Docker {found.version} answers; it is left as it is.")
        judged = findings.sys_resource(machine.sys_resource(), found, machine.has_systemd())
        if judged.state == "blocking":
            raise MachineCannot(f"CAP_SYS_RESOURCE is {judged.detail}: `{judged.mend}`.")
    elif machine.has_systemd() and machine.sys_resource():
        with console.task("starting Docker with systemd", 5):
            programs.run("systemctl", "start", "docker")
    else:
        dockerd.start(engine)
