"""The table of exit codes."""

import pytest

from resolver.cli.exit_codes import forgiven, worst


@pytest.mark.parametrize(
    ("codes", "code"),
    [
        ([], 0),
        ([0], 0),
        ([0, 1], 1),
        ([1, 3], 3),
        ([3, 2, 1], 2),
        ([2, 4, 3], 4),
        ([0, 0, 3], 3),
        ([4, 0], 4),
    ],
)
def test_worst_of_several_models(codes: list[int], code: int) -> None:
    assert worst(codes) == code


def test_exit_zero_forgives_what_the_report_tells_and_nothing_else() -> None:
    assert [forgiven(code) for code in (0, 1, 2, 3, 4)] == [0, 0, 2, 0, 4]
