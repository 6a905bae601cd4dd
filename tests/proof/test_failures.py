"""The table of known failures: each is produced, comes back as the right code naming the right file, and is shown.

"Shown" means that the installed libraries really refuse the directory, or load it wrong, or (where a warning or an info
is right) load it as before. Numbers without a case stand in `ELSEWHERE`, `LATER` or `NOT_HERE`, with the reason.
"""

import json

import pytest
from failure_cases import CASES
from model_factory import model_dir, tiny_model
from mounts import HOST, environment, hub_cache, place
from oracle_process import oracle
from standard_level import findings
from trials import compare, machine

from resolver.accelerators import host_for
from resolver.errors import MalformedReference
from resolver.preflight import Question, check

LLAMA = "meta-llama/Meta-Llama-3-8B-Instruct"
MOUNT = "/kaggle/input/llama-3/transformers/8b-chat-hf/1"
# Proven by tests of their own, here or beside the code that does it.
HERE = {1, 2, 3, 4, 5, 7, 10, 41, 64, 68, 69, 70, 71, 72, 74, 75, 77, 82, 84, 86, 87}
ELSEWHERE = {
    50: "T210: tests/rules/test_special_ids.py and its case page; an instruct model is known by its name",
    53: "no directory: what pipeline does with lone surrogates is in tests/text and tests/pipeline_cli",
    54: "as 53: cells that are no text",
    63: "no fault of a directory: an ensemble member without its adapter is P004 (F-86 here)",
    65: "H706: tests/rules/test_hardware.py, test_kernels.py; it judges training runs and their output",
    76: "a hang of Ray's scheduler: pipeline starts no actor; its engine is not built yet",
    83: "null turns and odd cells are read by pipeline: tests/arena, tests/pipeline_cli/test_bad_input.py",
    88: "two parsers of one cell: pipeline has one (tests/arena/test_battle.py)",
}
LATER = {
    9: "a notebook that waits for a mount: family N",
    12: "needs the hub's answer: resolver access",
    66: "wheel tags and Requires-Dist: resolver stage --wheels",
    67: "a pinned nightly in a notebook: family N",
    85: "no statement writes submission.csv: family N",
}
NOT_HERE = {
    43: "only transformers 4.35 ignores the quantisation silently, and it does not run beside this torch",
    73: "needs a TPU that tensorflow has taken",
}


def test_every_known_failure_is_in_one_of_the_lists():
    listed = [{case.number for case in CASES}, HERE, set(ELSEWHERE), set(LATER), set(NOT_HERE)]
    assert set().union(*listed) == set(range(1, 90))
    assert sum(len(each) for each in listed[2:]) == len(set().union(*listed[2:]))
    assert not set().union(*listed[:2]) & set().union(*listed[2:])


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"F{case.number:02}-{case.code}")
def test_failure_is_the_right_code_and_names_the_right_file(tmp_path, case):
    root = case.make(tmp_path)
    here, host = machine()
    if case.packages is not None:
        host = host.replaced(packages={**host.packages, **case.packages}, model_types=None)
    adapter = str(root) if case.adapter else None
    judged = tmp_path / "base" if case.adapter else root
    told = findings(judged, here, host, Question(purpose=case.purpose, adapter=adapter))
    found = [each for each in told[case.level][1] if each.code == case.code]
    assert [each.severity for each in found][:1] == [case.severity], said(told[case.level][1])
    assert any(case.names in f"{each.path} {each.message} {each.evidence} {each.fix.text}" for each in found)
    assert all(each.fix.text and each.consequence for each in found)


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.real != "unasked"], ids=lambda case: f"F{case.number:02}-{case.code}"
)
def test_libraries_do_what_the_table_says(tmp_path, case):
    root = case.make(tmp_path)
    classes = 3 if case.purpose == "score" else None
    base = tmp_path / "base" if case.adapter else root
    answer = oracle().load(base, case.auto, labels=classes, adapter=root if case.adapter else None, batch=case.batch)
    if case.real == "refuses":
        assert not answer.loads
        assert case.said in str(answer.value)
        return
    good = getattr(case.make, "good", None)
    if good is None:
        assert answer.loads
        return
    before = oracle().load(good(tmp_path / "good"), case.auto, labels=classes)
    assert compare(before.value, answer)[0] == case.real


def said(found):
    return [(each.code, each.severity, each.message) for each in found]


# --- references: nothing is judged where nothing lies ------------------------------------------------------------


def test_f01_mount_that_is_not_attached_is_explained_and_the_library_says_another_thing(tmp_path):
    report = check(MOUNT, environment(tmp_path), HOST)
    told = f"{report.not_found.message} {report.not_found.evidence} {report.not_found.fix}"
    assert report.verdict == "not-found"
    assert "metaresearch/llama-3" in told
    assert "licen" in told.lower()
    answer = oracle().tokens(MOUNT)
    assert not answer.loads
    assert "attach" not in str(answer.value).lower()


def test_f02_hub_id_without_a_network_is_not_found_with_every_place(tmp_path):
    report = check("nobody/has-this-model", environment(tmp_path), HOST)
    assert report.verdict == "not-found"
    assert len(report.trail) >= 4
    answer = oracle().tokens("nobody/has-this-model")
    assert "connect" in str(answer.value).lower() or "offline" in str(answer.value).lower()


@pytest.mark.parametrize("text", ["", "hf://", "hf://o/n/x/y"])
def test_f03_text_that_is_no_reference_is_said_to_be_none(tmp_path, text):
    with pytest.raises(MalformedReference):
        check(text, environment(tmp_path), HOST)


