"""Damage to config.json and generation_config.json: numbers, names and flags that these weights do not have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from damage_tools import Harm, Scene, Touched

CONFIG = "config.json"
LAYERS = ("num_hidden_layers", "n_layer", "num_layers")
# Lists with an entry a layer: whoever edits the number by hand edits or forgets them.
PER_LAYER = ("layer_types",)


def _change(scene: Scene, keys: tuple[str, ...], new: Callable[[Any], Any], *, also: tuple[str, ...] = ()) -> Touched:
    """Give the first of the keys that config.json has another value."""
    config = scene.json(CONFIG)
    key = next((each for each in keys if config.get(each) is not None), None)
    if key is None:
        return None
    config[key] = new(config[key])
    return scene.write_json(CONFIG, config), *also


def _layers(scene: Scene, by: int) -> Touched:
    config = scene.json(CONFIG)
    key = next(each for each in LAYERS if each in config)
    config[key] += by
    for name in PER_LAYER:
        if isinstance(config.get(name), list):
            config[name] = (config[name] + config[name][-1:] * max(by, 0))[: config[key]]
    return scene.write_json(CONFIG, config)


def more_layers(scene: Scene) -> Touched:
    return _layers(scene, scene.dice.randrange(1, 4))


def fewer_layers(scene: Scene) -> Touched:
    return _layers(scene, -1)


def other_hidden_size(scene: Scene) -> Touched:
    return _change(scene, ("hidden_size", "n_embd", "d_model"), lambda number: number * scene.dice.choice((2, 4)))


def other_intermediate_size(scene: Scene) -> Touched:
    return _change(
        scene,
        ("moe_intermediate_size", "intermediate_size", "d_ff"),
        lambda number: number + 8 * scene.dice.randrange(1, 9),
    )


def other_vocab_size(scene: Scene) -> Touched:
    return _change(scene, ("vocab_size",), lambda number: number + scene.dice.choice((-8, 8, 64)))


def other_head_count(scene: Scene) -> Touched:
    return _change(scene, ("num_attention_heads", "n_head", "num_heads"), lambda number: number * 2)


def other_key_value_heads(scene: Scene) -> Touched:
    return _change(scene, ("num_key_value_heads",), lambda number: number // 2 or 4)


def other_head_dim(scene: Scene) -> Touched:
    return _change(scene, ("head_dim", "d_kv"), lambda number: number * 2)


def other_positions(scene: Scene) -> Touched:
    return _change(scene, ("max_position_embeddings", "n_positions"), lambda number: number * 2)


def size_as_text(scene: Scene) -> Touched:
    return _change(scene, ("hidden_size", "n_embd", "d_model", "vocab_size"), str)


def size_of_zero(scene: Scene) -> Touched:
    return _change(scene, ("num_attention_heads", "n_head", "num_heads"), lambda _: 0)


def size_beyond_all(scene: Scene) -> Touched:
    return _change(scene, ("vocab_size",), lambda _: 10**12)


def another_family(scene: Scene) -> Touched:
    config = scene.json(CONFIG)
    others = [name for name in ("llama", "bert", "gpt2", "qwen2") if name != config["model_type"]]
    config["model_type"] = scene.dice.choice(others)
    return scene.write_json(CONFIG, config)


def unknown_family(scene: Scene) -> Touched:
    return _change(scene, ("model_type",), lambda name: f"{name}_next")


def no_family(scene: Scene) -> Touched:
    config = scene.json(CONFIG)
    del config["model_type"]
    return scene.write_json(CONFIG, config)


def turn_tie(scene: Scene) -> Touched:
    config = scene.json(CONFIG)
    config["tie_word_embeddings"] = not config.get("tie_word_embeddings", True)
    return (
        scene.write_json(CONFIG, config),
        scene.root.name,
        "model.safetensors",
        *(each.name for each in scene.shards()),
    )


def pad_beyond_vocabulary(scene: Scene) -> Touched:
    return _put_id(scene, "pad_token_id")


def eos_beyond_vocabulary(scene: Scene) -> Touched:
    return _put_id(scene, "eos_token_id")


def _put_id(scene: Scene, role: str) -> Touched:
    config = scene.json(CONFIG)
    config[role] = config["vocab_size"] + scene.dice.randrange(100)
    return scene.write_json(CONFIG, config), "generation_config.json", "tokenizer_config.json"


def no_pad_id(scene: Scene) -> Touched:
    config = scene.json(CONFIG)
    if config.pop("pad_token_id", None) is None:
        return None
    return scene.write_json(CONFIG, config)


def other_rope_theta(scene: Scene) -> Touched:
    """Legal, and wrong: nobody can see it without knowing the model."""
    config = scene.json(CONFIG)
    rope = config.get("rope_parameters")
    if not isinstance(rope, dict) or "rope_theta" not in rope:
        return None
    rope["rope_theta"] *= scene.dice.choice((10, 50))
    return scene.write_json(CONFIG, config)


def rope_in_the_old_way(scene: Scene) -> Touched:
    """As transformers 4 wrote it: harmless, 5 reads both."""
    config = scene.json(CONFIG)
    rope = config.get("rope_parameters")
    if not isinstance(rope, dict) or "rope_theta" not in rope:
        return None
    config["rope_theta"] = config.pop("rope_parameters")["rope_theta"]
    return scene.write_json(CONFIG, config)


def unknown_rope(scene: Scene) -> Touched:
    config = scene.json(CONFIG)
    rope = config.get("rope_parameters")
    if not isinstance(rope, dict) or "rope_type" not in rope:
        return None
    rope["rope_type"] = "rubber"
    return scene.write_json(CONFIG, config)


def other_activation(scene: Scene) -> Touched:
    """Legal, and wrong, like the base frequency."""
    return _change(scene, ("hidden_act", "activation_function", "hidden_activation"), lambda _: "relu")


def unknown_activation(scene: Scene) -> Touched:
    return _change(scene, ("hidden_act", "activation_function", "hidden_activation"), lambda _: "swoosh")


def unknown_dtype(scene: Scene) -> Touched:
    return _change(scene, ("dtype", "torch_dtype"), lambda _: "float31")


def half_dtype(scene: Scene) -> Touched:
    return _change(scene, ("dtype", "torch_dtype"), lambda _: "bfloat16")


def quantised_by_an_absent_package(scene: Scene) -> Touched:
    config = scene.json(CONFIG)
    method = scene.dice.choice(("gptq", "awq", "hqq", "aqlm"))
    config["quantization_config"] = {"quant_method": method, "bits": 4, "group_size": 32}
    return scene.write_json(CONFIG, config)


def code_of_its_own(scene: Scene) -> Touched:
    """An auto_map without its files, on a family that transformers has itself."""
    config = scene.json(CONFIG)
    config["auto_map"] = {"AutoConfig": "configuration_x.XConfig", "AutoModelForCausalLM": "modeling_x.XModel"}
    return scene.write_json(CONFIG, config), "configuration_x.py", "modeling_x.py"


def weights_by_another_name(scene: Scene) -> Touched:
    config = scene.json(CONFIG)
    config["transformers_weights"] = "elsewhere.safetensors"
    return scene.write_json(CONFIG, config), "elsewhere.safetensors", scene.root.name


def other_label_count(scene: Scene) -> Touched:
    config = scene.json(CONFIG)
    if "id2label" not in config:
        return None
    count = scene.dice.choice((2, 5))
    config["id2label"] = {str(number): f"LABEL_{number}" for number in range(count)}
    config["label2id"] = {name: int(number) for number, name in config["id2label"].items()}
    return scene.write_json(CONFIG, config), scene.root.name, *(each.name for each in scene.all_weights())


def repeated_key(scene: Scene) -> Touched:
    """The last of two wins, silently."""
    file = scene.root / CONFIG
    text = file.read_text().rstrip()
    file.write_text(f'{text[:-1].rstrip()},\n  "hidden_size": 48,\n  "n_embd": 48,\n  "d_model": 48\n}}\n')
    return CONFIG


def not_a_number(scene: Scene) -> Touched:
    return _change(scene, ("rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", "norm_eps"), lambda _: float("nan"))


def deep_nesting(scene: Scene) -> Touched:
    file = scene.root / CONFIG
    text = file.read_text().rstrip()
    file.write_text(f'{text[:-1].rstrip()},\n  "deep": {"[" * 200_000}{"]" * 200_000}\n}}\n')
    return CONFIG


def generation_not_json(scene: Scene) -> Touched:
    file = scene.root / "generation_config.json"
    if not file.exists():
        return None
    file.write_text(file.read_text()[:-4])
    return file.name


def generation_eos_elsewhere(scene: Scene) -> Touched:
    file = scene.root / "generation_config.json"
    if not file.exists() or "eos_token_id" not in scene.json(file.name):
        return None
    return scene.write_json(file.name, {**scene.json(file.name), "eos_token_id": 7}), CONFIG


def drop_config(scene: Scene) -> Touched:
    (scene.root / CONFIG).unlink()
    return CONFIG, scene.root.name


def config_of_another(scene: Scene) -> Touched:
    """The config of the same family at another size."""
    if not scene.others:
        return None
    (scene.root / CONFIG).write_bytes((scene.others[0] / CONFIG).read_bytes())
    return CONFIG


CONFIGS: tuple[Harm, ...] = (
    more_layers, fewer_layers, other_hidden_size, other_intermediate_size, other_vocab_size, other_head_count,
    other_key_value_heads, other_head_dim, other_positions, size_as_text, size_of_zero, size_beyond_all,
    another_family, unknown_family, no_family, turn_tie, pad_beyond_vocabulary, eos_beyond_vocabulary, no_pad_id,
    other_rope_theta, rope_in_the_old_way, unknown_rope, other_activation, unknown_activation, unknown_dtype,
    half_dtype, quantised_by_an_absent_package, code_of_its_own, weights_by_another_name, other_label_count,
    repeated_key, not_a_number, deep_nesting, generation_not_json, generation_eos_elsewhere, drop_config,
    config_of_another,
)  # fmt: skip
