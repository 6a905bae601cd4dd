"""What was read of a notebook or script and of its kernel-metadata.json: values that nobody has judged yet.

What it does not know: how the values were found (`cells`, `follow`), and whether any of them is a fault (`rules`).
"""

from pathlib import Path
from typing import Final, Literal

from resolver.record import Record
from resolver.reference import KaggleDataset, KaggleHandle

WORKING: Final = "/kaggle/working"
SourceKind = Literal["model", "dataset", "kernel", "competition"]
# "runs"; "never-called": in a function that nothing calls; "guarded": behind a condition that is false where the
# notebook runs offline on Kaggle (`if not KAGGLE`); "fallback": in an `except`, so only where what is tried fails;
# "caught": tried, and the code goes on where it fails.
Reach = Literal["runs", "never-called", "guarded", "fallback", "caught"]
# A place that the code asks for before (os.path.exists), and whether it has to be there.
Condition = tuple[str, bool]
# "weights" is one file of a model, always a path; "wheels" a directory that pip installs from.
Role = Literal["model", "tokenizer", "adapter", "weights", "data", "wheels", "code"]


class Spot(Record):
    """Where something stands.

    Attributes:
        line: from 1, in the cell where there are cells, otherwise in the file.
        cell: from 1, as Jupyter counts the cells of every type; None in a plain script.
        file: the name of a `%%writefile`d or started script that it stands in; None for the notebook itself.
        snippet: that line of the source, secrets masked, at most 200 characters.
        column: where the literal itself starts, in characters of that line, and where it ends; None where it is
            composed of several or not a literal of this place.
    """

    line: int
    cell: int | None = None
    file: str | None = None
    snippet: str = ""
    column: int | None = None
    end_column: int | None = None


class Use(Record):
    """A reference that reaches a call which reads it: a loader of models, a reader of data.

    Attributes:
        text: the value, e.g. "meta-llama/Meta-Llama-3-8B-Instruct" or "/kaggle/input/x/train.csv".
        role: what the call reads it as, see `Role`.
        call: as written, e.g. "AutoModel.from_pretrained", "pd.read_csv", "!pip install".
        at: the call.
        origin: the literal that the value comes from (the call itself where it stands there).
        reach: whether the call runs, see `Reach`.
        pinned: revision, subfolder, variant or cache_dir that the call names: keyword -> value ("" where dynamic).
        keywords: the keyword arguments of the call, sorted; how a model is spread and quantised hangs on them.
        dtype: "float16", "bfloat16" or "float32" where the call names it; None where it does not.
        resolved: it goes through this product's `resolve_model(...)` or runs inside its guard: a hub id is fine.
        conditions: places that the code itself asks for before; the call runs only where all hold.
        directory: the working directory at the call, from which a relative path counts.
        parts: the literals that the value is composed of, where it is no literal itself.
    """

    text: str
    role: Role
    call: str
    at: Spot
    origin: Spot
    reach: Reach = "runs"
    pinned: tuple[tuple[str, str], ...] = ()
    keywords: tuple[str, ...] = ()
    dtype: str | None = None
    resolved: bool = False
    conditions: tuple[Condition, ...] = ()
    directory: str = WORKING
    parts: tuple[Spot, ...] = ()


class NetworkCall(Record):
    """A statement that needs the network: `pip install` of an index, a download, a login, a request.

    `what` says which in a few words ("pip install of packages", "huggingface_hub.login"); `offline_form` is what does
    the same without a network ("" where nothing does).
    """

    what: str
    at: Spot
    reach: Reach = "runs"
    offline_form: str = ""
    conditions: tuple[Condition, ...] = ()


class Dynamic(Record):
    """A loader's or reader's argument that cannot be known before running; `why` says what it hangs on."""

    call: str
    why: str
    role: Role
    at: Spot
    reach: Reach = "runs"


class LiteralSecret(Record):
    """A token or key as a literal: its kind ("Hugging Face token"), masked ("hf_***"), never the value."""

    kind: str
    masked: str
    at: Spot


class Asked(Record):
    """What the code asks of the accelerator: "cuda", "tpu", "bfloat16", "two devices", or "flash-attention".

    `looks_first`: only where it has looked whether there is one (`if torch.cuda.is_available()`).
    """

    what: str
    at: Spot
    reach: Reach = "runs"
    looks_first: bool = False


class CodeFault(Record):
    """A cell or a file that could not be read as code, and why; the others are read all the same."""

    why: str
    at: Spot | None = None


class Code(Record):
    """All that was read of the code.

    Attributes:
        path: the file.
        form: "ipynb", "percent" (a script of `# %%` cells) or "script".
        uses, network, dynamic, secrets, asked, faults: see above, in the order of the code.
        mentioned: every other path below the mount folder that stands in the code, with its spot.
        written: paths that the code writes (submission.csv …); None is among them where one could not be known.
        named: literals that a written file's name is composed of, each with that name.
        sets_offline: it sets HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE before the first loader.
        cells: number of cells; 0 for a plain script.
    """

    path: Path
    form: Literal["ipynb", "percent", "script"]
    uses: tuple[Use, ...] = ()
    network: tuple[NetworkCall, ...] = ()
    dynamic: tuple[Dynamic, ...] = ()
    secrets: tuple[LiteralSecret, ...] = ()
    asked: tuple[Asked, ...] = ()
    faults: tuple[CodeFault, ...] = ()
    mentioned: tuple[tuple[str, Spot], ...] = ()
    written: tuple[str | None, ...] = ()
    named: tuple[tuple[Spot, str], ...] = ()
    sets_offline: bool = False
    cells: int = 0


class AttachedSource(Record):
    """One line of the metadata's source lists.

    Attributes:
        kind: which list it stands in.
        text: as written.
        pointer: JSON pointer to it, e.g. "/model_sources/0".
        handle: of a model, framework in lower case; None where the text is no handle.
        dataset: of a dataset or a notebook's output, owner and slug.
        slug: of a competition.
        version: of the source, where one is named.
    """

    kind: SourceKind
    text: str
    pointer: str
    handle: KaggleHandle | None = None
    dataset: KaggleDataset | None = None
    slug: str | None = None
    version: int | None = None


class Metadata(Record):
    """kernel-metadata.json, all of its fields; None where a key is absent.

    Attributes:
        path: the file.
        sources: every attached source, in the file's order.
        internet, gpu, tpu: enable_internet, enable_gpu, enable_tpu; strings "true"/"false" are understood.
        machine_shape: the accelerator by name (machine_shape or accelerator), as written.
        code_file: the notebook or script that it belongs to.
        kernel_type: "script" or "notebook".
        language: "python", "r" …
        id: "owner/slug"; title: as written.
        docker: docker_image or docker_image_pinning_type, as written.
        faults: keys that could not be used, or why the file could not be read.
        lines: JSON pointer -> line in the file, for what is named above.
    """

    path: Path
    sources: tuple[AttachedSource, ...] = ()
    internet: bool | None = None
    gpu: bool | None = None
    tpu: bool | None = None
    machine_shape: str | None = None
    code_file: str | None = None
    kernel_type: str | None = None
    language: str | None = None
    id: str | None = None
    title: str | None = None
    docker: str | None = None
    faults: tuple[CodeFault, ...] = ()
    lines: tuple[tuple[str, int], ...] = ()
