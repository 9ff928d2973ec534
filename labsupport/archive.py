"""A workshop's archive: files in a gzipped tar, with a manifest of their checksums first.

What is read trusts nothing: a member has to be a plain file that the manifest names, of the
size and with the checksum that stand there, and is written below the folder it is given and
nowhere else (https://docs.python.org/3/library/tarfile.html#tarfile.data_filter).
"""

import contextlib
import errno
import hashlib
import io
import json
import os
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from labsupport import checked, paths
from labsupport.errors import MachineCannot, WrongUse

KIND = "WorkshopArchive"
VERSION = 1
MANIFEST = "manifest.json"
MANIFEST_LIMIT = 4 * 2**20
"""Bytes. A real one names about a thousand files and holds well under one MiB."""
COMPRESSION = 1
"""gzip's fastest: layers of images are most of it, and a higher level takes minutes for little."""

Manifest = dict[str, Any]


def write(path: Path, files: Mapping[str, Path], facts: Mapping[str, Any]) -> Manifest:
    """Write an archive, whole or not at all.

    Args:
        path: where.
        files: what goes in, by the names that the members get.
        facts: the manifest's further fields.

    Returns:
        The manifest.

    Raises:
        MachineCannot: there is no room or no right to write there.
    """
    members = {name: _checksum(file) for name, file in files.items()}
    manifest = {"kind": KIND, "version": VERSION, **facts, "members": members}
    checked.check(manifest, "workshop-archive", f"the manifest of {path}")
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            # Links would be refused where the archive is read: what they lead to goes in.
            with tarfile.open(
                partial, "w:gz", compresslevel=COMPRESSION, dereference=True
            ) as archive:
                _add_text(archive, MANIFEST, json.dumps(manifest, indent=1))
                for name, file in files.items():
                    archive.add(file, name, recursive=False, filter=_anonymous)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise MachineCannot(f"{path}: cannot be written: {error.strerror}.") from error
    return manifest


@contextlib.contextmanager
def unpacked(path: Path) -> Iterator[tuple[Manifest, Path]]:
    """The manifest of an archive, and a folder with its members for as long as the block lasts.

    Raises:
        WrongUse: it cannot be read, is damaged, or is something else.
        MachineCannot: there is no room for what is in it.
    """
    with tempfile.TemporaryDirectory(dir=paths.cache(), prefix="workshop-") as scratch:
        folder = Path(scratch)
        try:
            with tarfile.open(path, "r:gz") as archive:
                manifest = _manifest(archive, path)
                _ensure_room(manifest, path)
                _extract(archive, manifest["members"], folder, path)
        except (tarfile.TarError, EOFError, zlib.error) as error:
            raise _damaged(path, f"{error or 'it ends too early'}") from None
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise MachineCannot(f"No space is left in {paths.cache()}: make room.") from None
            if error.errno is None:  # gzip's own, which no system call is to blame for
                raise _damaged(path, str(error)) from None
            raise WrongUse(f"{path}: cannot be read: {error.strerror}.") from None
        yield manifest, folder


def _manifest(archive: tarfile.TarFile, path: Path) -> Manifest:
    first = archive.next()
    file = archive.extractfile(first) if first and first.isfile() else None
    if first is None or file is None or first.name != MANIFEST or first.size > MANIFEST_LIMIT:
        raise WrongUse(f"{path}: is no archive of `./lab workshop`: it does not begin with one.")
    try:
        manifest = json.loads(file.read())
    except (ValueError, RecursionError):
        raise _damaged(path, f"its {MANIFEST} is not JSON") from None
    version = manifest.get("version") if isinstance(manifest, dict) else None
    if isinstance(version, int) and version > VERSION:
        raise WrongUse(f"{path}: was written by a newer version of the lab; take the lab in it.")
    checked.check(manifest, "workshop-archive", f"{path}: {MANIFEST}")
    return dict(manifest)


def _ensure_room(manifest: Manifest, path: Path) -> None:
    need = sum(member["bytes"] for member in manifest["members"].values())
    free = shutil.disk_usage(paths.cache()).free
    if need > free:
        raise MachineCannot(
            f"{path} holds {need / 2**30:.1f} GiB, and {paths.cache()} has room for "
            f"{free / 2**30:.1f} GiB: make room."
        )


def _extract(
    archive: tarfile.TarFile, members: Mapping[str, Any], folder: Path, path: Path
) -> None:
    """Write the members into a folder, each as the manifest has it, and miss none."""
    missing = set(members)
    while (member := archive.next()) is not None:
        if member.name not in missing or not member.isreg():
            raise _damaged(path, f"its manifest does not speak of {member.name!r}")
        if member.size != members[member.name]["bytes"]:
            raise _damaged(path, f"{member.name} has not the size that its manifest says")
        archive.extract(member, folder, filter="data")
        if _checksum(folder / member.name) != members[member.name]:
            raise _damaged(path, f"{member.name} has not the checksum that its manifest says")
        missing.remove(member.name)
    if missing:
        raise _damaged(path, f"{min(missing)} is missing in it")


def _checksum(file: Path) -> dict[str, Any]:
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return {"bytes": file.stat().st_size, "sha256": digest}


def _add_text(archive: tarfile.TarFile, name: str, text: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(text.encode())
    archive.addfile(entry, io.BytesIO(text.encode()))


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Nobody's user and group on this machine mean anything on another."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def _damaged(path: Path, why: str) -> WrongUse:
    return WrongUse(f"{path}: is damaged: {why}; copy it again.")
