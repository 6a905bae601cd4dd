"""Weights that a library fetches by itself, where it is not told otherwise."""

from resolver.notebook import known_calls
from resolver.notebook.readers import read_value
from resolver.notebook.reading import PLAIN, Reading
from resolver.notebook.site import Site
from resolver.notebook.values import NONE, Arguments, Constant, Imported, Text, Values, texts_of


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