def test_f04_gated_family_says_where_to_ask(tmp_path):
    root = place(tmp_path / "Meta-Llama-3-8B-Instruct", LLAMA)
    (root / "README.md").write_text("---\nlicense: llama3\nextra_gated_prompt: yes\n---\n")
    (found,) = [each for each in check(str(root), environment(tmp_path), HOST).findings if each.code == "L502"]
    assert (found.severity, found.evidence["asked_by_card"]) == ("info", ["extra_gated_prompt"])


def test_f05_model_that_is_not_cached_names_the_cache_that_was_asked(tmp_path):
    hub_cache(tmp_path, "google/gemma-2-9b-it")
    report = check(LLAMA, environment(tmp_path), HOST)
    assert report.verdict == "not-found"
    assert any("hub" in str(each.where) for each in report.trail)


def test_f07_revision_file_with_a_newline_is_accepted_and_said(tmp_path):
    snapshot = hub_cache(tmp_path, LLAMA)
    ref = snapshot.parents[1] / "refs" / "main"
    ref.write_text(ref.read_text().strip() + "\n")
    report = check(LLAMA, environment(tmp_path), HOST)
    assert [each.severity for each in report.findings if each.code == "F009"] == ["info"]


def test_f10_kagglehub_entry_without_its_marker_is_not_taken_for_whole(tmp_path):
    at = tmp_path / "home/.cache/kagglehub/models/metaresearch/llama-3/transformers/8b-chat-hf/1"
    place(at, LLAMA)
    codes = {each.code for each in check(str(at), environment(tmp_path), HOST).findings}
    assert "F005" in codes


# --- machines -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def eight_billion(tmp_path_factory):
    from command_runs import llama_3_8b

    return llama_3_8b(tmp_path_factory.mktemp("llama") / "model")


def codes_on(root, host, variables=None, **asked):
    here = environment(root.parent, variables)
    return {each.code: each.severity for each in check(str(root), here, host, Question(**asked)).findings}


def test_f41_quantised_weights_without_their_package(tmp_path):
    root = tiny_model(tmp_path / "model")
    config = json.loads((root / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "bitsandbytes", "load_in_4bit": True}
    (root / "config.json").write_text(json.dumps(config))
    assert codes_on(root, HOST)["C309"] == "error"


def test_f64_cache_that_cannot_be_written(tmp_path):
    host = HOST.replaced(unwritable={"HF_HOME": "/kaggle/input/cache"})
    assert codes_on(model_dir(tmp_path / "model"), host)["R804"] == "warning"


@pytest.mark.parametrize(
    ("name", "asked", "code"),
    [
        ("kaggle-t4x2", {"dtype": "bfloat16"}, "H703"),  # F-68
        ("kaggle-p100", {}, "H704"),  # F-72
        ("kaggle-t4x2", {"dtype": "float32"}, "H701"),  # F-71
    ],
)
def test_f68_f71_f72_devices_that_cannot(eight_billion, name, asked, code):
    assert code in codes_on(eight_billion, host_for(machine()[1], name, {}), purpose="load", **asked)


def test_f69_f70_attention_that_does_not_run_there(tmp_path):
    root = model_dir(tmp_path / "model", config={"attn_implementation": "flash_attention_2"})
    assert "H705" in codes_on(root, host_for(machine()[1], "kaggle-t4x2", {}))


@pytest.mark.parametrize(
    ("packages", "code"),
    [
        ({"torch": "2.13.0+cu128"}, "R806"),  # F-74: CUDA torch without NVIDIA's libraries
        ({"torch-xla": "2.9.0"}, "R806"),  # F-74: another minor
        ({"torch-tpu": "0.2.0"}, "R806"),  # F-75: without libtpu
        ({"transformers": "4.57.3", "tokenizers": "0.22.1", "huggingface-hub": "0.36.0"}, "R807"),  # F-77
    ],
)
def test_f74_f75_f77_pairs_and_versions(tmp_path, packages, code):
    host = HOST.replaced(packages={**HOST.packages, **packages})
    assert code in codes_on(model_dir(tmp_path / "model"), host)


def test_f84_run_that_takes_longer_than_it_may(eight_billion):
    """H707 reckons only with a measured throughput; tests/rules/test_hardware.py has one."""
    report = check(str(eight_billion), environment(eight_billion.parent), HOST, Question(purpose="score"))
    assert [each.reason for each in report.skipped if each.code == "H707"]


def test_f87_report_says_which_versions_and_device_it_is_for(tmp_path):
    report = check(str(model_dir(tmp_path / "model")), environment(tmp_path), HOST)
    assert report.judged_with["transformers"] == HOST.packages["transformers"]
    assert report.accelerator


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("x,id,winner_model_a,winner_model_b,winner_tie\n0,1,.3,.3,.4\n1,2,.3,.3,.4\n", "P001"),  # F-82
        ("id,winner_model_a,winner_model_b,winner_tie\n1,.3,.3,.4\n1,.3,.3,.4\n", "P002"),
        ("id,winner_model_a,winner_model_b,winner_tie\n1,nan,.3,.4\n2,.3,.3,.4\n", "P003"),
        (
            "id,winner_model_a,winner_model_b,winner_tie\n" + "".join(f"{n},.9,.05,.05\n" for n in range(99)),
            "P004",
        ),  # F-86
    ],
)
def test_f82_f86_submission(tmp_path, text, code):
    from resolver.inspection.submission import read_submission
    from resolver.rules.submission import SubmissionEvidence, judge_submission

    file = tmp_path / "submission.csv"
    file.write_text(text)
    columns = ("id", "winner_model_a", "winner_model_b", "winner_tie")
    ids = tuple(line.split(",")[0] for line in text.splitlines()[1:]) if code == "P004" else ("1", "2")
    found, _, _ = judge_submission(SubmissionEvidence(read_submission(file), columns, ids, "sample_submission.csv"))
    assert code in {each.code for each in found}
