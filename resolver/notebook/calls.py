"""What the calls of libraries read, write, fetch and give.

Nothing is called: a name decides, and what a name does not tell stays unknown.
"""

import ast
import posixpath
import re
from collections.abc import Callable, Iterator
from typing import Final

from resolver.notebook import known_calls, methods, objects
from resolver.notebook.facts import WORKING
from resolver.notebook.reading import PLAIN, How, Reading, member
from resolver.notebook.shell_lines import run_shell
from resolver.notebook.values import (
    DEVICE,
    NONE,
    Arguments,
    Constant,
    Exists,
    Function,
    Imported,
    Items,
    Partial,
    Text,
    Thing,
    Unknown,
    Value,
    Values,
    as_text,
    joined,
    texts_of,
    united,
    unknown,
    why_unknown,
)
from resolver.record import Record

_LOCAL_FORMATS: Final = ("csv", "json", "parquet", "text", "arrow", "pandas", "imagefolder", "audiofolder")
_ADDRESS: Final = ("http://", "https://", "ftp://", "s3://", "gs://", "hf://")
_DEVICE: Final = re.compile(r"cuda(?::(\d+))?")
DTYPES: Final = ("float16", "bfloat16", "float32")
_MAPS: Final = ("map", "imap", "imap_unordered", "map_async", "starmap", "spawn")
_LOCAL: Final = re.compile(r"https?://(localhost|127\.0\.0\.1|0\.0\.0\.0)(?=[:/]|$)")
_GIVES_UP: Final = ("exists", "isdir", "isfile", "lexists", "is_dir", "is_file")


class Site(Record):
    """A call as it stands in the code: its name as written, and the node."""

    name: str
    node: ast.Call


def dotted(node: ast.expr) -> str:
    """A call's name as written: "AutoModel.from_pretrained", "UserSecretsClient().get_secret"."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    if isinstance(node, ast.Call):
        return f"{dotted(node.func)}()"
    return "(…)"


def call_value(reading: Reading, value: Value, arguments: Arguments, site: Site) -> Values:
    """What a call of a value gives."""
    if isinstance(value, Function):
        return reading.invoke(value, arguments)
    if isinstance(value, Partial):
        return call_value(reading, value.target, _more(value.arguments, arguments), Site(value.name, site.node))
    if isinstance(value, Thing) and value.kind == "class":
        return objects.instance(reading, value, arguments)
    if isinstance(value, Thing) and (method := member(value, "__call__") or member(value, "forward")):
        return united(*(call_value(reading, each, arguments, site) for each in method))
    if isinstance(value, Imported) and value.is_instance:  # model(inputs), tokenizer(texts)
        _hand_over(reading, arguments, site)
        return unknown(f"what {site.name}() gives")
    return library(reading, value.name if isinstance(value, Imported) else site.name, arguments, site)


def call_method(reading: Reading, owner: Value, name: str, arguments: Arguments, site: Site) -> Values:
    """What a call of a value's method gives."""
    found = member(owner, name)
    if found is not None:
        return united(*(call_value(reading, each, arguments, site) for each in found))
    if isinstance(owner, Thing):
        given = objects.method(reading, owner, name, arguments)
        return library(reading, site.name, arguments, site) if given is None else given
    if isinstance(owner, Text):
        return _of_text(reading, owner, name, arguments, site)
    return library(reading, f"{owner.name}.{name}" if isinstance(owner, Imported) else site.name, arguments, site)


def _of_text(reading: Reading, text: Text, name: str, arguments: Arguments, site: Site) -> Values:
    if text.is_path and name in _GIVES_UP:
        return _exists(reading, (text,))
    if text.is_path and name in ("open", "read_text", "read_bytes", "glob", "rglob", "iterdir"):
        mode = arguments.take(0, "mode") if name == "open" else None
        return _opened(reading, (text,), mode, site)
    if text.is_path and name in ("write_text", "write_bytes", "mkdir", "touch", "symlink_to"):
        reading.writes((text,))
        return NONE
    given = methods.of_text(text, name, arguments)
    return unknown(f"what {site.name}() gives") if given is None else given


