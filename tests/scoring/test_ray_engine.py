"""`arena score --engine ray`: refused early without what it needs; with Ray, killed in the middle, every id once.

What needs Ray is run by `make test-ray`, which has an environment of its own, and skipped elsewhere.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pyarrow as pa
import pytest
from calibration_factory import calibration
from light_engine import battles
from part_factory import write_parts
from pyarrow import parquet
from tiny_classifier import load, save_classifier

from pipeline.arena.outcome import without_tie
from pipeline.arena.parts import open_source, pieces_left
from pipeline.arena.surface import surface_of
from pipeline.cli import run
from pipeline.errors import PipelineError
from pipeline.model.runner import runner_of
from pipeline.scoring.block import BlockScorer, BlockTask
from pipeline.scoring.keyed import KeyedParts
from pipeline.scoring.loading import LoadClassifier
from pipeline.scoring.partition import score_rows
from pipeline.scoring.preparation import make_encoder
from pipeline.scoring.ray_engine import _raise_failed
from pipeline.scoring.work import encode_with

ROOT = Path(__file__).resolve().parents[2]
ROWS = 600
# So many are there when it is stopped.
PARTS = 5
needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed: make test-ray")

CHILD = """
import sys
from pathlib import Path
from pipeline.scoring.preparation import Request
from pipeline.scoring.ray_engine import Cluster, score_parts

if __name__ == "__main__":
    request = Request(model=sys.argv[1], labels=3, max_length=128, device="cpu")
    cluster = Cluster(actors=2, block_rows=20, every_s=0.0)
    try:
        done = score_parts(request, Path(sys.argv[2]), Path(sys.argv[3]), cluster, print, contest="wsdm")
    except KeyboardInterrupt:
        sys.exit(130)
    print("rows", done.rows, "before", done.before, "actors", done.actors, "without", len(done.without))
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    root = tmp_path_factory.mktemp("ray")
    save_classifier(root / "model", labels=3)
    save_classifier(root / "encoder", head=False)
    write_parts(root / "parts", battles(ROWS), 400, 7, 193)
    return root


def score(place, *more):
    model = [] if "--model" in more else ["--model", str(place / "model")]
    return run(["score", *model, "--test", str(place / "parts"), "--labels", "3", *more])


def test_without_ray_one_line_says_what_to_install(place, monkeypatch, capsys):
    monkeypatch.setattr("pipeline.scoring.ray_engine.find_spec", lambda _: None)
    assert score(place, "--engine", "ray", "--output", str(place / "absent")) == 4
    said = capsys.readouterr().err
    assert "offline-resolver[pipeline,ray]" in said
    assert not (place / "absent").exists()


def test_the_preflight_refuses_before_anything_is_made(place, monkeypatch, capsys):
    monkeypatch.setattr("pipeline.scoring.ray_engine.find_spec", lambda _: object())
    encoder = ["--model", str(place / "encoder")]
    assert score(place, *encoder, "--engine", "ray", "--output", str(place / "absent")) == 1
    assert "C307" in capsys.readouterr().err
    assert not (place / "absent").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--engine", "ray"), "there is no --output"),
        (("--engine", "ray", "--output", "o", "--deadline", "1h"), "--deadline: not with --engine ray"),
        (("--engine", "ray", "--output", "o", "--swap", "time"), "--swap time: not with --engine ray"),
        (("--engine", "ray", "--output", "o", "--workers", "0"), "Ray needs an actor"),
        (("--output", "o", "--address", "auto"), "--address is of a Ray cluster"),
    ],
)
def test_options_that_do_not_go_together_are_refused(place, capsys, options, said):
    assert score(place, *options) == 2
    assert said in capsys.readouterr().err


def test_ray_scores_one_model_and_no_members(place, capsys):
    options = ["--members", "m.toml", "--test", str(place / "parts"), "--engine", "ray", "--output", "o"]
    assert run(["score", *options]) == 2
    assert "--members: not with --engine ray" in capsys.readouterr().err


