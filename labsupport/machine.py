"""What this machine is: facts alone, found by looking, never by changing anything."""

import gzip
import json
import os
import platform
import shutil
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labsupport import programs
from labsupport.errors import LabError

SYS_RESOURCE = 24  # capabilities(7), linux/capability.h


@dataclass(frozen=True)
class Docker:
    """What a reachable Docker engine says of itself and of the machine it runs on."""

    version: str
    store: str
    cgroup: int
    runtime: str
    root: str
    kernel: str
    os: str
    arch: str
    cpus: int
    memory: int
    rootless: bool = False

    @property
    def here(self) -> bool:
        """Whether it shares this machine's kernel; Docker Desktop's and a remote one do not."""
        return self.kernel == platform.release()


@dataclass(frozen=True)
class Kernel:
    """What is known of the kernel: its options, and the modules it has and could load.

    `options` is None where the kernel's configuration is not readable.
    """

    options: Mapping[str, str] | None
    loaded: frozenset[str]
    loadable: frozenset[str]
    bridge_netfilter: bool
    btf: bool

    def has(self, option: str, module: str | None = None) -> bool | None:
        """Whether an option is built in, or its module loaded or loadable; None: not known.

        An option set to `m` whose module is not to be found is of no use.
        """
        if module and module in self.loaded | self.loadable:
            return True
        if self.options is None:
            return None
        return self.options.get(option) == "y"


@dataclass(frozen=True)
class Space:
    """A file system and its free bytes."""

    device: int
    free: int


@dataclass(frozen=True)
class Machine:
    """Everything `doctor` judges. None means not known."""

    cpus: int
    memory: int
    arch: str
    os: str
    kernel_release: str
    cgroup: int | None
    debian: bool
    root: bool
    systemd: bool
    docker: Docker | None
    docker_trouble: str | None
    sys_resource: bool | None
    inotify: tuple[int, int] | None
    kernel: Kernel | None
    programs: Mapping[str, str | None]


def look() -> Machine:
    """Gather every fact, the slow ones side by side."""
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(docker)
        found = {
            name: pool.submit(programs.installed_version, name)
            for name in ("kind", "kubectl", "helm")
        }
        found["go"] = pool.submit(go_version)
        engine, trouble = answer.result()
        versions = {name: version.result() for name, version in found.items()}
    here = platform.system() == "Linux" and (engine is None or engine.here)
    return Machine(
        cpus=engine.cpus if engine else os.cpu_count() or 1,
        memory=engine.memory if engine else memory(),
        arch=engine.arch if engine else platform.machine(),
        os=engine.os if engine else os_name(),
        kernel_release=engine.kernel if engine else platform.release(),
        cgroup=engine.cgroup if engine else cgroup(),
        debian=is_debian(),
        root=is_root(),
        systemd=has_systemd(),
        docker=engine,
        docker_trouble=trouble,
        sys_resource=sys_resource() if here else None,
        inotify=inotify() if here else None,
        kernel=kernel() if here else None,
        programs=versions,
    )


def docker() -> tuple[Docker | None, str | None]:
    """The engine that `docker` reaches, or None and what stands in the way."""
    if shutil.which("docker") is None:
        return None, "it is not installed"
    try:
        info = json.loads(programs.run("docker", "info", "--format", "{{json .}}", timeout=4))
    except (LabError, ValueError) as error:
        return None, str(error)
    if errors := info.get("ServerErrors"):  # some clients say so and still end with 0
        return None, str(errors[0])
    return read_docker(info), None


def read_docker(info: Mapping[str, Any]) -> Docker:
    """Read the answer of `docker info`.

    https://docs.docker.com/reference/api/engine/ (`/info`) has the fields; the containerd
    image store is told by the driver type in `DriverStatus`.
    """
    status = dict(info.get("DriverStatus") or [])
    containerd = str(status.get("driver-type", "")).startswith("io.containerd.snapshotter")
    return Docker(
        version=info["ServerVersion"],
        store=f"containerd, {info['Driver']}" if containerd else info["Driver"],
        cgroup=int(info.get("CgroupVersion") or 1),
        runtime=info["DefaultRuntime"],
        root=info["DockerRootDir"],
        kernel=info["KernelVersion"],
        os=info["OperatingSystem"],
        arch=info["Architecture"],
        cpus=info["NCPU"],
        memory=info["MemTotal"],
        rootless=any("rootless" in option for option in info.get("SecurityOptions") or []),
    )