def library(reading: Reading, name: str, arguments: Arguments, site: Site) -> Values:
    """What a call of a library's function gives, all that it reads and needs being recorded."""
    _hand_over(reading, arguments, site)
    _asks(reading, arguments, site)
    if name.startswith("torchvision.models."):
        _pretrained_zoo(reading, arguments, site)
    _pretrained(reading, arguments, site)
    for tail in known_calls.tails(name):
        if tail in _SPECIAL:
            return _SPECIAL[tail](reading, arguments, site)
    reader = known_calls.reader_of(name)
    given = None if reader is None else _read(reading, reader, arguments, site)
    writer = known_calls.writer_of(name)
    if writer is not None:
        reading.writes(arguments.take(writer[0], *writer[1]))
    for keyword in known_calls.OUTPUTS:
        reading.writes(arguments.named.get(keyword))
    offline = known_calls.network_of(name)
    if offline is not None and not _is_switched_off(reading, name, arguments) and not _is_local(arguments):
        reading.needs_network(site.name, reading.spot(site.node), offline)
        reading.raises_offline += 1
    if given is not None:
        return given
    last = name.rpartition(".")[2]
    is_object = last[:1].isupper() or last.startswith("from_") or reader is not None
    return (Imported(name, is_instance=True),) if is_object else unknown(f"what {site.name}() gives")


def _more(given: Arguments, then: Arguments) -> Arguments:
    named = {**given.named, **then.named}
    return Arguments((*given.positional, *then.positional), named, given.is_open or then.is_open)


def _hand_over(reading: Reading, arguments: Arguments, site: Site) -> None:
    """Functions among the arguments: a library will call them, with what stands beside them where that is said."""
    rows = _rows(site, arguments)
    if rows is not None:
        for called in arguments.positional[0]:
            for row in rows:
                call_value(reading, called, row, Site(dotted(site.node.args[0]), site.node))
        return
    target = arguments.named.get("target") or arguments.named.get("initializer") or ()
    given = arguments.named.get("args") or arguments.named.get("initargs") or ()
    for function in target:
        if isinstance(function, Function) and given and isinstance(given[0], Items):
            reading.invoke(function, Arguments(given[0].items))
    for number, values in enumerate(arguments.positional):
        for value in values:
            if number == 0 and len(arguments.positional) > 1 and _is_callable(value, site):
                rest = Arguments(arguments.positional[1:], arguments.named)  # submit(f, *arguments)
                call_value(reading, value, rest, Site(dotted(site.node.args[0]), site.node))
        reading.hand_over(values)
    for values in arguments.named.values():
        reading.hand_over(values)


def _is_callable(value: Value, site: Site) -> bool:
    """Whether a first argument is called at once: a function of the notebook, or a loader by its name."""
    if site.name.rpartition(".")[2] in ("partial", *_MAPS):
        return False
    if isinstance(value, Function | Partial):
        return True
    name = dotted(site.node.args[0]) if site.node.args else ""
    return isinstance(value, Imported | Unknown) and name.endswith(".from_pretrained")


def _rows(site: Site, arguments: Arguments) -> list[Arguments] | None:
    """What `map` and its kind call their first argument with, call after call; None where that is not known."""
    last = site.name.rpartition(".")[2]
    if last not in _MAPS or not site.node.args or not arguments.positional:
        return None
    if last == "spawn":  # torch.multiprocessing: the rank first
        given = arguments.take(1, "args") or ()
        items = objects.known_items(given)
        return None if items is None else [Arguments((unknown("the rank of a process"), *items))]
    lists = [objects.known_items(each) for each in arguments.positional[1:]]
    if not lists or any(each is None or len(each) > objects.MAX_ITEMS for each in lists):
        return None
    if last == "starmap":
        return [Arguments(objects.known_items(each) or (each,)) for each in lists[0] or ()]
    return [Arguments(row) for row in zip(*(each or () for each in lists), strict=False)]


def _asks(reading: Reading, arguments: Arguments, site: Site) -> None:
    """What the arguments say of the accelerator."""
    spot = None
    for key, values in (*(("", each) for each in arguments.positional), *arguments.named.items()):
        for value in values:
            what = _asked(key, value)
            if what:
                spot = spot or reading.spot(site.node)
                reading.asks(what, spot, value.conditions if isinstance(value, Text) else ())


def _asked(key: str, value: Value) -> str:
    if isinstance(value, Imported):
        return "bfloat16" if value.name in ("torch.bfloat16", "jax.numpy.bfloat16") else ""
    if key in ("tensor_parallel_size", "data_parallel_size"):
        return "two devices" if isinstance(value, Constant) and (value.value or 0) > 1 else ""
    if not isinstance(value, Text):
        return ""
    if key in ("dtype", "torch_dtype") and value.text in ("bfloat16", "auto"):
        return "bfloat16" if value.text == "bfloat16" else ""
    if key == "attn_implementation":
        return "flash-attention" if value.text.startswith("flash_attention") else ""
    device = _DEVICE.fullmatch(value.text)
    return "" if device is None else "two devices" if int(device[1] or 0) > 0 else "cuda"


