"""Models laid out as machines have them: a directory with a published config and one small header, anywhere."""

import json
from collections.abc import Mapping
from pathlib import Path

from model_factory import write_safetensors

from resolver.catalog import fingerprint_of
from resolver.environment import Environment
from resolver.host import Host

HOST = Host(packages={"torch": "2.13.0", "transformers": "5.23.0", "safetensors": "0.8.0", "tokenizers": "0.23.3",
                      "peft": "0.21.2"})  # fmt: skip
QUANTISATION = {
    "awq": {"quant_method": "awq", "bits": 4},
    "bnb-4bit": {"quant_method": "bitsandbytes", "load_in_4bit": True},
}
SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


def place(directory: Path, hub_id: str, **changes: object) -> Path:
    """A directory that holds what that hub id publishes, in config.json; its weights are one small tensor."""
    directory.mkdir(parents=True, exist_ok=True)
    published = fingerprint_of(hub_id)
    assert published is not None, hub_id
    config: dict[str, object] = {
        "model_type": published.model_types[0],
        "hidden_size": published.hidden_size,
        "num_hidden_layers": published.num_hidden_layers,
        "num_attention_heads": published.num_attention_heads,
        "num_key_value_heads": published.num_key_value_heads,
        "intermediate_size": published.intermediate_size,
        "vocab_size": published.vocab_size,
    }
    if published.quantization:
        config["quantization_config"] = QUANTISATION.get(
            published.quantization, {"quant_method": published.quantization}
        )
    config = {key: value for key, value in {**config, **changes}.items() if value is not None}
    (directory / "config.json").write_text(json.dumps(config))
    write_safetensors(directory / "model.safetensors", {"a": ("F32", (2, 2), None)})
    return directory


def environment(root: Path, variables: Mapping[str, str] | None = None, **more: object) -> Environment:
    """A machine whose every place lies below `root`."""
    said = {"KAGGLE_CACHE_MOUNT_FOLDER": str(root / "input"), **(variables or {})}
    return Environment(home=root / "home", cwd=root / "cwd", variables=said, **more)


def hub_cache(root: Path, hub_id: str, *, commit: str = "a" * 40, ref: str | None = "main") -> Path:
    """A Hugging Face cache entry in the home of `environment(root)`, with links into blobs; the snapshot comes back."""
    folder = root / "home/.cache/huggingface/hub" / ("models--" + hub_id.replace("/", "--"))
    made = place(root / "made", hub_id)
    snapshot = folder / "snapshots" / commit
    snapshot.mkdir(parents=True)
    (folder / "blobs").mkdir(exist_ok=True)
    for file in sorted(made.iterdir()):
        blob = folder / "blobs" / f"{abs(hash(file.name)):064x}"
        file.rename(blob)
        (snapshot / file.name).symlink_to(Path("../../blobs") / blob.name)
    if ref:
        (folder / "refs").mkdir(exist_ok=True)
        (folder / "refs" / ref).write_text(commit)
    return snapshot