def start(place, output):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    script = place / "child.py"
    script.write_text(CHILD)
    return subprocess.Popen(
        [sys.executable, script, place / "model", place / "parts", output],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def stop_after_parts(child, output, number):
    until = time.monotonic() + 120
    while len(KeyedParts(output).parts()) < PARTS and child.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    child.send_signal(number)
    child.communicate(timeout=60)
    return sum(parquet.read_table(part).num_rows for part in KeyedParts(output).parts())


def forecasts(output):
    found: dict[int, tuple[float, ...]] = {}
    for part in KeyedParts(output).parts():
        for row in parquet.read_table(part).to_pylist():
            assert row["id"] not in found, "an id has two rows"
            found[row["id"]] = (row["model_a"], row["model_b"])
    return found


def undisturbed(place):
    """The same rows by the engine's function in this process."""
    from transformers import AutoTokenizer

    from pipeline.arena.outcome import for_contest

    encoder = make_encoder(AutoTokenizer.from_pretrained(place / "model"), 128, None)
    runner = runner_of(load(place / "model"))
    scored = score_rows(runner, encode_with(encoder), battles(ROWS), length=128, batch_tokens=2048)
    return dict(enumerate(for_contest("wsdm", scored.probabilities)))


@needs_ray
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_stopped_in_the_middle_it_goes_on_with_every_id_once(place, tmp_path, number):
    output = tmp_path / "out"
    child = start(place, output)
    before = stop_after_parts(child, output, number)
    assert child.returncode == (130 if number != signal.SIGKILL else -number)
    assert 0 < before < ROWS

    again = start(place, output)
    said, _ = again.communicate(timeout=300)
    print(said)
    assert again.returncode == 0, said
    assert f"rows {ROWS} before {before} actors 2 without 0" in said
    found, wanted = forecasts(output), undisturbed(place)
    assert found.keys() == wanted.keys()
    assert max(abs(found[key][0] - wanted[key][0]) for key in wanted) < 1e-5


def block_task(place, **more):
    """Fifty rows a piece, with the model at `place`."""
    from transformers import AutoTokenizer

    encoder = make_encoder(AutoTokenizer.from_pretrained(place / "model"), 128, None)
    load_model = LoadClassifier(place / "model", None, 3, "float32")
    task = BlockTask(load_model, encode_with(encoder), "wsdm", 128, "none", "none", "cpu", "auto", None, 1, 50)
    return replace(task, **more)


def first_piece(place):
    source = open_source(place / "parts", contest="wsdm")
    return pa.Table.from_pylist([asdict(pieces_left(source, [False] * ROWS, 50)[0])])


def test_a_piece_that_cannot_be_read_is_told_as_the_error_it_was(place):
    """What an actor does, without Ray: rows are the engine's, and an error survives the way back."""
    table = first_piece(place)
    scorer = BlockScorer(block_task(place))
    rows = scorer(table)
    _raise_failed(rows)
    assert rows.column("id").to_pylist() == [each.id for each in battles(50)]
    scorer.task = replace(scorer.task, contest="lmsys")
    with pytest.raises(PipelineError, match="battle 0, column prompt") as caught:
        _raise_failed(scorer(table))
    assert caught.value.exit_code == 2


def test_what_an_actor_forecasts_is_calibrated(place):
    layer = calibration(network=None, characters=0.2, bias=0.3)
    rows = BlockScorer(block_task(place, calibration=layer))(first_piece(place))
    _raise_failed(rows)
    for number, each in enumerate(battles(50)):
        a, b = without_tie(layer.forecast(surface_of(each), (0.2, 0.3, 0.5)))
        assert rows.column("model_a")[number].as_py() == pytest.approx(a)
        assert rows.column("model_b")[number].as_py() == pytest.approx(b)


@needs_ray
@pytest.mark.slow
def test_the_command_scores_and_said_again_has_nothing_to_do(place, tmp_path):
    """In a process of its own: Ray warns of its own deprecated settings, which are errors in this one."""

    def said(code, length):
        command = ["score", "--model", place / "model", "--test", place / "parts", "--labels", "3", "--engine", "ray"]
        more = ["--output", tmp_path / "out", "--workers", "1", "--max-length", length]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-m", "pipeline", *command, *more],
            env=environment,
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    assert f"parts, each id once; {ROWS:,} of them in" in said(0, "128")
    assert forecasts(tmp_path / "out").keys() == set(range(ROWS))
    again = said(0, "128")
    assert f"going on in {tmp_path / 'out'}: {ROWS:,} of {ROWS:,} battles are done" in again
    assert "Ray runs" not in again
    assert "of another run: length differ" in said(2, "100")
