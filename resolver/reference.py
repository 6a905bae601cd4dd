"""What the caller wrote, as a value: a hub id, a Kaggle handle or dataset, a package, or a path.

Parsing is total and pure: it looks at the text alone, never at a disk. Whether a text that reads as a hub id is
also a directory here is for `sources/explicit_path.py` to find out.
"""

import re

from resolver.errors import MalformedReference
from resolver.record import Record

FORMS = (
    "org/name, name, hf://org/name@revision or its huggingface.co URL (hub id)",
    "owner/model/framework/variation[/version], kaggle://… or its kaggle.com URL (Kaggle model)",
    "kaggle://datasets/owner/slug[/directory] or its kaggle.com URL (Kaggle dataset)",
    "package:distribution-name[/directory] (installed package)",
    "a path: absolute, ~/…, ./… or any mount path below /kaggle/input",
)

# The third part of a Kaggle model handle, lower case as mounted (facts: frameworks seen in handles and on model pages).
FRAMEWORKS = frozenset(
    [
        "transformers",
        "pytorch",
        "keras",
        "tensorflow1",
        "tensorflow2",
        "tflite",
        "tfjs",
        "litert",
        "jax",
        "flax",
        "gguf",
        "ggml",
        "onnx",
        "paxml",
        "maxtext",
        "gemmacpp",
        "gemma.cpp",
        "tensorrtllm",
        "tensorrt-llm",
        "coral",
        "scikitlearn",
        "scikit-learn",
        "api",
        "other",
    ]
)

_REPO_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?")
_SLUG = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?")
_DISTRIBUTION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/-]*")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_MAX_REPO_ID = 96  # huggingface_hub's own bound on a repo id
_MAX_TEXT = 4096  # PATH_MAX


class HubId(Record):
    """`org/name` (or `name`) on the hub, with the revision where one was asked for."""

    repo_id: str
    revision: str | None = None

    def __str__(self) -> str:
        """`org/name`, or `hf://org/name@revision`."""
        return self.repo_id if self.revision is None else f"hf://{self.repo_id}@{self.revision}"

    @property
    def name(self) -> str:
        """The part after the organisation."""
        return self.repo_id.rpartition("/")[2]


class KaggleHandle(Record):
    """Kaggle's `owner/model/framework/variation[/version]`; the owner is None where a mount path did not show it."""

    owner: str | None
    model: str
    framework: str
    variation: str
    version: int | None = None

    def __str__(self) -> str:
        """The handle; without its owner it begins with the model."""
        parts = [self.owner, self.model, self.framework, self.variation]
        parts += [None if self.version is None else str(self.version)]
        return "/".join(part for part in parts if part is not None)

    @property
    def licence_page(self) -> str | None:
        """The page where the model's terms are accepted; None where the owner is not known."""
        return None if self.owner is None else f"https://www.kaggle.com/models/{self.owner}/{self.model}"


class KaggleDataset(Record):
    """A Kaggle dataset that holds a model, and the directory within it; the owner is None where it is not known."""

    owner: str | None
    slug: str
    directory: str = ""

    def __str__(self) -> str:
        """`kaggle://datasets/owner/slug[/directory]`; an unknown owner is written "?"."""
        tail = f"/{self.directory}" if self.directory else ""
        return f"kaggle://datasets/{self.owner or '?'}/{self.slug}{tail}"


class PackageRef(Record):
    """An installed distribution that carries a model, and the directory within it."""

    distribution: str
    directory: str = ""

    def __str__(self) -> str:
        """`package:name[/directory]`."""
        return f"package:{self.distribution}" + (f"/{self.directory}" if self.directory else "")


class LocalPath(Record):
    """A path as written; "~" and variables are expanded by whoever has an environment."""

    text: str

    def __str__(self) -> str:
        """The text."""
        return self.text


Reference = HubId | KaggleHandle | KaggleDataset | PackageRef | LocalPath


