import importlib.metadata
import sys
from pathlib import Path

import pytest

from resolver import host
from resolver.host import Host, InstalledPackages

DEFAULT = "eth0\t00000000\t0102A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
LOCAL = "eth0\t0002A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
REJECT = "0" * 32 + " 00 " + "0" * 32 + " 00 " + "0" * 32 + " ffffffff 00000001 00000000 00200200       lo\n"


def test_installed_packages_agree_with_importlib_metadata():
    ours = InstalledPackages(tuple(Path(entry) for entry in sys.path if entry))
    for name in ("pytest", "hypothesis", "pydantic", "rich"):
        assert ours[name] == importlib.metadata.version(name)
    assert "surely-not-installed" not in ours


def test_installed_packages_read_any_spelling(tmp_path):
    (tmp_path / "Foo_Bar.baz-1.2.dist-info").mkdir()
    assert dict(InstalledPackages((tmp_path, tmp_path / "absent"))) == {"foo-bar-baz": "1.2"}
    assert InstalledPackages((tmp_path,))["foo.bar_BAZ"] == "1.2"


@pytest.mark.parametrize(
    ("rows", "ipv6", "expected"),
    [(LOCAL + DEFAULT, "", True), (LOCAL, "", False), (LOCAL, REJECT, False), ("", None, False), (None, None, None)],
)
def test_default_route_is_read_without_a_socket(tmp_path, rows, ipv6, expected):
    if rows is not None:
        (tmp_path / "route").write_text("Iface\tDestination\n" + rows)
    if ipv6 is not None:
        (tmp_path / "ipv6_route").write_text(ipv6)
    assert host._has_default_route(tmp_path) is expected


@pytest.mark.parametrize(
    ("text", "numbers"), [("2.13.0+cpu", (2, 13, 0)), ("5.0.0rc1", (5, 0, 0)), ("x", ()), ("4.57.dev0", (4, 57))]
)
def test_version_reads_the_leading_numbers(text, numbers):
    assert Host(packages={"torch": text}).version("torch") == numbers
    assert Host().version("torch") is None


def test_accelerators_are_read_from_the_driver_without_importing_it(tmp_path):
    card = tmp_path / "gpus/0000:00:04.0"
    card.mkdir(parents=True)
    (card / "information").write_text("Model: \t\t Tesla T4\nIRQ: 1\n")
    (tmp_path / "accel0").touch()
    found = host._accelerators(tmp_path, tmp_path / "gpus")
    assert [each.name for each in found] == ["Tesla T4", "TPU"]
    assert (found[0].memory_bytes, found[0].capability) == (15_837_691_904, (7, 5))
    assert (found[1].memory_bytes, found[1].capability) == (None, None)