def _is_local(arguments: Arguments) -> bool:
    """Whether an address is this machine's own: a server that the notebook has started."""
    given = (*arguments.positional, *arguments.named.values())
    return any(_LOCAL.match(text) for values in given for text in texts_of(values))


def _is_switched_off(reading: Reading, name: str, arguments: Arguments) -> bool:
    """Whether Weights & Biases is told to stay offline."""
    if not name.startswith("wandb."):
        return False
    modes = (*reading.environ.get("WANDB_MODE", ()), *arguments.named.get("mode", ()))
    disabled = reading.environ.get("WANDB_DISABLED", ())
    return any(each in ("offline", "disabled", "dryrun") for each in texts_of(modes)) or bool(disabled)


# Readers


def _read(reading: Reading, reader: known_calls.Reader, arguments: Arguments, site: Site) -> Values | None:
    """Record what a reader is given; what it gives where that is the place of what it fetched."""
    how = _how(reading, arguments)
    fetched: Values | None = None
    for role, position, names in reader.arguments:
        values = arguments.take(position, *names)
        if values is None:
            if position == 0 and arguments.is_open and not reader.takes_objects:
                reading.is_dynamic(site.name, "arguments that are unpacked", role, reading.spot(site.node))
            continue
        for value in _flat(values):
            _read_value(reading, value, role, how, site, takes_objects=reader.takes_objects)
        fetched = fetched or values
    if not reader.fetches or fetched is None:
        return None
    placed = arguments.named.get("local_dir") or fetched
    return tuple(
        each.replaced(resolved=True, origin=None) if isinstance(each, Text) else Unknown(f"what {site.name}() gives")
        for each in placed
    )


def _read_value(reading: Reading, value: Value, role: str, how: How, site: Site, *, takes_objects: bool) -> None:
    text = as_text(value) if not isinstance(value, Constant) else None
    at = reading.spot(site.node)
    if text is not None and text.text.startswith(_ADDRESS) and role == "data":
        reading.needs_network(f"{site.name} of an address", at, "attach what it fetches as a dataset")
    elif text is not None:
        reading.use(text, role, site.name, at, how)  # type: ignore[arg-type]
    elif isinstance(value, Unknown) and not takes_objects:
        reading.is_dynamic(site.name, value.why, role, at)  # type: ignore[arg-type]


def _flat(values: Values) -> Iterator[Value]:
    for value in values:
        if isinstance(value, Items):
            for item in value.items[:50]:
                yield from item
        else:
            yield value


def _how(reading: Reading, arguments: Arguments) -> How:
    pinned = []
    for name in known_calls.PINS:
        values = arguments.named.get(name, NONE)
        if name == "cache_dir" and values == NONE:
            values = _cache(reading)
        if values != NONE:
            texts = texts_of(values)
            pinned.append((name, texts[0] if len(texts) == len(values) == 1 else ""))
    dtype = arguments.named.get("dtype") or arguments.named.get("torch_dtype") or ()
    return How(tuple(pinned), tuple(sorted(arguments.named)), _dtype(dtype))


def _cache(reading: Reading) -> Values:
    """The cache that the environment names for the libraries of Hugging Face; None where it names none."""
    named = (reading.environ[name] for name in known_calls.CACHES if name in reading.environ)
    return next(named, NONE)


def _dtype(values: Values) -> str | None:
    if len(values) != 1 or not isinstance(values[0], Text | Imported):
        return None
    name = values[0].text if isinstance(values[0], Text) else values[0].name
    last = name.rpartition(".")[2]
    return {"half": "float16", "float": "float32"}.get(last, last if last in DTYPES else None)


# Calls that are more than a reader or a writer


def _partial(_: Reading, arguments: Arguments, site: Site) -> Values:
    given = Arguments(arguments.positional[1:], arguments.named, arguments.is_open)
    name = dotted(site.node.args[0]) if site.node.args else site.name
    return tuple(Partial(each, name, given) for each in arguments.take(0) or ())


def _path(_: Reading, arguments: Arguments, __: Site) -> Values:
    return methods.path_of(list(arguments.positional))


def _join(_: Reading, arguments: Arguments, __: Site) -> Values:
    return tuple(
        each.replaced(is_path=False) if isinstance(each, Text) else each
        for each in methods.path_of(list(arguments.positional))
    )


def _as_string(_: Reading, arguments: Arguments, site: Site) -> Values:
    values = arguments.take(0) or (Text(""),)
    texts = [as_text(each) for each in values]
    if any(each is None for each in texts):
        return unknown(why_unknown(values) or f"what {site.name}() gives")
    return tuple(each for each in texts if each is not None)