def parse_reference(text: str) -> Reference:
    """Make a reference of a text.

    Args:
        text: any string; surrounding white space is dropped.

    Returns:
        One of the five kinds. For every reference `r`, `parse_reference(str(r)) == r`.

    Raises:
        MalformedReference: empty, a control character, an unknown scheme, or a scheme whose rest does not fit;
            the message says what is wrong; `FORMS` lists what is accepted.

    >>> parse_reference("hf://google/gemma-2-9b-it@main")
    HubId(repo_id='google/gemma-2-9b-it', revision='main')
    >>> parse_reference("metaresearch/llama-3/Transformers/8b-chat-hf/1").framework
    'transformers'
    >>> parse_reference("s3://bucket/model")
    Traceback (most recent call last):
    resolver.errors.MalformedReference: 's3://bucket/model' is no reference: nothing here reads s3://
    """
    stripped = text.strip()
    _refuse_unprintable(stripped)
    if stripped.lower().startswith("package:"):
        return _package(stripped)
    if match := _SCHEME.match(stripped):
        return _with_scheme(stripped, match[1].lower())
    if stripped.lower().startswith(("huggingface.co/", "hf.co/", "www.kaggle.com/", "kaggle.com/")):
        return _with_scheme(f"https://{stripped}", "https")
    return _bare(stripped)


def _malformed(text: str, why: str) -> MalformedReference:
    shown = repr(text if len(text) <= 120 else text[:117] + "…")  # noqa: PLR2004 - one line of a terminal
    return MalformedReference(f"{shown} is no reference: {why}")


def _refuse_unprintable(text: str) -> None:
    """Refuse what no name can be; a path may hold any byte but NUL, and a directory that exists is always judged."""
    if not text:
        raise _malformed(text, "it is empty; name a model, for example google/gemma-2-9b-it or a path")
    if len(text) > _MAX_TEXT:
        raise _malformed(text, f"longer than {_MAX_TEXT} characters")
    is_path = text.startswith(("/", "./", "../", "~/"))
    for character in text if not is_path or "\0" in text else "":
        if _SURROGATE.match(character):
            raise _malformed(text, "it holds bytes that are not UTF-8")
        if _CONTROL.match(character):
            raise _malformed(text, f"it holds the control character {ord(character):#04x}")


def _package(text: str) -> PackageRef:
    name, _, directory = text.partition(":")[2].partition("/")
    directory = directory.strip("/")
    if not _DISTRIBUTION.fullmatch(name):
        raise _malformed(text, "package: is followed by the name of an installed distribution")
    if _escapes(directory):
        raise _malformed(text, "the directory leaves the package")
    return PackageRef(name, directory)


def _with_scheme(text: str, scheme: str) -> Reference:
    rest = text.partition("://")[2].split("#")[0].split("?")[0].strip("/") if scheme != "kaggle" else _after(text)
    if scheme == "hf":
        return _hub(text, rest.removeprefix("models/"))
    if scheme == "kaggle":
        return _kaggle(text, rest)
    if scheme == "file":
        return LocalPath("/" + rest)
    if scheme in {"http", "https"}:
        return _url(text, rest)
    raise _malformed(text, f"nothing here reads {scheme}://")


def _after(text: str) -> str:
    return text.partition("://")[2].strip("/")


def _url(text: str, rest: str) -> Reference:
    host, _, path = rest.partition("/")
    host = host.rpartition("@")[2].lower().removeprefix("www.")
    if host in {"huggingface.co", "hf.co"}:
        repo_id, _, tail = path.partition("/tree/")
        if not tail:
            repo_id, _, tail = path.partition("/blob/")
            tail = tail.split("/")[0]
        return _hub(text, f"{repo_id}@{tail}" if tail else repo_id)
    if host == "kaggle.com":
        kind, _, handle = path.partition("/")
        if kind in {"models", "datasets"}:
            return _kaggle(text, f"{kind}/{handle}")
    raise _malformed(_without_credentials(text), "a URL has to be of a model on huggingface.co or kaggle.com")