def space(path: str | Path) -> Space | None:
    """The room on the file system that holds `path`; None where that is not on this machine."""
    try:
        return Space(os.stat(path).st_dev, shutil.disk_usage(path).free)
    except OSError:
        return None


def go_version() -> str | None:
    """The version of Go on the PATH, such as `1.26.6`."""
    try:
        return programs.run("go", "env", "GOVERSION", timeout=4).strip().removeprefix("go") or None
    except LabError:
        return None


def sys_resource(status: Path = Path("/proc/self/status")) -> bool | None:
    """Whether the capability bounding set has CAP_SYS_RESOURCE (capabilities(7))."""
    try:
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        return bool(int(lines["CapBnd"], 16) >> SYS_RESOURCE & 1)
    except (OSError, KeyError):
        return None


def inotify(folder: Path = Path("/proc/sys/fs/inotify")) -> tuple[int, int] | None:
    """The limits `max_user_instances` and `max_user_watches` (inotify(7))."""
    try:
        return (
            int((folder / "max_user_instances").read_text()),
            int((folder / "max_user_watches").read_text()),
        )
    except OSError:
        return None


def memory() -> int:
    """Bytes of memory (sysconf(3))."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def cgroup() -> int | None:
    """The version of the cgroup hierarchy (cgroups(7)); None where there is none."""
    if Path("/sys/fs/cgroup/cgroup.controllers").exists():
        return 2
    return 1 if Path("/sys/fs/cgroup").exists() else None


def kernel() -> Kernel:
    """What can be known of the running kernel without changing it."""
    modules = Path("/lib/modules") / platform.release()
    return Kernel(
        options=kernel_options(
            Path("/proc/config.gz"),
            Path("/boot") / f"config-{platform.release()}",
            modules / "config",
        ),
        loaded=_names(Path("/sys/module")),
        loadable=module_names(modules / "modules.dep") | module_names(modules / "modules.builtin"),
        bridge_netfilter=Path("/proc/sys/net/bridge").exists(),
        btf=Path("/sys/kernel/btf/vmlinux").exists(),
    )


def kernel_options(*places: Path) -> Mapping[str, str] | None:
    """The options that are set, as `{"VXLAN": "m"}`, from the first readable place."""
    for place in places:
        try:
            data = place.read_bytes()
            text = (gzip.decompress(data) if place.suffix == ".gz" else data).decode()
        except OSError:
            continue
        lines = (line for line in text.splitlines() if line.startswith("CONFIG_") and "=" in line)
        return dict(line.removeprefix("CONFIG_").split("=", 1) for line in lines)
    return None


def has_sctp() -> bool:
    """Whether the kernel has SCTP, which pods share with it."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP).close()
    except (OSError, AttributeError):
        return False
    return True


def is_debian() -> bool:
    """Whether this is Debian or one of its children, such as Ubuntu (os-release(5))."""
    release = _os_release()
    return "debian" in (release.get("ID", ""), *release.get("ID_LIKE", "").split())


def is_root() -> bool:
    """Whether this process may change the machine."""
    return os.geteuid() == 0


def has_systemd() -> bool:
    """Whether systemd runs services here (sd_booted(3))."""
    return Path("/run/systemd/system").is_dir()


def os_name() -> str:
    """The operating system as it calls itself."""
    return _os_release().get("PRETTY_NAME") or platform.platform()


def _os_release() -> dict[str, str]:
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}


def _names(folder: Path) -> frozenset[str]:
    return frozenset(os.listdir(folder)) if folder.is_dir() else frozenset()


def module_names(index: Path) -> frozenset[str]:
    """Module names in `modules.dep` or `modules.builtin`: `kernel/net/x/ip-set.ko.zst: ...`."""
    try:
        lines = index.read_text().splitlines()
    except OSError:
        return frozenset()
    files = (line.partition(":")[0].rsplit("/", 1)[-1] for line in lines)
    return frozenset(file.partition(".ko")[0].replace("-", "_") for file in files)
