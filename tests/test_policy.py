"""[policy] of resolver.toml: read key by key, obeyed by every door, and never half."""

import json
import tomllib
from pathlib import Path

import hostile
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lock_factory import hub, lock_dir, locked_model, write_lock
from model_factory import edit_json, model_dir
from mounts import HOST, environment, place

from resolver.errors import ConfigurationError, ModelRejected
from resolver.own_policy import OwnPolicy, read_digests, read_policy
from resolver.policy import Policy, Vouched, policy_of
from resolver.preflight import Question, check
from resolver.resolve import resolve
from resolver.rules.policy import CODES, RULES, identifiers
from resolver.rules.rule import Evidence, Intent
from resolver.settings import load_settings

LLAMA = "meta-llama/Meta-Llama-3-8B-Instruct"
PRIVATE = "our-lab/secret-7b"
DIGEST = "ab" * 32
FILE = Path("resolver.toml")


def read(text):
    return read_policy(FILE, tomllib.loads(text))


def test_every_key_is_read():
    text = f'minimum_confidence = "exact"\nlicences = ["MIT", " Llama3 "]\napproved = ["a.lock", "sha256:{DIGEST}"]\npickle = "never"'
    assert read(text) == OwnPolicy("exact", ("mit", "llama3"), (Path("a.lock"),), (DIGEST,), no_pickle=True)


def test_an_empty_list_of_approved_models_approves_none():
    assert read("approved = []").approved_locks == ()
    assert read("").approved_locks is None
    assert read("licences = []").licences == ()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("pickles = 'never'", "policy.pickles is not known"),
        ("pickle = true", "policy.pickle"),
        ("pickle = 'sometimes'", "policy.pickle"),
        ("pickle = []", "policy.pickle"),
        ("minimum_confidence = 'guess'", "policy.minimum_confidence"),
        ("minimum_confidence = 1", "policy.minimum_confidence"),
        ("licences = 'mit'", "policy.licences"),
        ("licences = [1]", "policy.licences"),
        ("licences = ['']", "policy.licences"),
        ("approved = {}", "policy.approved"),
        ("approved = ['sha256:12']", "policy.approved"),
        (f"approved = ['sha256:{DIGEST.upper()}']", "policy.approved"),
    ],
)
def test_a_policy_that_cannot_be_used_names_file_and_key(text, named):
    with pytest.raises(ConfigurationError, match=named) as caught:
        read(text)
    assert str(FILE) in str(caught.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
)
keys = st.sampled_from(["minimum_confidence", "licences", "approved", "pickle", "other"])


@given(st.one_of(json_values, st.dictionaries(keys, json_values | st.just("never") | st.just(["mit"]))))
def test_any_table_is_a_policy_or_a_complaint(value):
    try:
        policy = read_policy(FILE, value)
    except ConfigurationError as error:
        assert str(FILE) in str(error)  # noqa: PT017 - either will do
    else:
        assert ("licences" in value) == (policy.licences is not None)
        assert ("approved" in value) == (policy.approved_locks is not None)
        assert (value.get("pickle") == "never") == policy.no_pickle


@given(json_values)
def test_any_digests_are_a_table_or_a_complaint(value):
    try:
        digests = read_digests(FILE, value)
    except ConfigurationError:
        return
    assert all(len(each) == 64 for each in digests.values())


def written(tmp_path, text, name="resolver.toml"):
    path = tmp_path / name
    path.write_text(text)
    return load_settings(environment(tmp_path), path)


@pytest.mark.parametrize(
    "text",
    [
        'locks = ["absent.lock"]',
        '[policy]\napproved = ["absent.lock"]',
        f'[digests]\n"./a" = "sha256:{DIGEST}"',
        f'[digests]\n"" = "sha256:{DIGEST}"',
    ],
)
def test_what_the_settings_name_and_cannot_be_read_is_refused(tmp_path, text):
    with pytest.raises(ConfigurationError, match=r"resolver\.toml"):
        policy_of(written(tmp_path, text))


def test_locks_lie_beside_the_file_and_vouch(tmp_path):
    root = model_dir(tmp_path / "made")
    model = locked_model(root, PRIVATE, hub(PRIVATE), path=None)
    write_lock(tmp_path / "ours" / "our.lock", model)
    policy = policy_of(written(tmp_path, f'locks = ["ours/our.lock"]\n[digests]\n"{LLAMA}" = "sha256:{DIGEST}"'))
    assert [each.tree_sha256 for each in policy.vouched] == [model.tree_sha256, DIGEST]
    assert policy.approved is None
    assert not policy.restricts