def _without_credentials(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return scheme + separator + authority.rpartition("@")[2] + slash + path.split("?")[0]


def _hub(text: str, rest: str) -> HubId:
    repo_id, _, revision = rest.partition("@")
    reference = _hub_id(repo_id, revision or None)
    if reference is None:
        raise _malformed(text, "a hub id is org/name of letters, digits, '-', '_' and '.', at most 96 characters")
    return reference


def _hub_id(repo_id: str, revision: str | None = None) -> HubId | None:
    parts = repo_id.split("/")
    fits = (
        len(parts) <= 2  # noqa: PLR2004 - org and name
        and all(_REPO_NAME.fullmatch(part) for part in parts)
        and len(repo_id) <= _MAX_REPO_ID
        and "--" not in repo_id
        and ".." not in repo_id
        and not repo_id.endswith(".git")
        and (revision is None or (_REVISION.fullmatch(revision) is not None and ".." not in revision))
    )
    return HubId(repo_id, revision) if fits else None


def _kaggle(text: str, rest: str) -> KaggleHandle | KaggleDataset:
    kind, _, tail = rest.partition("/")
    if kind == "datasets":
        owner, _, slug = tail.partition("/")
        slug, _, directory = slug.partition("/")
        if (owner == "?" or _SLUG.fullmatch(owner)) and _SLUG.fullmatch(slug) and not _escapes(directory):
            return KaggleDataset(None if owner == "?" else owner, slug, directory)
        raise _malformed(text, "a Kaggle dataset is owner/slug[/directory]")
    handle = _handle((tail if kind == "models" else rest).split("/"))
    if handle is None:
        raise _malformed(text, "a Kaggle model is owner/model/framework/variation[/version], all four named")
    return handle


def _handle(parts: list[str]) -> KaggleHandle | None:
    """A handle of 4 or 5 parts, or None; without an owner it needs its version, as adapters write it."""
    if not all(_SLUG.fullmatch(part) for part in parts):
        return None
    count = len(parts)
    if count in {4, 5} and parts[2].lower() in FRAMEWORKS:
        version = _version(parts[4]) if count == 5 else None  # noqa: PLR2004 - the fifth part is the version
        if count == 4 or version is not None:  # noqa: PLR2004
            return KaggleHandle(parts[0], parts[1], parts[2].lower(), parts[3], version)
    if count == 4 and parts[1].lower() in FRAMEWORKS and _version(parts[3]) is not None:  # noqa: PLR2004
        return KaggleHandle(None, parts[0], parts[1].lower(), parts[2], _version(parts[3]))
    return None


def _version(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 and int(text) > 0 else None  # noqa: PLR2004


def _bare(text: str) -> Reference:
    if text.startswith(("/", ".", "~", "$")) or text.endswith("/") or "\\" in text:
        return LocalPath(text)
    if handle := _handle(text.split("/")):
        return handle
    repo_id, _, revision = text.partition("@")
    return _hub_id(repo_id, revision or None) or LocalPath(text)


def _escapes(directory: str) -> bool:
    return directory.startswith("/") or ".." in directory.split("/") or "\\" in directory


def mounted_name(parts: tuple[str, ...]) -> tuple[KaggleHandle | KaggleDataset, tuple[str, ...]] | None:
    """What a path below the mount folder stands for, and the directories below that.

    Args:
        parts: the path's parts after `/kaggle/input`.

    Returns:
        The handle or dataset and the remaining parts; None for the folder itself or a competition's.

    >>> mounted_name(("llama-3", "transformers", "8b-chat-hf", "1"))[0].variation
    '8b-chat-hf'
    >>> mounted_name(("datasets", "gmhost", "llama31instruct", "Meta-Llama-3.1-8B-Instruct"))[1]
    ('Meta-Llama-3.1-8B-Instruct',)
    """
    if not parts:
        return None
    for prefix in ("models", "m"):
        if parts[0].lower() == prefix and (named := _mounted_model(parts[1:], owned=True)):
            return named
    if parts[0].lower() in {"datasets", "notebooks"} and len(parts) > 2:  # noqa: PLR2004 - owner and slug follow
        return KaggleDataset(parts[1], parts[2], "/".join(parts[3:])), parts[3:]
    if named := _mounted_model(parts, owned=False):
        return named
    if parts[0].lower() in {"models", "m", "datasets", "notebooks", "competitions"}:
        return None
    return KaggleDataset(None, parts[0], "/".join(parts[1:])), parts[1:]


def _mounted_model(parts: tuple[str, ...], *, owned: bool) -> tuple[KaggleHandle, tuple[str, ...]] | None:
    owner, rest = (parts[0], parts[1:]) if owned and parts else (None, parts)
    if len(rest) < 3 or rest[1].lower() not in FRAMEWORKS:  # noqa: PLR2004 - model, framework, variation
        return None
    version = _version(rest[3]) if len(rest) > 3 else None  # noqa: PLR2004
    below = rest[4:] if version is not None else rest[3:]
    return KaggleHandle(owner, rest[0], rest[1].lower(), rest[2], version), below
