"""`repair adapter`: peft loads what it writes, and the logits are those of the live model to the bit."""

import hashlib
import json
import os
import pickle
import warnings
from pathlib import Path

import families
import pytest

from resolver.cli import main
from resolver.inspection.state_dict import read_state_dict

IDS = [[1, 5, 6, 7]]
WANTED = [
    ("llama", "SEQ_CLS", ["o_proj", "v_proj"], True),
    ("llama", "CAUSAL_LM", ["q_proj", "embed_tokens"], True),
    ("qwen2", "CAUSAL_LM", ["q_proj", "down_proj"], False),
    ("phi3", "CAUSAL_LM", ["qkv_proj"], True),
    ("gpt2", "CAUSAL_LM", ["c_attn"], True),
    ("bert", "SEQ_CLS", ["query", "value"], True),
]


def auto(task):
    import transformers

    return transformers.AutoModelForSequenceClassification if task == "SEQ_CLS" else transformers.AutoModelForCausalLM


def live_model(base, task, targets, **options):
    """A model as a notebook trains it: LoRA in place, all that is trained drawn anew."""
    import peft
    import torch

    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(7)
        model = auto(task).from_pretrained(base, **(dict(num_labels=3) if task == "SEQ_CLS" else {}))
        settings = peft.LoraConfig(task_type=task, r=4, lora_alpha=9, target_modules=targets, **options)
        live = peft.get_peft_model(model, settings)
        for parameter in live.parameters():
            if parameter.requires_grad:
                parameter.data.normal_(0, 0.1)
    return live.eval()


def trained(live):
    """What the reference notebook saves: everything that has a gradient, under its live name."""
    return {name: each.detach() for name, each in live.named_parameters() if each.requires_grad}


def logits(model):
    import torch

    with torch.no_grad():
        return model(torch.tensor(IDS)).logits


def reload(base, task, adapter):
    import peft
    import torch

    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # "Found missing adapter keys" is one
        torch.manual_seed(99)
        model = auto(task).from_pretrained(base, **(dict(num_labels=3) if task == "SEQ_CLS" else {}))
        return peft.PeftModel.from_pretrained(model, str(adapter)).eval()


def digest(place: Path) -> str:
    files = sorted(path for path in place.rglob("*") if path.is_file()) if place.is_dir() else [place]
    return hashlib.sha256(b"".join(str(each).encode() + each.read_bytes() for each in files)).hexdigest()


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    place = tmp_path_factory.mktemp("repair")
    names = {family for family, *_ in WANTED}
    # BERT without its pooler would draw it anew on every load
    return {name: families.build(place / name, name, classifier=name == "bert") for name in names}


@pytest.fixture
def saved(workshop, tmp_path):
    """The reference notebook's file: o_proj, v_proj and the score, live names, no config."""
    import torch

    live = live_model(workshop["llama"], "SEQ_CLS", ["o_proj", "v_proj"])
    torch.save(trained(live), tmp_path / "llama_3_finetuned_model.pth")
    return tmp_path / "llama_3_finetuned_model.pth"


def repair(source, base, target, *more, alpha="9"):
    return main(["repair", "adapter", str(source), "--base", str(base), "--alpha", alpha, "--to", str(target), *more])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("wanted", WANTED, ids=lambda each: f"{each[0]}-{each[1]}")
def test_peft_loads_it_and_the_logits_are_the_live_ones_to_the_bit(workshop, tmp_path, wanted):
    import torch

    family, task, targets, zipped = wanted
    live = live_model(workshop[family], task, targets)
    torch.save(trained(live), tmp_path / "x.pth", _use_new_zipfile_serialization=zipped)
    before = digest(tmp_path / "x.pth"), digest(workshop[family])
    assert repair(tmp_path / "x.pth", workshop[family], tmp_path / "made") == 0
    assert torch.equal(logits(reload(workshop[family], task, tmp_path / "made")), logits(live))
    assert (digest(tmp_path / "x.pth"), digest(workshop[family])) == before


@pytest.mark.filterwarnings("ignore")
def test_ranks_that_differ_magnitudes_and_some_layers_alone_come_back_to_the_bit(workshop, tmp_path):
    import torch

    base = workshop["llama"]
    for options in (
        {"rank_pattern": {"layers.1.self_attn.q_proj": 2}},
        {"use_dora": True},
        {"layers_to_transform": [1]},
        {"modules_to_save": ["lm_head"]},
    ):
        live = live_model(base, "CAUSAL_LM", ["q_proj"], **options)
        # alpha is one for all modules, as in the notebook; peft scales each by its own rank
        source, made = tmp_path / f"{next(iter(options))}.pth", tmp_path / next(iter(options))
        torch.save(live.state_dict() if "lm_head" in str(options) else trained(live), source)
        assert repair(source, base, made) == 0
        assert torch.equal(logits(reload(base, "CAUSAL_LM", made)), logits(live)), options