def _part(made: Callable[[str], str]) -> "Callable[[Reading, Arguments, Site], Values]":
    def part(_: Reading, arguments: Arguments, site: Site) -> Values:
        values = arguments.take(0) or ()
        return tuple(
            each.made(made(each.text)) if isinstance(each, Text) else Unknown(f"what {site.name}() gives")
            for each in values
        ) or unknown(f"what {site.name}() gives")

    return part


def _exists(reading: Reading, values: Values) -> Values:
    """Whether places are there, as far as Kaggle's own are concerned."""
    texts = [each for each in values if isinstance(each, Text)]
    if len(texts) != 1 or len(values) != 1:
        return unknown("a place that may be there")
    place = reading.absolute(texts[0].text)
    if place in ("/kaggle", "/kaggle/input", WORKING, "/kaggle/lib", "/kaggle/temp", "/kaggle/src"):
        return (Constant(value=True),)
    if place.startswith("/kaggle/input/"):
        return (Exists(place),)
    if place.startswith(("/content", "/mnt", "/home", "/Users", "/data", "/workspace", "/root/autodl")):
        return (Constant(value=False),)
    return unknown("a place that may be there")


def _asked_exists(reading: Reading, arguments: Arguments, _: Site) -> Values:
    return _exists(reading, arguments.take(0, "path", "s") or ())


def _open(reading: Reading, arguments: Arguments, site: Site) -> Values:
    return _opened(reading, arguments.take(0, "file") or (), arguments.take(1, "mode"), site)


def _opened(reading: Reading, values: Values, mode: Values | None, site: Site) -> Values:
    modes = texts_of(mode or (Text("r"),))
    if any(set(each) & set("wax+") for each in modes):
        reading.writes(values)
    else:
        for value in values:
            _read_value(reading, value, "data", PLAIN, site, takes_objects=True)
    return unknown("what a file holds")


def _environment_get(reading: Reading, arguments: Arguments, _: Site) -> Values:
    names = texts_of(arguments.take(0, "key") or ())
    default = arguments.take(1, "default") or NONE
    if len(names) != 1:
        return unknown("a variable of the environment")
    return environment(reading, names[0], default)


def environment(reading: Reading, name: str, default: Values | None) -> Values:
    """What a variable of the environment may be where the notebook runs; its default where nothing sets it."""
    if name in reading.environ:
        return reading.environ[name]
    if name.startswith("KAGGLE_"):  # one of Kaggle's own: set in some sessions
        return united((Unknown(f"the variable {name}"),), default or ())
    if default is None or (default == NONE and not name.startswith("COLAB")):
        return unknown(f"the variable {name}")
    return default


def _environment_set(reading: Reading, arguments: Arguments, _: Site) -> Values:
    for name in texts_of(arguments.take(0) or ()):
        reading.environ.setdefault(name, arguments.take(1) or unknown("a variable"))
    return NONE


def _environment_update(reading: Reading, arguments: Arguments, _: Site) -> Values:
    for value in arguments.take(0) or ():
        if isinstance(value, Thing):
            reading.environ.update(value.members)
    reading.environ.update(arguments.named)
    return NONE


def _chdir(reading: Reading, arguments: Arguments, _: Site) -> Values:
    for path in texts_of(arguments.take(0, "path") or ()):
        reading.directory = reading.absolute(path)
    return NONE


def _shell(reading: Reading, arguments: Arguments, site: Site) -> Values:
    line = arguments.take(0, "args", "cmd") or ()
    for value in line:
        if isinstance(value, Items):
            words = joined(value.items, " ")
            lines = texts_of(words)
        else:
            lines = texts_of((value,))
        for text in lines:
            run_shell(reading, text, reading.spot(site.node), magic=False)
    return unknown(f"what {site.name}() gives")


def _magic(reading: Reading, arguments: Arguments, site: Site) -> Values:
    names, lines = texts_of(arguments.take(0) or ()), texts_of(arguments.take(1) or (Text(""),))
    for name in names:
        for line in lines:
            run_shell(reading, f"{name} {line}", reading.spot(site.node), magic=True)
    return NONE


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
        for value in _flat(_of_tables(arguments.named.get(key, ()))):
            if isinstance(value, Text):
                _read_value(reading, value, "data", PLAIN, site, takes_objects=True)
    return unknown(f"what {site.name}() gives")


def _of_tables(values: Values) -> Values:
    return united(*(united(*each.members.values()) if isinstance(each, Thing) else (each,) for each in values))


