"""Which calls read a model, a tokenizer, data or the network, and which write, by their names in the documentation.

What it does not know: the notebook.
"""

from typing import Final

from resolver.notebook.facts import Role
from resolver.record import Record


class Reader(Record):
    """A call that reads.

    Attributes:
        arguments: (role, position, keywords) of each argument that names what is read.
        takes_objects: it takes objects as well as names, so a value that is not known is no unknown reference.
        fetches: what it gives is where the model then lies: a name that is resolved.
    """

    arguments: tuple[tuple[Role, int, tuple[str, ...]], ...]
    takes_objects: bool = False
    fetches: bool = False


_MODEL: Final = Reader(
    (("model", 0, ("pretrained_model_name_or_path", "model_name", "model_name_or_path", "model_id", "repo_id")),)
)
_TOKENIZER: Final = Reader((("tokenizer", 0, ("pretrained_model_name_or_path", "tokenizer_name")),))
_DATA_WORDS: Final = ("filepath_or_buffer", "path", "source", "file", "path_or_buf", "filename", "io", "path_or_file")
_DATA: Final = Reader((("data", 0, _DATA_WORDS),), takes_objects=True)
_WEIGHTS: Final = Reader((("weights", 0, ("f", "filename", "file")),), takes_objects=True)
_CODE: Final = Reader((("code", 0, ()),))
CACHES: Final = ("HF_HUB_CACHE", "TRANSFORMERS_CACHE", "SENTENCE_TRANSFORMERS_HOME", "HF_HOME")
PINS: Final = ("revision", "subfolder", "variant", "cache_dir")