@pytest.mark.parametrize(
    "spelling", ["[tool.resolver.policy]", "[ tool . resolver . policy ]", '[tool."resolver".policy]']
)
def test_a_policy_in_pyproject_is_found_however_it_is_spelt(tmp_path, spelling):
    assert written(tmp_path, f'{spelling}\npickle = "never"\n', "pyproject.toml").policy.no_pickle


@pytest.mark.parametrize(
    "text", ["[tool]\nresolver.policy.pickle = 'never'", "tool = {resolver = {policy = {pickle = 'never'}}}"]
)
def test_a_policy_in_an_inline_table_is_found_too(tmp_path, text):
    assert written(tmp_path, text, "pyproject.toml").policy.no_pickle


@pytest.mark.parametrize("make", [lambda path: path.symlink_to("nowhere"), lambda path: path.mkdir()])
def test_a_resolver_toml_that_is_no_file_is_not_passed_over(tmp_path, make):
    here = environment(tmp_path)
    here.cwd.mkdir()
    make(here.cwd / "resolver.toml")
    with pytest.raises(ConfigurationError):
        load_settings(here)


def test_a_tool_resolver_that_is_no_table_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match=r"tool\.resolver has to be a table"):
        written(tmp_path, "[tool]\nresolver = 1", "pyproject.toml")


def rejected(text, tmp_path, policy):
    with pytest.raises(ModelRejected) as caught:
        resolve(text, environment(tmp_path), HOST, policy)
    return [(each.code, each.severity) for each in caught.value.report.findings], str(caught.value)


def licensed(root, licence):
    (model_dir(root) / "README.md").write_text(f"---\nlicense: {licence}\n---\n")
    return root


def test_a_licence_that_is_not_allowed_is_refused_with_file_and_key(tmp_path):
    root = licensed(tmp_path / "m", "llama3")
    allowed = Policy(FILE, licences=("mit", "llama3"))
    assert resolve(str(root), environment(tmp_path), HOST, allowed).path == root
    codes, text = rejected(str(root), tmp_path, Policy(FILE, licences=("mit",)))
    assert codes == [("L507", "error")]
    assert "licences of [policy] in resolver.toml" in text


def test_an_unknown_licence_is_not_allowed(tmp_path):
    codes, text = rejected(str(model_dir(tmp_path / "m")), tmp_path, Policy(FILE, licences=("mit",)))
    assert codes == [("L507", "error")]
    assert "no licence is stated" in text


@pytest.mark.parametrize(
    ("card", "text", "wanted"),
    [
        ("license: MIT", None, ("mit",)),
        ("license:\n- mit\n- llama3", None, ("mit", "llama3")),
        ("license: other\nlicense_name: Our-Licence", None, ("our-licence",)),
        ("license: apache-2.0", "META LLAMA 3 COMMUNITY LICENSE AGREEMENT", ("apache-2.0", "llama3")),
        (None, "Llama 3.1 Community License Agreement", ("llama3.1",)),
        (None, "Gemma Terms of Use", ("gemma",)),
        (None, "Apache License", ("apache-2.0",)),
        (None, "The MIT License (MIT)", ("mit",)),
        (None, "Licence of Our Lab", ("licence of our lab",)),
        ("license: mit", "Licence of Our Lab", ("mit",)),
        (None, None, ("unknown",)),
    ],
)
def test_licences_are_told_by_card_and_text(tmp_path, card, text, wanted):
    from resolver.inspection.describe import describe

    root = model_dir(tmp_path / "m")
    if card:
        (root / "README.md").write_text(f"---\n{card}\n---\n")
    if text:
        (root / "LICENSE").write_text(f"{text}\n")
    assert identifiers(describe(root).licence) == wanted


def test_a_model_whose_loader_opens_a_pickle_is_refused_and_one_beside_is_not(tmp_path):
    never = Policy(FILE, no_pickle=True)
    root = model_dir(tmp_path / "m")
    (root / "training_args.bin").write_bytes(hostile.call("os.system"))
    assert resolve(str(root), environment(tmp_path), HOST, never).path == root
    report = check(str(root), environment(tmp_path), HOST, Question(policy=never))
    assert ("S607", "warning") in [(each.code, each.severity) for each in report.findings]
    (root / "model.safetensors").rename(root / "pytorch_model.bin")
    (root / "pytorch_model.bin").write_bytes(hostile.call("collections.OrderedDict"))
    assert ("S607", "error") in rejected(str(root), tmp_path, never)[0]


