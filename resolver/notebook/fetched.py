"""Weights that a library fetches by itself, where it is not told otherwise."""

import re
from typing import Final

from resolver.notebook import known_calls
from resolver.notebook.readers import read_value
from resolver.notebook.reading import PLAIN, Reading
from resolver.notebook.site import Site
from resolver.notebook.values import NONE, Arguments, Constant, Imported, Text, Values, texts_of, unknown

_PIPELINES: Final = ("pipeline", "transformers.pipeline", "optimum.pipelines.pipeline")
# What ultralytics fetches by its bare name where no such file is there.
_YOLO: Final = re.compile(r"(?:yolo\w*|yolo_nas_\w|rtdetr-\w|sam2?_\w+|mobile_sam|FastSAM-\w)[\w.-]*?(?:\.pt)?")
_FILES: Final = (".pt", ".pth", ".bin", ".safetensors", ".ckpt")
_KAGGLE: Final = "https://www.kaggle.com/models/"


def default_model(reading: Reading, name: str, arguments: Arguments, site: Site) -> None:
    """`pipeline("text-generation")`: without a model the hub's default for the task is fetched."""
    tasks = texts_of(arguments.take(0, "task") or ())
    model = arguments.take(1, "model") or NONE
    if name in _PIPELINES and tasks and model == NONE and not arguments.is_open:
        form = "attach a model and name its path: pipeline(task, model=...)"
        reading.needs_network(f"{site.name}({tasks[0]!r}) without a model", reading.spot(site.node), form)


def named_weights(reading: Reading, arguments: Arguments, site: Site) -> None:
    """`weights="imagenet"` of Keras, `weights="DEFAULT"` or `ResNet50_Weights.DEFAULT` of torchvision."""
    for key in ("weights", "encoder_weights"):
        for value in arguments.named.get(key, ()):
            named = value.text if isinstance(value, Text) else value.name if isinstance(value, Imported) else ""
            if named in {"imagenet", "DEFAULT"} or "_Weights." in named or named.startswith("IMAGENET1K_"):
                form = "attach the weights as a dataset, pass weights=None, and load them from their file"
                reading.needs_network(f"{site.name}({key}={named.rpartition('.')[2]!r})", reading.spot(site.node), form)


def zoo_model(reading: Reading, arguments: Arguments, site: Site) -> Values:
    """`timm.create_model(name, pretrained=True)` and its kind fetch weights unless a file is named."""
    asked = arguments.named.get("pretrained", NONE)
    has_file = any(key in arguments.named for key in ("checkpoint_path", "pretrained_cfg_overlay"))
    if asked == (Constant(value=True),) and not has_file:
        form = "attach the weights and pass pretrained_cfg_overlay=dict(file=...)"
        reading.needs_network(f"{site.name}(pretrained=True)", reading.spot(site.node), form)
    for value in arguments.named.get("checkpoint_path", ()):
        read_value(reading, value, "model", PLAIN, site, takes_objects=False)
    return (Imported(site.name, is_instance=True),)


def open_clip(reading: Reading, arguments: Arguments, site: Site) -> Values:
    """`open_clip.create_model_and_transforms(name, pretrained=tag)`: a tag and a name on the hub are fetched."""
    form = "attach the weights and pass pretrained= the path of their file"
    for text in texts_of(arguments.take(0, "model_name") or ()):
        if text.startswith("hf-hub:"):
            reading.needs_network(f"{site.name}({text!r})", reading.spot(site.node), form)
    for value in arguments.take(1, "pretrained") or ():
        if isinstance(value, Text) and value.text and "/" not in value.text and not value.text.endswith(_FILES):
            reading.needs_network(f"{site.name}(pretrained={value.text!r})", reading.spot(site.node), form)
        elif isinstance(value, Text) and value.text:
            read_value(reading, value, "weights", PLAIN, site, takes_objects=True)
    return unknown(f"what {site.name}() gives")


def yolo(reading: Reading, arguments: Arguments, site: Site) -> Values:
    """`YOLO("yolov8n.pt")`: a name that ultralytics knows is fetched where no such file is there."""
    for value in arguments.take(0, "model") or ():
        if not isinstance(value, Text) or value.text.endswith((".yaml", ".yml")):
            continue
        if _YOLO.fullmatch(value.text) and not value.resolved and not reading.may_hold(value.text):
            form = "attach the weights as a dataset and name the path of their file"
            reading.needs_network(f"{site.name}({value.text!r})", reading.spot(site.node), form)
        else:
            read_value(reading, value, "weights", PLAIN, site, takes_objects=True)
    return (Imported(site.name, is_instance=True),)


def tensorflow_hub(reading: Reading, arguments: Arguments, site: Site) -> Values:
    """`hub.KerasLayer(address)`: one of Kaggle's own is taken from what is attached, every other is fetched."""
    for value in arguments.take(0, "handle") or ():
        if not isinstance(value, Text) or value.resolved:
            continue
        if value.text.startswith(_KAGGLE):
            reading.use(value, "model", site.name, reading.spot(site.node), resolves=True)
        elif value.text.startswith(("http://", "https://", "gs://")):
            form = "attach the model and name its path below /kaggle/input"
            reading.needs_network(f"{site.name} of an address", reading.spot(site.node), form)
        else:
            read_value(reading, value, "weights", PLAIN, site, takes_objects=True)
    return (Imported(site.name, is_instance=True),)


def torch_hub(reading: Reading, arguments: Arguments, site: Site) -> Values:
    """`torch.hub.load(…)`: the repository is fetched where its source is not local."""
    values = arguments.take(0, "repo_or_dir") or ()
    if "local" in texts_of(arguments.named.get("source", ())):
        for value in values:
            read_value(reading, value, "code", PLAIN, site, takes_objects=False)
    else:
        form = known_calls.NETWORK["hub.load"]
        reading.needs_network(site.name, reading.spot(site.node), form)
    return (Imported(site.name, is_instance=True),)
