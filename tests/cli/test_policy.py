"""The policy through the command line: path, check and list refuse; the message names file and key."""

from pathlib import Path

import hostile
import pytest
from lock_factory import hub, lock_dir, locked_model, write_lock
from model_factory import edit_json, model_dir

PRIVATE = "our-lab/secret-7b"


def policy(machine: Path, text: str) -> None:
    (machine / "work/resolver.toml").write_text(text)


def test_path_refuses_a_licence_and_names_file_and_key(resolver, good: Path, machine: Path) -> None:
    policy(machine, '[policy]\nlicences = ["mit"]\n')
    ran = resolver("path", good)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("error[L507] licence-not-allowed: no licence is stated")
    assert f"policy {machine}/work/resolver.toml" in ran.err
    (good / "README.md").write_text("---\nlicense: mit\n---\n")
    assert resolver("path", good).out == f"{good}\n"


@pytest.mark.parametrize("flags", [("--ignore", "L507"), ("--ignore", "L"), ("--select", "W")])
def test_no_flag_takes_the_policy_away(resolver, good: Path, machine: Path, flags: tuple[str, str]) -> None:
    policy(machine, '[policy]\nlicences = ["mit"]\n[ignore]\nL507 = "no"\n')
    assert resolver("path", good, *flags).code == 1
    ran = resolver("check", good, *flags)
    assert ran.code == 1
    assert "error[L507]" in ran.out


def test_pickle_never_refuses_what_a_loader_would_open(resolver, good: Path, machine: Path) -> None:
    policy(machine, '[policy]\npickle = "never"\n')
    assert resolver("path", good).code == 0
    (good / "model.safetensors").unlink()
    (good / "pytorch_model.bin").write_bytes(hostile.call("collections.OrderedDict"))
    assert "error[S607] pickle-forbidden: pytorch_model.bin: a loader opens it" in resolver("path", good).err


def test_only_approved_models_resolve(resolver, machine: Path) -> None:
    approved, other = model_dir(machine / "input/one"), model_dir(machine / "input/two")
    edit_json(other / "config.json", lambda config: {**config, "eos_token_id": 5})
    lock_dir(approved, PRIVATE)
    lock_dir(other, "our-lab/other")
    write_lock(machine / "work/approved.lock", locked_model(approved, PRIVATE, hub(PRIVATE), path=None))
    policy(machine, '[policy]\napproved = ["approved.lock"]\n')
    ran = resolver("path", PRIVATE, "--format", "json")
    (found,) = ran.json["resolutions"]
    assert (found["path"], found["confidence"]) == (str(approved), "exact")
    assert any("vouches for sha256:" in each for each in found["evidence"])
    assert resolver("path", "our-lab/other").code == 1
    assert "error[I907]" in resolver("check", "our-lab/other").out
    verdicts = {each["path"]: each["verdict"] for each in resolver("list", "--format", "json").json["models"]}
    assert (verdicts[str(approved)], verdicts[str(other)]) == ("usable", "unusable")


def test_a_digest_in_the_settings_makes_exact_and_forbids_nothing(resolver, machine: Path) -> None:
    model = lock_dir(model_dir(machine / "input/one"), PRIVATE)
    other = model_dir(machine / "other")
    policy(machine, f'[digests]\n"{PRIVATE}" = "sha256:{model.tree_sha256}"\n')
    assert resolver("path", PRIVATE, "--format", "json").json["resolutions"][0]["confidence"] == "exact"
    assert resolver("path", other).code == 0


def test_least_confidence_is_of_the_policy_and_its_file_is_named(resolver, machine: Path) -> None:
    lock_dir(model_dir(machine / "input/one"), PRIVATE)
    ran = resolver("path", PRIVATE)
    assert ran.code == 0
    assert ran.err.startswith("note: declared: resolver.lock in")
    policy(machine, '[policy]\nminimum_confidence = "exact"\n')
    ran = resolver("path", PRIVATE)
    assert (ran.code, ran.out) == (3, "")
    assert f"is declared only, less than minimum_confidence of {machine}/work/resolver.toml allows" in ran.err


@pytest.mark.parametrize(
    "text", ['minimum_confidence = "exact"', "[policy]\nx = 1", 'locks = ["absent"]', '[policy]\napproved = ["absent"]']
)
@pytest.mark.parametrize("command", ["path", "check", "inspect", "list"])
def test_a_policy_that_cannot_be_read_is_usage(resolver, good: Path, machine: Path, text: str, command: str) -> None:
    policy(machine, text)
    ran = resolver(command, *(() if command == "list" else (good,)))
    assert (ran.code, ran.out) == (2, "")
    assert "resolver.toml" in ran.err


def test_an_administrators_policy_stands_in_the_environment(resolver, good, machine, monkeypatch) -> None:
    (machine / "policy.toml").write_text('[policy]\nlicences = ["mit"]\n')
    monkeypatch.setenv("RESOLVER_CONFIG", str(machine / "policy.toml"))
    assert f"policy {machine}/policy.toml" in resolver("path", good).err
    monkeypatch.setenv("RESOLVER_CONFIG", str(machine / "absent.toml"))
    assert resolver("path", good).code == 2


def test_the_library_refuses_too(good: Path, machine: Path) -> None:
    from resolver import ModelRejected, check_model, resolve_model
    from resolver.errors import ConfigurationError

    policy(machine, '[policy]\nlicences = ["mit"]\n')
    with pytest.raises(ModelRejected, match="L507"):
        resolve_model(good)
    with pytest.raises(ModelRejected, match="L507"):
        resolve_model(good, purpose="load")
    assert [each.code for each in check_model(good).errors()] == ["L507"]
    policy(machine, "[policy]\npickle = 1\n")
    for call in (resolve_model, check_model):
        with pytest.raises(ConfigurationError, match=r"policy\.pickle"):
            call(good)


def test_a_notebooks_models_are_held_too(resolver, good: Path, machine: Path) -> None:
    policy(machine, '[policy]\nlicences = ["mit"]\n')
    (machine / "work/n.py").write_text(f'from transformers import AutoModel\nAutoModel.from_pretrained("{good}")\n')
    told = resolver("notebook", "n.py", "--format", "json").json["reports"]
    assert "L507" in [each["code"] for report in told[1:] for each in report["findings"]]
