"""The three lists of packages say the same."""

import re

import yaml

from labsupport import paths

ASKED_FOR = {"jupyterlab", "kubernetes", "ipywidgets", "pandas", "nbval"}


def pins(text: str) -> dict[str, str]:
    """`{"pandas": "3.1.1"}` of a requirements file, names as pip compares them (PEP 503)."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", text, re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found}


REQUIRED = pins((paths.ROOT / "requirements.txt").read_text())
LOCKED = (paths.ROOT / "requirements.lock").read_text()


def test_requirements_pin_every_package_they_name():
    lines = (paths.ROOT / "requirements.txt").read_text().splitlines()
    named = [line for line in lines if line and not line.startswith("#")]
    assert len(REQUIRED) == len(named)


def test_conda_installs_what_requirements_list():
    environment = yaml.safe_load((paths.ROOT / "environment.yml").read_text())
    (listed,) = (part["pip"] for part in environment["dependencies"] if isinstance(part, dict))
    assert pins("\n".join(listed)) == REQUIRED


def test_lock_holds_every_requirement_in_its_version():
    assert REQUIRED.items() <= pins(LOCKED).items()


def test_lock_has_a_hash_for_every_package():
    entries = re.split(r"\n(?=\S)", LOCKED.strip())
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


def test_packages_that_users_ask_for_are_there():
    assert REQUIRED.keys() >= ASKED_FOR