# The last name of a call; a dotted one has to fit as a whole tail.
READERS: Final[dict[str, Reader]] = {
    "pipeline": Reader((("model", 1, ("model",)), ("tokenizer", 99, ("tokenizer",))), takes_objects=True),
    "SentenceTransformer": Reader((("model", 0, ("model_name_or_path",)),)),
    "CrossEncoder": Reader((("model", 0, ("model_name", "model_name_or_path")),)),
    "LLM": Reader((("model", 0, ("model",)), ("tokenizer", 1, ("tokenizer",)))),
    "Llama": Reader((("weights", 0, ("model_path",)),)),
    "WhisperModel": Reader((("model", 0, ("model_size_or_path",)),)),
    "snapshot_download": Reader((("model", 0, ("repo_id",)),), fetches=True),
    "hf_hub_download": Reader((("model", 0, ("repo_id",)),), fetches=True),
    "cached_file": _MODEL,
    "HuggingFaceEmbeddings": Reader((("model", 99, ("model_name", "model")),)),
    "sglang.Engine": Reader((("model", 99, ("model_path",)),)),
    "from_quantized": Reader((("model", 0, ("model_name_or_path", "quant_path", "pretrained_model_name_or_path")),)),
    "InferenceSession": Reader((("weights", 0, ("path_or_bytes",)),), takes_objects=True),
    "Booster": Reader((("weights", 99, ("model_file",)),), takes_objects=True),
    "from_preset": Reader((("model", 0, ("preset",)),)),
    "load_file": _WEIGHTS,
    "safe_open": _WEIGHTS,
    "torch.load": _WEIGHTS,
    "load_checkpoint_and_dispatch": Reader((("weights", 1, ("checkpoint",)),)),
    "load_model": Reader((("weights", 0, ("filepath", "model_path")),), takes_objects=True),
    "load_weights": Reader((("weights", 0, ("filepath",)),)),
    "load_adapter": Reader((("adapter", 0, ("peft_model_id", "model_id")),)),
    "model_download": Reader((("model", 0, ("handle",)),), fetches=True),
    "dataset_download": Reader((("data", 0, ("handle",)),), fetches=True),
    "competition_download": Reader((("data", 0, ("handle",)),), fetches=True),
    "joblib.load": _DATA,
    "np.load": _DATA,
    "numpy.load": _DATA,
    "copytree": _DATA,
    "copy2": _DATA,
    "copyfile": _DATA,
    "shutil.copy": _DATA,
    "shutil.unpack_archive": _DATA,
    "ZipFile": _DATA,
    "glob": _DATA,
    "iglob": _DATA,
    "listdir": _DATA,
    "scandir": _DATA,
    "os.walk": _DATA,
    "imread": _DATA,
    "Image.open": _DATA,
    "genfromtxt": _DATA,
    "loadtxt": _DATA,
    "load_from_disk": _DATA,
    "from_csv": _DATA,
    "from_parquet": _DATA,
    "SentencePieceProcessor": Reader((("tokenizer", 0, ("model_file",)),)),
    "Tokenizer.from_file": Reader((("tokenizer", 0, ("path",)),)),
    "path.append": _CODE,
    "path.insert": Reader((("code", 1, ()),)),
    "addsitedir": _CODE,
}
_LOGIN: Final = "take it out: nothing offline needs a login"
_ATTACH: Final = "attach what it fetches as a dataset"
_WANDB: Final = 'os.environ["WANDB_MODE"] = "offline"'
# Call -> what does the same without a network.
NETWORK: Final[dict[str, str]] = {
    "huggingface_hub.login": _LOGIN,
    "login": _LOGIN,
    "notebook_login": _LOGIN,
    "interpreter_login": _LOGIN,
    "UserSecretsClient.get_secret": "take it out: secrets are served over the network",
    "UserSecretsClient().get_secret": "take it out: secrets are served over the network",
    "wandb.login": _WANDB,
    "wandb.init": _WANDB,
    "requests.get": _ATTACH,
    "requests.post": _ATTACH,
    "session.get": _ATTACH,
    "httpx.get": _ATTACH,
    "urlopen": _ATTACH,
    "urlretrieve": _ATTACH,
    "load_state_dict_from_url": _ATTACH,
    "download_url_to_file": _ATTACH,
    "KaggleApi.authenticate": "take it out: nothing offline needs a login",
    "kagglehub.login": _LOGIN,
    "gdown.download": _ATTACH,
    "wget.download": _ATTACH,
    "dataset_download_files": _ATTACH,
    "nltk.download": "attach the corpus and name it in nltk.data.path",
    "spacy.cli.download": "attach the model's wheel",
    "clone_from": "attach the repository as a dataset",
    "push_to_hub": "push from a session with internet",
    "upload_folder": "push from a session with internet",
    "upload_file": "push from a session with internet",
    "hub.load": 'attach the repository and call torch.hub.load(directory, ..., source="local")',
    "evaluate.load": "attach the metric's script and name its path",
    "tiktoken.get_encoding": "attach its file, and name the directory in TIKTOKEN_CACHE_DIR",
    "openai.OpenAI": "nothing: a service cannot be reached from the rerun",
    "anthropic.Anthropic": "nothing: a service cannot be reached from the rerun",
    "genai.configure": "nothing: a service cannot be reached from the rerun",
}
# Call -> the position and the keywords of the path that it writes.
WRITERS: Final[dict[str, tuple[int, tuple[str, ...]]]] = {
    "TrainingArguments": (0, ("output_dir",)),
    "Seq2SeqTrainingArguments": (0, ("output_dir",)),
    "ModelCheckpoint": (0, ("filepath", "dirpath")),
    "to_csv": (0, ("path_or_buf", "path", "file")),
    "write_csv": (0, ("file",)),
    "sink_csv": (0, ("path",)),
    "to_parquet": (0, ("path",)),
    "write_parquet": (0, ("file",)),
    "to_json": (0, ("path_or_buf",)),
    "to_pickle": (0, ("path",)),
    "to_excel": (0, ("excel_writer",)),
    "torch.save": (1, ("f",)),
    "save_file": (1, ("filename",)),
    "np.save": (0, ("file",)),
    "np.savetxt": (0, ("fname",)),
    "savez": (0, ("file",)),
    "joblib.dump": (1, ("filename",)),
    "save_pretrained": (0, ("save_directory",)),
    "save_model": (0, ("output_dir",)),
    "save_pretrained_merged": (0, ("save_directory",)),
    "save_weights": (0, ("filepath",)),
    "save": (0, ("filepath", "path", "f", "fp")),
    "save_to_disk": (0, ("dataset_path",)),
    "savefig": (0, ("fname",)),
    "copytree": (1, ("dst",)),
    "copy2": (1, ("dst",)),
    "copyfile": (1, ("dst",)),
    "shutil.copy": (1, ("dst",)),
    "shutil.move": (1, ("dst",)),
    "os.rename": (1, ("dst",)),
    "os.replace": (1, ("dst",)),
    "make_archive": (0, ("base_name",)),
    "extractall": (0, ("path",)),
    "shutil.unpack_archive": (1, ("extract_dir",)),
    "symlink": (1, ("dst",)),
    "makedirs": (0, ("name",)),
    "mkdir": (0, ("path",)),
    "snapshot_download": (99, ("local_dir",)),
    "hf_hub_download": (99, ("local_dir",)),
    "quantize_and_save": (0, ("save_dir",)),
    "merge_and_save": (0, ("output_dir",)),
}
# Calls that unpack an archive, whose names are not known, into the directory that they write.
UNPACKERS: Final = ("extractall", "unpack_archive")
# Keywords by which any call says where it will write: trainers' options, callbacks, loggers.
OUTPUTS: Final = ("output_dir", "dirpath", "default_root_dir")
_DATA_METHODS: Final = ("read_", "scan_")
_DATA_MODULES: Final = ("pandas", "pd", "polars", "pl", "cudf", "dask.dataframe", "dd", "modin.pandas")
_PEFT_WITH_BASE: Final = ("PeftModel", "PeftMixedModel", "PeftModelForSequenceClassification", "PeftModelForCausalLM")


def tails(name: str) -> tuple[str, ...]:
    """The last three, two and one parts of a dotted name, the longest first."""
    parts = name.split(".")
    return tuple(dict.fromkeys(".".join(parts[-count:]) for count in (3, 2, 1)))


def reader_of(name: str) -> Reader | None:
    """How a call by that dotted name reads; None where it reads nothing that is known here."""
    base, _, last = name.rpartition(".")
    owner = base.rpartition(".")[2]
    if last in ("from_pretrained", "from_single_file"):
        if owner in _PEFT_WITH_BASE:
            return Reader((("adapter", 1, ("model_id",)),))
        if owner.startswith(("AutoPeft", "PeftConfig", "LoraConfig")):
            return Reader((("adapter", 0, ("pretrained_model_name_or_path",)),))
        return _TOKENIZER if "Tokenizer" in owner or "Processor" in owner else _MODEL
    if last.startswith(_DATA_METHODS) and base in _DATA_MODULES:
        return _DATA
    return next((READERS[tail] for tail in tails(name) if tail in READERS), None)


def network_of(name: str) -> str | None:
    """What does the same offline as a call that needs the network; None for any other call."""
    return next((NETWORK[tail] for tail in tails(name) if tail in NETWORK), None)


def writer_of(name: str) -> tuple[int, tuple[str, ...]] | None:
    """Position and keywords of the path that a call writes; None for one that writes nothing that is known here."""
    return next((WRITERS[tail] for tail in tails(name) if tail in WRITERS), None)