@pytest.mark.filterwarnings("ignore")
def test_half_precision_and_tensors_that_do_not_lie_in_one_piece_keep_every_bit(workshop, tmp_path):
    import torch
    from safetensors.torch import load_file

    live = live_model(workshop["llama"], "CAUSAL_LM", ["q_proj"])
    wanted = {name: each.to(torch.bfloat16) for name, each in trained(live).items()}
    turned = {name: each.t().contiguous().t() for name, each in wanted.items()}  # the same numbers, column by column
    torch.save(turned, tmp_path / "x.pth")
    assert repair(tmp_path / "x.pth", workshop["llama"], tmp_path / "made") == 0
    made = load_file(tmp_path / "made" / "adapter_model.safetensors")
    assert {name: each.dtype for name, each in made.items()} == dict.fromkeys(made, torch.bfloat16)
    assert len(made) == len(wanted)
    for name, each in wanted.items():
        assert torch.equal(made[name.replace(".default", "")], each)


@pytest.mark.filterwarnings("ignore")
def test_a_safetensors_file_of_the_same_tensors_gives_the_same_adapter(workshop, tmp_path, saved):
    import torch
    from safetensors.torch import save_file

    save_file({k: v.contiguous() for k, v in torch.load(saved).items()}, tmp_path / "x.safetensors")
    assert repair(saved, workshop["llama"], tmp_path / "one") == 0
    assert repair(tmp_path / "x.safetensors", workshop["llama"], tmp_path / "two") == 0
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_rank_targets_and_labels_are_read_and_the_preflight_takes_what_was_made(workshop, tmp_path, saved, capsys):
    assert repair(saved, workshop["llama"], tmp_path / "made") == 0
    out = capsys.readouterr().out
    assert "labels 3" in out
    made = json.loads((tmp_path / "made" / "adapter_config.json").read_text())
    assert (made["r"], made["lora_alpha"], made["task_type"]) == (4, 9, "SEQ_CLS")
    assert (made["target_modules"], made["modules_to_save"]) == (["o_proj", "v_proj"], ["score"])
    assert main(["check", str(tmp_path / "made"), "--select", "A,F,W,S6"]) == 0


def test_the_report_for_programs_names_what_was_made(workshop, tmp_path, saved, capsys):
    assert repair(saved, workshop["llama"], tmp_path / "made", "--format", "json") == 0
    told = json.loads(capsys.readouterr().out)["repair"]
    assert (told["kind"], told["tensors"]) == ("adapter", 9)
    assert told["size_bytes"] == sum(each.stat().st_size for each in (tmp_path / "made").iterdir())


class _Payload:
    def __reduce__(self):
        return os.mkdir, ("executed",)


def test_what_would_run_code_is_refused_and_nothing_runs(workshop, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.pth").write_bytes(pickle.dumps({"a.lora_A.weight": _Payload()}))
    assert repair(tmp_path / "bad.pth", workshop["llama"], tmp_path / "made") == 1
    err = capsys.readouterr().err
    assert "S601" in err
    assert "nothing was written" in err
    assert sorted(each.name for each in tmp_path.iterdir()) == ["bad.pth"]


def test_another_model_as_base_is_refused_by_its_shapes(workshop, tmp_path, saved, capsys):
    other = families.build(tmp_path / "wide", "llama_wide")
    assert repair(saved, other, tmp_path / "made") == 1
    assert "another model" in capsys.readouterr().err
    assert not (tmp_path / "made").exists()


def test_an_existing_target_and_a_missing_alpha_are_usage_errors(workshop, tmp_path, saved, capsys):
    (tmp_path / "made").mkdir()
    assert repair(saved, workshop["llama"], tmp_path / "made") == 2
    assert "exists" in capsys.readouterr().err
    assert main(["repair", "adapter", str(saved), "--base", str(workshop["llama"]), "--to", str(tmp_path / "y")]) == 2
    assert "--alpha" in capsys.readouterr().err
    for alpha in ("0", "-1", "nan", "1e3", "²"):
        assert repair(saved, workshop["llama"], tmp_path / "y", alpha=alpha) == 2


def test_a_file_cut_anywhere_or_with_any_byte_changed_never_raises(tmp_path, saved):
    data = saved.read_bytes()
    for at in range(0, len(data), 997):
        (tmp_path / "cut.pth").write_bytes(data[:at])
        assert read_state_dict(tmp_path / "cut.pth").fault is not None
    for at in range(0, 4_000, 7):
        (tmp_path / "cut.pth").write_bytes(data[:at] + bytes((data[at] ^ 0x55,)) + data[at + 1 :])
        read_state_dict(tmp_path / "cut.pth")
