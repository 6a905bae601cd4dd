"""Calls that are more than a reader or a writer, by their names."""

import posixpath
from collections.abc import Callable
from typing import Final

from resolver.notebook import asked, callables, fetched, objects, places, surroundings
from resolver.notebook.readers import flat, read_value
from resolver.notebook.reading import PLAIN, Reading
from resolver.notebook.site import Site
from resolver.notebook.values import (
    NONE,
    Arguments,
    Text,
    Thing,
    Unknown,
    Value,
    Values,
    united,
    unknown,
    why_unknown,
)

_LOCAL_FORMATS: Final = ("csv", "json", "parquet", "text", "arrow", "pandas", "imagefolder", "audiofolder")


def _resolve(reading: Reading, arguments: Arguments, site: Site) -> Values:
    """This product's own call: a name is resolved, and has a path."""
    found: list[Value] = []
    for value in arguments.take(0, "reference", "model") or ():
        if isinstance(value, Text):
            reading.use(value, "model", site.name, reading.spot(site.node), resolves=True)
            path = Text(value.text, is_path=True, resolved=True)
            found.append(Thing("resolved", {"path": (path,)}))
        else:
            reading.is_dynamic(site.name, why_unknown((value,)) or "a value", "model", reading.spot(site.node))
            found.append(Unknown("a model that is resolved"))
    return tuple(found)


def _install_guard(reading: Reading, _: Arguments, __: Site) -> Values:
    reading.guarded = True
    return NONE


def _load_dataset(reading: Reading, arguments: Arguments, site: Site) -> Values:
    at = reading.spot(site.node)
    for value in arguments.take(0, "path") or ():
        if not isinstance(value, Text) or value.text in _LOCAL_FORMATS:
            continue
        if value.text.startswith(("/", ".", "~")):
            reading.use(value, "data", site.name, at)
        elif not value.resolved:
            reading.needs_network(f"{site.name} of {value.text}", at, "attach the dataset and name its files")
    for key in ("data_files", "data_dir"):
        for value in flat(_of_tables(arguments.named.get(key, ()))):
            if isinstance(value, Text):
                read_value(reading, value, "data", PLAIN, site, takes_objects=True)
    return unknown(f"what {site.name}() gives")


def _of_tables(values: Values) -> Values:
    return united(*(united(*each.members.values()) if isinstance(each, Thing) else (each,) for each in values))


def _gateway(reading: Reading, _: Arguments, site: Site) -> Values:
    """The server of a competition that asks for predictions writes the submission itself."""
    reading.writes((Text("submission.parquet"),))
    return unknown(f"what {site.name}() gives")


def _object(make: "Callable[[Reading, Arguments], Values]") -> "Callable[[Reading, Arguments, Site], Values]":
    return lambda reading, arguments, _: make(reading, arguments)


SPECIAL: Final[dict[str, Callable[[Reading, Arguments, Site], Values]]] = {
    "partial": callables.partial,
    "path.join": places.join,
    "os.path.join": places.join,
    "Path": places.path,
    "PurePath": places.path,
    "PosixPath": places.path,
    "str": places.as_string,
    "fspath": places.as_string,
    "path.abspath": places.as_string,
    "path.realpath": places.as_string,
    "path.normpath": places.as_string,
    "path.expanduser": places.as_string,
    "path.dirname": places.part(posixpath.dirname),
    "path.basename": places.part(posixpath.basename),
    "path.exists": places.asked_exists,
    "path.isdir": places.asked_exists,
    "path.isfile": places.asked_exists,
    "path.lexists": places.asked_exists,
    "open": places.open_file,
    "gzip.open": places.open_file,
    "io.open": places.open_file,
    "os.getenv": surroundings.get_variable,
    "getenv": surroundings.get_variable,
    "environ.get": surroundings.get_variable,
    "environ.setdefault": surroundings.set_variable,
    "environ.update": surroundings.update_variables,
    "os.chdir": surroundings.change_directory,
    "os.system": surroundings.run_command,
    "subprocess.run": surroundings.run_command,
    "subprocess.call": surroundings.run_command,
    "subprocess.check_call": surroundings.run_command,
    "subprocess.check_output": surroundings.run_command,
    "subprocess.Popen": surroundings.run_command,
    "get_ipython().system": surroundings.run_command,
    "get_ipython().getoutput": surroundings.run_command,
    "get_ipython().run_line_magic": surroundings.run_magic,
    "run_local_gateway": _gateway,
    "resolve_model": _resolve,
    "resolver.install": _install_guard,
    "load_dataset": _load_dataset,
    "timm.create_model": fetched.zoo_model,
    "torch.hub.load": fetched.torch_hub,
    "create_model_and_transforms": fetched.open_clip,
    "create_model_from_pretrained": fetched.open_clip,
    "open_clip.create_model": fetched.open_clip,
    "YOLO": fetched.yolo,
    "RTDETR": fetched.yolo,
    "tensorflow_hub.load": fetched.tensorflow_hub,
    "tensorflow_hub.resolve": fetched.tensorflow_hub,
    "KerasLayer": fetched.tensorflow_hub,
    "cuda": asked.cuda,
    "cuda.set_device": asked.cuda,
    "cuda.is_available": asked.has_device,
    "cuda.device_count": asked.has_device,
    "list_physical_devices": asked.has_device,
    "xla_device": asked.tpu,
    "TPUClusterResolver": asked.tpu,
    "TPUClusterResolver.connect": asked.tpu,
    "dict": _object(objects.table),
    "SimpleNamespace": _object(objects.table),
    "Namespace": _object(objects.table),
    "OmegaConf.create": _object(objects.table),
    "EasyDict": _object(objects.table),
    "AttrDict": _object(objects.table),
    "Box": _object(objects.table),
    "Munch": _object(objects.table),
    "ConfigDict": _object(objects.table),
    "asdict": _object(objects.table),
    "vars": _object(objects.table),
    "ArgumentParser": _object(objects.parser),
    "list": _object(objects.listed),
    "tuple": _object(objects.listed),
    "sorted": _object(objects.listed),
    "set": _object(objects.listed),
    "enumerate": _object(objects.enumerated),
    "zip": _object(objects.zipped),
    "range": _object(objects.ranged),
    "getattr": _object(objects.get_attribute),
    "setattr": _object(objects.set_attribute),
}