def _pretrained(reading: Reading, arguments: Arguments, site: Site) -> None:
    """`weights="imagenet"` of Keras, `weights="DEFAULT"` or `ResNet50_Weights.DEFAULT` of torchvision."""
    for key in ("weights", "encoder_weights"):
        for value in arguments.named.get(key, ()):
            named = value.text if isinstance(value, Text) else value.name if isinstance(value, Imported) else ""
            if named in {"imagenet", "DEFAULT"} or "_Weights." in named or named.startswith("IMAGENET1K_"):
                form = "attach the weights as a dataset, pass weights=None, and load them from their file"
                reading.needs_network(f"{site.name}({key}={named.rpartition('.')[2]!r})", reading.spot(site.node), form)


def _pretrained_zoo(reading: Reading, arguments: Arguments, site: Site) -> Values:
    """`timm.create_model(name, pretrained=True)` and its kind fetch weights unless a file is named."""
    asked = arguments.named.get("pretrained", NONE)
    has_file = any(key in arguments.named for key in ("checkpoint_path", "pretrained_cfg_overlay"))
    if asked == (Constant(value=True),) and not has_file:
        form = "attach the weights and pass pretrained_cfg_overlay=dict(file=...)"
        reading.needs_network(f"{site.name}(pretrained=True)", reading.spot(site.node), form)
    for value in arguments.named.get("checkpoint_path", ()):
        _read_value(reading, value, "model", PLAIN, site, takes_objects=False)
    return (Imported(site.name, is_instance=True),)


def _hub_load(reading: Reading, arguments: Arguments, site: Site) -> Values:
    values = arguments.take(0, "repo_or_dir") or ()
    if "local" in texts_of(arguments.named.get("source", ())):
        for value in values:
            _read_value(reading, value, "code", PLAIN, site, takes_objects=False)
    else:
        form = known_calls.NETWORK["hub.load"]
        reading.needs_network(site.name, reading.spot(site.node), form)
    return (Imported(site.name, is_instance=True),)


def _cuda(reading: Reading, _: Arguments, site: Site) -> Values:
    reading.asks("cuda", reading.spot(site.node))
    return unknown(f"what {site.name}() gives")


def _has_device(_: Reading, __: Arguments, ___: Site) -> Values:
    return (Exists(DEVICE),)


def _tpu(reading: Reading, _: Arguments, site: Site) -> Values:
    reading.asks("tpu", reading.spot(site.node))
    return (Imported(site.name, is_instance=True),)


def _gateway(reading: Reading, _: Arguments, site: Site) -> Values:
    """The server of a competition that asks for predictions writes the submission itself."""
    reading.writes((Text("submission.parquet"),))
    return unknown(f"what {site.name}() gives")


def _object(make: "Callable[[Reading, Arguments], Values]") -> "Callable[[Reading, Arguments, Site], Values]":
    return lambda reading, arguments, _: make(reading, arguments)


_SPECIAL: Final[dict[str, Callable[[Reading, Arguments, Site], Values]]] = {
    "partial": _partial,
    "path.join": _join,
    "os.path.join": _join,
    "Path": _path,
    "PurePath": _path,
    "PosixPath": _path,
    "str": _as_string,
    "fspath": _as_string,
    "path.abspath": _as_string,
    "path.realpath": _as_string,
    "path.normpath": _as_string,
    "path.expanduser": _as_string,
    "path.dirname": _part(posixpath.dirname),
    "path.basename": _part(posixpath.basename),
    "path.exists": _asked_exists,
    "path.isdir": _asked_exists,
    "path.isfile": _asked_exists,
    "path.lexists": _asked_exists,
    "open": _open,
    "gzip.open": _open,
    "io.open": _open,
    "os.getenv": _environment_get,
    "getenv": _environment_get,
    "environ.get": _environment_get,
    "environ.setdefault": _environment_set,
    "environ.update": _environment_update,
    "os.chdir": _chdir,
    "os.system": _shell,
    "subprocess.run": _shell,
    "subprocess.call": _shell,
    "subprocess.check_call": _shell,
    "subprocess.check_output": _shell,
    "subprocess.Popen": _shell,
    "get_ipython().system": _shell,
    "get_ipython().getoutput": _shell,
    "get_ipython().run_line_magic": _magic,
    "run_local_gateway": _gateway,
    "resolve_model": _resolve,
    "resolver.install": _install_guard,
    "load_dataset": _load_dataset,
    "timm.create_model": _pretrained_zoo,
    "torch.hub.load": _hub_load,
    "cuda": _cuda,
    "cuda.set_device": _cuda,
    "cuda.is_available": _has_device,
    "cuda.device_count": _has_device,
    "list_physical_devices": _has_device,
    "xla_device": _tpu,
    "TPUClusterResolver": _tpu,
    "TPUClusterResolver.connect": _tpu,
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
