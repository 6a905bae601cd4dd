"""Damage to the tokenizer: another one's, cut down, ids without a row, a template that does not render."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from damage_tools import Harm, Scene, Touched

FILE, SETTINGS = "tokenizer.json", "tokenizer_config.json"
ROWS = ("config.json", "model.safetensors", SETTINGS)


def _settings(scene: Scene, **changes: object) -> str:
    told = {**scene.json(SETTINGS), **changes}
    return scene.write_json(SETTINGS, {key: value for key, value in told.items() if value is not None})


def tokenizer_of_another(scene: Scene) -> Touched:
    """Of a family with a larger vocabulary, whole and valid."""
    if len(scene.others) < 2:
        return None
    for name in (FILE, SETTINGS):
        shutil.copyfile(scene.others[1] / name, scene.root / name)
    return FILE, *ROWS


def drop_tokenizer(scene: Scene) -> Touched:
    (scene.root / FILE).unlink()
    return FILE, scene.root.name


def drop_tokenizer_config(scene: Scene) -> Touched:
    """tokenizer.json alone is enough."""
    (scene.root / SETTINGS).unlink()
    return SETTINGS, FILE


def drop_both(scene: Scene) -> Touched:
    for name in (FILE, SETTINGS):
        (scene.root / name).unlink()
    return FILE, SETTINGS, scene.root.name


def bad_merge(scene: Scene) -> Touched:
    value = scene.json(FILE)
    merges = value["model"].get("merges")
    if not merges:
        return None
    at = scene.dice.randrange(len(merges))
    merges[at] = [merges[at][0], "nowhere"] if isinstance(merges[at], list) else "no where"
    return scene.write_json(FILE, value)


def without_model(scene: Scene) -> Touched:
    value = scene.json(FILE)
    del value["model"]
    return scene.write_json(FILE, value)


def without_added_tokens(scene: Scene) -> Touched:
    value = scene.json(FILE)
    del value["added_tokens"]
    return scene.write_json(FILE, value)


def token_beyond_rows(scene: Scene) -> Touched:
    """A new special token behind the last row."""
    value = scene.json(FILE)
    rows = scene.json("config.json")["vocab_size"]
    value["added_tokens"].append(_added(rows + scene.dice.randrange(50), "<|new|>"))
    return scene.write_json(FILE, value), *ROWS


def many_new_tokens(scene: Scene) -> Touched:
    """As many as a fine-tune adds that forgot to resize the embeddings."""
    value = scene.json(FILE)
    rows = scene.json("config.json")["vocab_size"]
    known = {token["id"] for token in value["added_tokens"]} | _ids(value)
    first = max(known) + 1
    value["added_tokens"] += [_added(number, f"<|new{number}|>") for number in range(first, rows + 5)]
    return scene.write_json(FILE, value), *ROWS


def special_of_nowhere(scene: Scene) -> Touched:
    """An end token whose text is in no vocabulary: the library adds it, with the next free id."""
    return _settings(scene, eos_token="<|of-nowhere|>"), FILE, "config.json"


def pad_of_nowhere(scene: Scene) -> Touched:
    return _settings(scene, pad_token="<|padding-of-nowhere|>"), FILE, "config.json"


def without_pad(scene: Scene) -> Touched:
    value = scene.json(SETTINGS)
    if value.pop("pad_token", None) is None:
        return None
    return scene.write_json(SETTINGS, value), "config.json"


def pad_is_eos(scene: Scene) -> Touched:
    value = scene.json(SETTINGS)
    if not value.get("eos_token"):
        return None
    return _settings(scene, pad_token=value["eos_token"]), "config.json"


def unknown_class(scene: Scene) -> Touched:
    return _settings(scene, tokenizer_class="NobodysTokenizer")


def another_class(scene: Scene) -> Touched:
    """A class that exists and builds another tokenizer of the same file."""
    told = scene.json(SETTINGS)["tokenizer_class"]
    return _settings(scene, tokenizer_class="GPT2Tokenizer" if told != "GPT2Tokenizer" else "BertTokenizer"), FILE


def drop_vocabulary_entry(scene: Scene) -> Touched:
    """One ordinary token less; the ids of the others stay."""
    value = scene.json(FILE)
    vocabulary = value["model"].get("vocab")
    if not isinstance(vocabulary, dict):
        return None
    merged = {
        part
        for merge in value["model"].get("merges", ())
        for part in (merge if isinstance(merge, list) else merge.split(" "))
    }
    special = {token["content"] for token in value["added_tokens"]}
    free = [each for each in vocabulary if each not in special and each not in merged]
    del vocabulary[scene.dice.choice(free)]
    return scene.write_json(FILE, value)


def swap_two_ids(scene: Scene) -> Touched:
    """Two ordinary tokens take each other's ids: a valid tokenizer of another model."""
    value = scene.json(FILE)
    vocabulary = value["model"].get("vocab")
    if not isinstance(vocabulary, dict):
        return None
    special = {token["content"] for token in value["added_tokens"]}
    one, other = scene.dice.sample([each for each in vocabulary if each not in special], 2)
    vocabulary[one], vocabulary[other] = vocabulary[other], vocabulary[one]
    return scene.write_json(FILE, value)


def unknown_model_kind(scene: Scene) -> Touched:
    value = scene.json(FILE)
    value["model"]["type"] = "BPF"
    return scene.write_json(FILE, value)


def vocabulary_as_list_of_numbers(scene: Scene) -> Touched:
    value = scene.json(FILE)
    value["model"]["vocab"] = [1, 2, 3]
    return scene.write_json(FILE, value)


def template_that_does_not_compile(scene: Scene) -> Touched:
    return _template(scene, "{% for message in messages %}{{ message['content'] }")


def template_that_refuses(scene: Scene) -> Touched:
    return _template(scene, "{{ nothing.at.all.of.it }}")


def template_that_escapes(scene: Scene) -> Touched:
    return _template(scene, "{{ lipsum.__globals__['os'].popen('id').read() }}")


def _template(scene: Scene, text: str) -> Touched:
    """In the file of its own, which wins over the one in tokenizer_config.json."""
    (scene.root / "chat_template.jinja").write_text(text)
    return "chat_template.jinja"


def _added(number: int, content: str) -> dict[str, Any]:
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {"id": number, "content": content, **flags}


def _ids(value: dict[str, Any]) -> set[int]:
    vocabulary = value["model"]["vocab"]
    return set(vocabulary.values()) if isinstance(vocabulary, dict) else set(range(len(vocabulary)))


TOKENIZERS: tuple[Harm, ...] = (
    tokenizer_of_another, drop_tokenizer, drop_tokenizer_config, drop_both, bad_merge, without_model,
    without_added_tokens, token_beyond_rows, many_new_tokens, special_of_nowhere, pad_of_nowhere, without_pad,
    pad_is_eos, unknown_class, another_class, drop_vocabulary_entry, swap_two_ids, unknown_model_kind,
    vocabulary_as_list_of_numbers, template_that_does_not_compile, template_that_refuses, template_that_escapes,
)  # fmt: skip
