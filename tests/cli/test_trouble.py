"""However it ends: one line, the right code, no traceback, and nothing half-written."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from model_factory import model_dir

from resolver.cli import main, output
from resolver.cli.output import write_file
from resolver.cli.trouble import Terminated, ToolFailure

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["frob"],
        ["\x1b[2J"],
        ["check"],
        ["path", "a", "b"],
        ["path", "a", "--nonsense"],
        ["check", "a", "--for", "fun"],
        ["check", "a", "--for", "score", "--labels", "0"],
        ["check", "a", "--for", "score", "--labels", "many"],
        ["check", "a", "--level", "thorough"],
        ["check", "a", "--repo", "x"],
        ["check", "a", "--config", "absent.toml"],
        ["check", "a", "--report", "no/such/directory/report.txt"],
        ["check", "a", "--report", "."],
        ["explain"],
        ["completion", "tcsh"],
    ],
)
def test_wrong_usage_is_2_on_stderr_alone(resolver, argv: Sequence[str]) -> None:
    ran = resolver(*argv)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err
    assert "Traceback" not in ran.err
    assert "\x1b" not in ran.err


def test_a_wrong_setting_is_2_and_names_file_and_key(resolver, machine: Path, good: Path) -> None:
    (machine / "work" / "resolver.toml").write_text('colour = "blue"\n')
    ran = resolver("check", good)
    assert ran.code == 2
    assert "resolver.toml: unknown key 'colour'" in ran.err


def test_an_ignored_code_in_the_settings_that_is_none_is_2(resolver, machine: Path, good: Path) -> None:
    (machine / "work" / "resolver.toml").write_text('[ignore]\nW999 = "why not"\n')
    assert resolver("check", good).code == 2


class _Breaks:
    """A value on which any command line falls over: a fault of our own, from outside."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __len__(self) -> int:
        return 1

    def __iter__(self):  # the argument list cannot even be read
        raise self.error


def test_an_unexpected_fault_is_4_in_one_line(capsys: pytest.CaptureFixture[str], machine: Path) -> None:
    assert main(_Breaks(RuntimeError("boom \x1b[2J"))) == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "error: RuntimeError: boom \\x1b[2J; no check was performed\n"


def test_the_traceback_is_shown_to_who_asks_for_it(
    capsys: pytest.CaptureFixture[str], machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESOLVER_DEBUG", "1")
    assert main(_Breaks(RuntimeError("boom"))) == 4
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_an_interrupt_is_130_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(_Breaks(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err == "error: interrupted; no check was completed\n"


def test_sigterm_is_143_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(_Breaks(Terminated())) == 143
    assert capsys.readouterr().err == "error: terminated; no check was completed\n"


def test_a_fault_with_one_model_does_not_keep_the_next_from_being_judged(
    resolver, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from resolver.cli import check as command

    real = command.check

    def breaks(text: str, *rest: object) -> object:
        if text == "org/breaks":
            raise RecursionError("too deep")
        return real(text, *rest)

    monkeypatch.setattr(command, "check", breaks)
    ran = resolver("check", "org/breaks", good, "--format", "json")
    assert ran.code == 4
    assert ran.err == "error: org/breaks: RecursionError: too deep; no check was performed\n"
    assert [each["verdict"] for each in ran.json["reports"]] == ["usable"]


def run(*argv: object, code: str = "", **options: object) -> subprocess.CompletedProcess[bytes]:
    """A process of its own, where streams can be closed and modules be absent."""
    start = f"import sys; sys.path.insert(0, {str(PROJECT)!r})\n{code}\nfrom resolver.cli import run; run()"
    command = [sys.executable, "-c", start, *map(str, argv)]
    return subprocess.run(command, check=False, **{"capture_output": True, **options})


def test_json_without_pydantic_is_4_in_one_line(good: Path) -> None:
    ran = run("check", good, "--format", "json", code="sys.modules['pydantic'] = None")
    assert (ran.returncode, ran.stdout) == (4, b"")
    assert ran.stderr.startswith(b"error: --format json needs pydantic")
    assert ran.stderr.count(b"\n") == 1


def test_text_without_pydantic_and_rich_is_as_ever(good: Path) -> None:
    ran = run("check", good, code="sys.modules['pydantic'] = sys.modules['rich'] = None")
    assert (ran.returncode, ran.stderr) == (0, b"")


def test_the_quick_text_way_loads_no_third_party_package(good: Path) -> None:
    seen = "import atexit; atexit.register(lambda: print(sorted(sys.modules), file=sys.stderr))"
    for command in ("path", "check", "inspect", "rules", "doctor"):
        names = [] if command in ("rules", "doctor") else [good]
        ran = run(command, *names, code=seen)
        loaded = {name.partition(".")[0] for name in eval(ran.stderr.splitlines()[-1])}  # noqa: S307 - our own print
        assert not loaded & {"rich", "pydantic", "torch", "transformers", "huggingface_hub"}
        assert loaded <= sys.stdlib_module_names | {"resolver", "__main__", "_distutils_hack"} | loaded_at_start()


def loaded_at_start() -> set[str]:
    """What site-packages' own .pth files load into every process."""
    code = "import sys; print(*{name.partition('.')[0] for name in sys.modules})"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_a_reader_that_goes_away_is_no_fault(good: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ran = run("rules", stdout=writer, stderr=subprocess.PIPE, capture_output=False)
    os.close(writer)
    assert (ran.returncode, ran.stderr) == (0, b"")


def test_closed_streams_are_no_fault(good: Path) -> None:
    ran = subprocess.run(
        ["/bin/sh", "-c", f'exec "{sys.executable}" -m resolver check "{good}" >&- 2>&-'], cwd=PROJECT, check=False
    )
    assert ran.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_4(good: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        ran = run("path", good, stdout=full, stderr=subprocess.PIPE, capture_output=False)
    assert ran.returncode == 4
    assert b"cannot be written: No space left on device" in ran.stderr


def test_a_stream_that_is_ascii_gets_escapes(machine: Path) -> None:
    root = model_dir(machine / "input" / "模型")
    variables = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    ran = run("check", root, env=variables)
    assert ran.returncode == 0
    assert rb"\u6a21\u578b" in ran.stdout


def test_a_report_is_replaced_whole_and_nothing_is_left_beside(tmp_path: Path) -> None:
    target = tmp_path / "report.txt"
    target.write_text("old")
    target.chmod(0o640)
    write_file(target, "new \udc80")
    assert target.read_text() == "new \\udc80"
    assert target.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [target]


def test_a_report_through_a_link_goes_to_where_it_points(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link.txt").symlink_to(tmp_path / "real" / "report.txt")
    write_file(tmp_path / "link.txt", "text")
    assert (tmp_path / "real" / "report.txt").read_text() == "text"
    assert (tmp_path / "link.txt").is_symlink()


def test_a_report_that_cannot_be_renamed_leaves_the_old_one_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "report.txt"
    target.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(output.Path, "replace", full)
    with pytest.raises(ToolFailure, match="No space left on device"):
        write_file(target, "new")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_report_may_go_to_a_device(resolver, good: Path) -> None:
    assert resolver("check", good, "--report", "/dev/null").code == 0
