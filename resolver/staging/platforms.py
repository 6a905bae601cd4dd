"""The platform tags that a machine takes, from the one that names it: pip matches tags letter by letter.

A wheel for an older glibc or macOS runs on a newer one, and pip, asked for a platform that is not its own, is to be
told so: manylinux_2_28 takes manylinux_2_27 and all below, under their old names (manylinux2014) too. Source: PEP 600.
"""

import re
from collections.abc import Iterator
from typing import Final

OLDEST_GLIBC: Final = 5  # manylinux1
OLD_NAMES: Final = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
GLIBC: Final = re.compile(r"manylinux_2_(\d{1,3})_(\w+)")
MUSL: Final = re.compile(r"musllinux_1_(\d{1,3})_(\w+)")
MAC: Final = re.compile(r"macosx_(1[1-9]|[2-9]\d)_0_(arm64|x86_64)")
NAMED: Final = re.compile(r"(manylinux2014|manylinux2010|manylinux1)_(\w+)")


def expanded(platform: str) -> tuple[str, ...]:
    """All tags of a platform, the newest first.

    >>> expanded("manylinux_2_18_x86_64")[:3]
    ('manylinux_2_18_x86_64', 'manylinux_2_17_x86_64', 'manylinux2014_x86_64')
    >>> expanded("win_amd64")
    ('win_amd64',)
    """
    if named := NAMED.fullmatch(platform):
        minor = next(number for number, name in OLD_NAMES.items() if name == named[1])
        return expanded(f"manylinux_2_{minor}_{named[2]}")
    if glibc := GLIBC.fullmatch(platform):
        return (*_glibc(int(glibc[1]), glibc[2]), f"linux_{glibc[2]}")
    if musl := MUSL.fullmatch(platform):
        return tuple(f"musllinux_1_{minor}_{musl[2]}" for minor in range(int(musl[1]), -1, -1))
    if mac := MAC.fullmatch(platform):
        return tuple(_mac(int(mac[1]), mac[2]))
    return (platform,)


def _glibc(newest: int, machine: str) -> Iterator[str]:
    for minor in range(newest, OLDEST_GLIBC - 1, -1):
        yield f"manylinux_2_{minor}_{machine}"
        if minor in OLD_NAMES:
            yield f"{OLD_NAMES[minor]}_{machine}"


def _mac(newest: int, machine: str) -> Iterator[str]:
    for major in range(newest, 10, -1):
        for each in (machine, "universal2"):
            yield f"macosx_{major}_0_{each}"
    if machine == "x86_64":  # before 11 the second number counted
        for minor in range(16, 8, -1):
            for each in (machine, "universal2", "intel"):
                yield f"macosx_10_{minor}_{each}"