def test_a_pickle_in_a_part_of_a_sentence_transformer_is_opened(tmp_path):
    root = model_dir(tmp_path / "m")
    (root / "modules.json").write_text(
        json.dumps([{"path": "", "type": "a.Transformer"}, {"path": "2_Dense", "type": "a.Dense"}])
    )
    (root / "2_Dense").mkdir()
    (root / "2_Dense/pytorch_model.bin").write_bytes(hostile.call("collections.OrderedDict"))
    never = Policy(FILE, no_pickle=True)
    assert ("S607", "error") in rejected(str(root), tmp_path, never)[0]
    (root / "2_Dense/model.safetensors").write_bytes((root / "model.safetensors").read_bytes())
    assert resolve(str(root), environment(tmp_path), HOST, never).path == root


def approving(*models, digests=()):
    by_lock = tuple(Vouched("approved.lock", each.tree_sha256, (), each) for each in models)
    return Policy(FILE, approved=(*by_lock, *(Vouched("policy.approved", each) for each in digests)))


def test_only_what_is_approved_resolves_whatever_it_is_called(tmp_path):
    root = model_dir(tmp_path / "m")
    other = model_dir(tmp_path / "other")
    edit_json(other / "config.json", lambda config: {**config, "eos_token_id": 5})
    policy = approving(locked_model(root, PRIVATE, hub(PRIVATE)))
    assert resolve(str(root), environment(tmp_path), HOST, policy).path == root
    codes, text = rejected(str(other), tmp_path, policy)
    assert codes == [("I907", "error")]
    assert "config.json has another content than the lock says" in text
    assert "approved of [policy] in resolver.toml" in text
    assert rejected(str(other), tmp_path, approving())[0] == [("I907", "error")]


def test_a_digest_approves_where_the_lock_beside_has_it(tmp_path):
    root = model_dir(tmp_path / "m")
    model = lock_dir(root, PRIVATE)
    policy = approving(digests=(model.tree_sha256,))
    assert resolve(str(root), environment(tmp_path), HOST, policy).path == root
    (root / "resolver.lock").unlink()
    assert rejected(str(root), tmp_path, policy)[0] == [("I907", "error")]
    with pytest.raises(ModelRejected, match="a digest is approved, and no lock lies with the model"):
        resolve(str(root), environment(tmp_path), HOST, policy)


def test_the_next_equal_candidate_that_is_allowed_is_taken(tmp_path):
    one = place(tmp_path / "input/llama-3/transformers/8b-chat-hf/1", LLAMA)
    two = place(tmp_path / "input/models/metaresearch/llama-3/transformers/8b-chat-hf/1", LLAMA)
    (two / "README.md").write_text("---\nlicense: llama3\n---\n")
    found = resolve(LLAMA, environment(tmp_path), HOST, Policy(FILE, licences=("llama3",)))
    assert found.path == two
    assert any(step.where == str(one) and "L507" in step.reason for step in found.trail)


def test_an_adapter_and_the_base_of_an_adapter_are_held_too(tmp_path):
    base = licensed(tmp_path / "base", "mit")
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text(
        json.dumps({"peft_type": "LORA", "base_model_name_or_path": str(base)})
    )
    here, mit = environment(tmp_path), Policy(FILE, licences=("mit",))

    def refused(text, **asked):
        report = check(text, here, HOST, Question(policy=mit, select=("L5",), **asked))
        return [each.path for each in report.findings if each.code == "L507"]

    assert refused(str(base), adapter=str(adapter)) == [str(adapter)]
    (adapter / "README.md").write_text("---\nlicense: mit\n---\n")
    assert refused(str(adapter)) == []
    (base / "README.md").unlink()
    assert refused(str(adapter)) == [str(base)]


def test_the_policy_is_judged_whatever_is_selected_or_ignored(tmp_path):
    root = model_dir(tmp_path / "m")
    asked = Question(policy=Policy(FILE, licences=("mit",)), select=("W",), ignored={"L507": "no"})
    assert [each.code for each in check(str(root), environment(tmp_path), HOST, asked).errors()] == ["L507"]


def test_without_a_policy_its_rules_are_moot(tmp_path):
    report = check(str(model_dir(tmp_path / "m")), environment(tmp_path), HOST)
    moot = {each.code for each in report.skipped if each.moot}
    assert moot >= CODES


def test_what_was_not_compared_is_not_approved(tmp_path):
    from resolver.inspection.describe import describe

    evidence = Evidence(describe(model_dir(tmp_path / "m")), Intent(policy=approving()), HOST)
    assert [each.code for rule in RULES if rule.applies(evidence) is None for each in rule(evidence)] == ["I907"]
