"""Facts about named models: which Kaggle handle is which hub id, what its config.json says, who must accept what.

Data and nothing else: `catalog.py` is the reader. Nothing here is proof; a directory is always confirmed by its
content, and absence from these tables proves nothing.

HANDLES: every row of the project's survey of public notebooks and repositories (facts/handles.csv, 2026-11), as (hub
id, Kaggle handle, kind, loadable, grade). The handle is `owner/model/framework/variation[/version]`, or `owner/slug`
for a dataset; `:sub/dir` is the directory below it that holds the files; the owner `?` is not in the evidence. Kind
is official, community (also: owner unknown) or dataset; loadable by transformers is yes, no or unknown; grade is
stated (id and path occur as a pair in one public source) or inferred (from names). Many-to-one in both directions; a
quantised copy also stands under the id of its base and has other weights.

FINGERPRINTS: lower-case hub id -> (model types, hidden size, layers, attention heads, key-value heads, intermediate
size, vocabulary, quantisation). The numbers are those of the text part (`text_config`), as the library sees them: a
key that the published config.json leaves to the library's default has that default here (Gemma 3 4B, 12B and 27B:
vocabulary 262,208). Model types are those of the whole and of its text part, old spellings of remote code included.
GPT-2 and DistilBERT spell the keys differently (n_embd, n_layer, dim ...); the numbers are the same thing. None is
"not compared": the key does not exist for this type, has another shape, or could not be confirmed. A padded or
extended vocabulary is common in fine-tunes: a differing vocabulary alone is weak evidence, a differing size or layer
count is strong. Base and instruct share a fingerprint, and so do models that differ in training only (Llama 3 and
3.1, Qwen2.5 and Qwen2.5-Coder, Phi-3-mini and Phi-3.5-mini, phi-1 and phi-1_5) or in the number of experts only
(Llama 4 Scout and Maverick): a name decides there.

Sources and grades of the fingerprints, each cross-checked in stored public copies unless it is named below:
- read: published config.json files, litgpt 0.5.13, tunix 0.1.7, MaxText's Hugging Face configurations, PaddleNLP
  2.8.1, the defaults of transformers 5.23, public test fixtures that quote a config.json.
- known, not cross-checked: Llama-3.2-90B-Vision, Llama-4-Maverick, Phi-3-small (both), gpt2-medium/large/xl and
  distilgpt2, roberta-large, distilroberta, distilbert cased-multilingual, xlm-roberta base and large, bge-m3 and the
  BGE rerankers, bge-large-en, e5-large, multilingual-e5-base/large, the ms-marco cross-encoders, all-MiniLM-L12-v2,
  MiniLM-L12-H384, the mpnet derivatives, zephyr-7b-alpha, e5-mistral, Codestral, Mistral-Small-3.2, SmolLM3-3B-Base,
  NousResearch mirrors.
- inferred from the base: unsloth, TheBloke, hugging-quants and casperhansen copies, and the publishers' AWQ, GPTQ and
  FP8 repositories (read only for Qwen2.5-72B-Instruct-AWQ, which pads its intermediate size).
- not confirmed, left None: the vocabulary of mixtral-8x22b-v0.1, medgemma-27b-text-it and qwen3-embedding-*; the
  intermediate size of qwen2-72b-instruct-awq/-gptq-*, qwen2.5-72b-instruct-gptq-* and qwen3-coder-30b-a3b-instruct.

FAMILIES: (prefix of the lower-case hub id, family, model types, gated, licence id on the hub, licence name, page
where the terms are accepted, official Kaggle owner/model, pad token, first transformers version that knows the
architecture, use restriction), the longest prefix first, so that the first match is the closest. Gated is None where
it was not certain in 2025-26: unknown, never open. The licence id is the card's `license`, or its `license_name`
where that says "other". The pad token is a text that the family's own tokenizer already holds, so nothing is resized.
The restriction is "user-limit" (a further licence above a number of users), "research-only" or None; acceptable-use
policies are not restrictions here. Grades: read in public pages or cards: the gate of Mistral-7B-Instruct-v0.3, gate
and licence of Mistral Large 2407, the licences of Gemma, MedGemma, Gemma 4, Qwen2-VL-72B and Qwen3, the Kaggle owners
and models, the pad tokens of Llama 3, 3.1, 3.2 and 4, Gemma, Mistral Nemo, Qwen2.5, Qwen3 and Phi-3. The others, and
all first versions but those in facts/failures.md, are known and not re-checked.
"""

Shape = tuple[tuple[str, ...], int, int, int, int | None, int | None, int | None]
Fingerprint = tuple[tuple[str, ...], int, int, int, int | None, int | None, int | None, str | None]
Terms = tuple[str | None, str | None, str]
Family = tuple[
    str, str, tuple[str, ...], bool | None, str | None, str | None, str, str | None, str | None, str | None, str | None
]

# One pair a row, as in the survey.
# fmt: off
HANDLES: tuple[tuple[str, str, str, str, str], ...] = (
    ("BAAI/bge-large-en-v1.5", "?/baai/transformers/bge-large-en-v1.5/1", "community", "unknown", "inferred"),
    ("casperhansen/deepseek-r1-distill-qwen-7b-awq",
     "?/deepseek-r1/transformers/deepseek-r1-distill-qwen-7b-awq-casperhansen/1", "community", "unknown", "inferred"),
    ("deepseek-ai/DeepSeek-R1", "deepseek-ai/deepseek-r1/transformers/deepseek-r1/2", "official", "yes", "inferred"),
    ("deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B",
     "deepseek-ai/deepseek-r1/transformers/deepseek-r1-distill-qwen-1.5b/1", "official", "yes", "inferred"),
    ("deepseek-ai/DeepSeek-R1-Distill-Qwen-32B", "deepseek-ai/deepseek-r1/transformers/deepseek-r1-distill-qwen-32b/2",
     "official", "yes", "inferred"),
    ("deepseek-ai/DeepSeek-R1-Distill-Qwen-32B", "?/deepseek-r1-distill-qwen-32b/transformers/default/1",
     "community", "unknown", "inferred"),
    ("FacebookAI/roberta-large",
     "?/deberta-v3-large-fold3-val-spearman0-4392/pytorch/default/3:roberta-large/roberta-large",
     "community", "unknown", "inferred"),
    ("google/gemma-2-27b-it", "google/gemma-2/transformers/gemma-2-27b-it/1", "official", "yes", "inferred"),
    ("google/gemma-2-27b-it", "google/gemma-2/transformers/gemma-2-27b-it/2", "official", "yes", "inferred"),
    ("google/gemma-2-27b-it", "?/gemma-finetuning-all:gemma-2-27b", "dataset", "unknown", "inferred"),
    ("google/gemma-2-2b-it", "google/gemma-2/transformers/gemma-2-2b-it/1", "official", "yes", "inferred"),
    ("google/gemma-2-9b-it", "google/gemma-2/pytorch/gemma-2-9b-it/1", "official", "no", "inferred"),
    ("google/gemma-2-9b-it", "google/gemma-2/transformers/gemma-2-9b-it/1", "official", "yes", "inferred"),
    ("google/gemma-2-9b-it", "google/gemma-2/transformers/gemma-2-9b-it/2", "official", "yes", "inferred"),
    ("google/gemma-2-9b-it", "emiz6413/gemma-2/transformers/gemma-2-9b-it-4bit/1:gemma-2-9b-it-4bit",
     "community", "yes", "inferred"),
    ("google/gemma-2-9b-it", "kishanvavdara/gemma-2-9b-hf", "dataset", "unknown", "inferred"),
    ("google/gemma-2b-it", "google/gemma/transformers/2b-it/2", "official", "yes", "inferred"),
    ("google/gemma-2b-it", "google/gemma/transformers/2b-it/3", "official", "yes", "stated"),
    ("google/gemma-3-12b-it", "google/gemma-3/transformers/gemma-3-12b-it/1", "official", "yes", "inferred"),
    ("google/gemma-3-1b-it", "google/gemma-3/transformers/gemma-3-1b-it/1", "official", "yes", "inferred"),
    ("google/gemma-3-270m-it", "google/gemma-3/transformers/gemma-3-270m-it/1", "official", "yes", "inferred"),
    ("google/gemma-3-4b-it", "google/gemma-3/transformers/gemma-3-4b-it/1", "official", "yes", "inferred"),
    ("google/gemma-3n-E2B-it", "google/gemma-3n/transformers/gemma-3n-e2b-it", "official", "yes", "inferred"),
    ("google/gemma-4-12b-it", "google/gemma-4/transformers/gemma-4-12b-it/2", "official", "yes", "inferred"),
    ("google/gemma-4-31b-it", "google/gemma-4/transformers/gemma-4-31b-it/1", "official", "yes", "inferred"),
    ("google/gemma-4-E2B-it", "google/gemma-4/transformers/gemma-4-e2b-it/1", "official", "yes", "stated"),
    ("google/gemma-4-E2B-it", "?/gemma-4-e2b-it/transformers/default/1", "community", "unknown", "stated"),
    ("google/gemma-4-E2B-it", "?/gemma-4-e2b-it", "dataset", "unknown", "stated"),
    ("google/gemma-4-E4B-it", "google/gemma-4/transformers/gemma-4-e4b-it/1", "official", "yes", "inferred"),
    ("google/gemma-7b-it", "google/gemma/transformers/7b-it/1", "official", "yes", "inferred"),
    ("google/gemma-7b-it", "google/gemma/transformers/7b-it/3", "official", "yes", "stated"),
    ("meta-llama/Llama-3.1-405B-Instruct", "metaresearch/llama-3.1/transformers/405b-instruct/1",
     "official", "yes", "inferred"),
    ("meta-llama/Llama-3.1-8B", "metaresearch/llama-3.1/transformers/8b/2", "official", "yes", "inferred"),
    ("meta-llama/Llama-3.1-8B-Instruct", "metaresearch/llama-3.1/transformers/8b-instruct/1",
     "official", "yes", "stated"),
    ("meta-llama/Llama-3.1-8B-Instruct", "metaresearch/llama-3.1/transformers/8b-instruct/2",
     "official", "yes", "inferred"),
    ("meta-llama/Llama-3.1-8B-Instruct", "?/llama3-1-it", "dataset", "unknown", "inferred"),
    ("meta-llama/Llama-3.1-8B-Instruct", "gmhost/llama31instruct:Meta-Llama-3.1-8B-Instruct",
     "dataset", "unknown", "inferred"),
    ("meta-llama/Llama-3.2-1B-Instruct", "metaresearch/llama-3.2/transformers/1b-instruct/1",
     "official", "yes", "inferred"),
    ("meta-llama/Llama-3.2-3B", "metaresearch/llama-3.2/transformers/3b/1", "official", "yes", "inferred"),
    ("meta-llama/Llama-3.2-3B-Instruct", "metaresearch/llama-3.2/transformers/3b-instruct/1",
     "official", "yes", "inferred"),
    ("meta-llama/Meta-Llama-3-70B-Instruct", "metaresearch/llama-3/transformers/70b-chat-hf/1:llama3-70b-chat-hf",
     "official", "yes", "inferred"),
    ("meta-llama/Meta-Llama-3-8B", "metaresearch/llama-3/pytorch/8b/1", "official", "no", "inferred"),
    ("meta-llama/Meta-Llama-3-8B", "metaresearch/llama-3/transformers/8b-hf/1", "official", "yes", "stated"),
    ("meta-llama/Meta-Llama-3-8B-Instruct", "metaresearch/llama-3/transformers/8b-chat-hf/1",
     "official", "yes", "stated"),
    ("meta-llama/Meta-Llama-3-8B-Instruct", "metaresearch/llama-3/transformers/8b-instruct/1",
     "official", "yes", "stated"),
    ("meta-llama/Meta-Llama-3-8B-Instruct", "junglebeastds/llama3instruct", "dataset", "unknown", "inferred"),
    ("microsoft/deberta-v3-base", "keras/deberta_v3/keras/deberta_v3_base_en/2", "community", "no", "inferred"),
    ("microsoft/deberta-v3-base", "?/deberta-v3-base", "dataset", "unknown", "inferred"),
    ("microsoft/deberta-v3-base", "?/deberta-v3-large:deberta-v3-base", "dataset", "unknown", "inferred"),
    ("microsoft/deberta-v3-base", "?/deberta-v3:deberta_base_cache", "dataset", "unknown", "inferred"),
    ("microsoft/deberta-v3-base", "debarshichanda/debertav3base", "dataset", "unknown", "inferred"),
    ("microsoft/deberta-v3-base", "verracodeguacas/huggingfacedebertav3variants", "dataset", "unknown", "inferred"),
    ("microsoft/deberta-v3-large", "keras/deberta_v3/keras/deberta_v3_large_en/2", "community", "no", "inferred"),
    ("microsoft/deberta-v3-large", "verracodeguacas/huggingfacedebertav3variants", "dataset", "unknown", "inferred"),
    ("microsoft/deberta-v3-small", "?/deberta-v3-small/transformers/default/1", "community", "unknown", "inferred"),
    ("microsoft/deberta-v3-small", "keras/deberta_v3/keras/deberta_v3_small_en/2", "community", "no", "inferred"),
    ("microsoft/deberta-v3-small", "?/deberta-v3-small", "dataset", "yes", "inferred"),
    ("microsoft/deberta-v3-small", "verracodeguacas/huggingfacedebertav3variants", "dataset", "unknown", "inferred"),
    ("microsoft/deberta-v3-xsmall", "keras/deberta_v3/keras/deberta_v3_extra_small_en/2",
     "community", "no", "inferred"),
    ("microsoft/deberta-v3-xsmall", "?/deberta-v3-xsmall-offline:deberta-v3-xsmall", "dataset", "unknown", "inferred"),
    ("microsoft/deberta-v3-xsmall", "verracodeguacas/huggingfacedebertav3variants", "dataset", "unknown", "inferred"),
    ("microsoft/phi-1", "?/phi/transformers/1/1", "community", "unknown", "inferred"),
    ("microsoft/phi-2", "?/phi-2/transformers/default/1", "community", "unknown", "stated"),
    ("microsoft/phi-2", "?/phi/transformers/2/1", "community", "unknown", "inferred"),
    ("microsoft/Phi-3-mini-128k-instruct", "?/phi-3/transformers/phi-3-mini-128k-instruct/1:Phi-3-mini-128k-instruct",
     "community", "unknown", "inferred"),
    ("microsoft/Phi-3-mini-4k-instruct", "?/microsoftphi-3-mini-4k-instruct/transformers/default/1",
     "community", "unknown", "inferred"),
    ("microsoft/Phi-3-mini-4k-instruct", "?/model/transformers/phi-3-mini-4k-instruct/1",
     "community", "unknown", "inferred"),
    ("mistralai/Mistral-7B-Instruct-v0.1", "mistral-ai/mistral/pytorch/7b-instruct-v0.1-hf/1",
     "official", "yes", "inferred"),
    ("mistralai/Mixtral-8x7B-Instruct-v0.1", "?/mixtral/pytorch/8x7b-instruct-v0.1-hf/1",
     "community", "unknown", "inferred"),
    ("nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", "metric/nemotron-3-nano-30b-a3b-bf16/transformers/default",
     "community", "unknown", "inferred"),
    ("nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", "metric/nemotron-3-nano-30b-a3b-bf16/transformers/default/1",
     "community", "unknown", "stated"),
    ("openai/gpt-oss-120b", "?/gpt-oss-120b/transformers/default/1", "community", "unknown", "inferred"),
    ("Qwen/Qwen2-1.5B-Instruct", "marquis03/qwen2/transformers/qwen2-1.5b-instruct/1",
     "community", "unknown", "inferred"),
    ("Qwen/Qwen2-7B-Instruct", "marquis03/qwen2/transformers/qwen2-7b-instruct/1", "community", "unknown", "inferred"),
    ("Qwen/Qwen2.5-0.5B-Instruct", "qwen-lm/qwen2.5/transformers/0.5b-instruct/1", "official", "yes", "inferred"),
    ("Qwen/Qwen2.5-1.5B-Instruct", "qwen-lm/qwen2.5/transformers/1.5b-instruct/1", "official", "yes", "inferred"),
    ("Qwen/Qwen2.5-14B-Instruct", "qwen-lm/qwen2.5/transformers/14b-instruct/1", "official", "yes", "inferred"),
    ("Qwen/Qwen2.5-32B-Instruct-AWQ", "qwen-lm/qwen2.5/transformers/32b-instruct-awq/1",
     "official", "yes", "inferred"),
    ("Qwen/Qwen2.5-3B-Instruct", "qwen-lm/qwen2.5/transformers/3b-instruct/1", "official", "yes", "inferred"),
    ("Qwen/Qwen2.5-72B-Instruct", "qwen-lm/qwen2.5/transformers/72b-instruct/1", "official", "yes", "inferred"),
    ("Qwen/Qwen2.5-72B-Instruct-AWQ", "qwen-lm/qwen2.5/transformers/72b-instruct-awq/1",
     "official", "yes", "inferred"),
    ("Qwen/Qwen2.5-7B-Instruct", "qwen-lm/qwen2.5/transformers/7b-instruct/1", "official", "yes", "stated"),
    ("Qwen/Qwen2.5-Coder-14B-Instruct", "qwen-lm/qwen2.5-coder/transformers/14b-instruct/1",
     "official", "yes", "inferred"),
    ("Qwen/Qwen2.5-Coder-32B-Instruct-AWQ", "qwen-lm/qwen2.5-coder/transformers/32b-instruct-awq/1",
     "official", "yes", "inferred"),
    ("Qwen/Qwen3-0.6B", "qwen-lm/qwen-3/transformers/0.6b/1", "official", "yes", "inferred"),
    ("Qwen/Qwen3-235B-A22B", "qwen-lm/qwen-3/transformers/235b-a22b/1", "official", "yes", "inferred"),
    ("Qwen/Qwen3-30B-A3B", "qwen-lm/qwen-3/transformers/30b-a3b/1", "official", "yes", "inferred"),
    ("Qwen/Qwen3-32B-AWQ", "qwen-lm/qwen-3/transformers/32b-awq/1", "official", "yes", "inferred"),
    ("Qwen/Qwen3-4B-Base", "qwen-lm/qwen-3/transformers/4b-base/1", "official", "yes", "inferred"),
    ("Qwen/Qwen3-8B", "qwen-lm/qwen-3/transformers/8b/1", "official", "yes", "inferred"),
    ("Qwen/Qwen3-8B-AWQ", "qwen-lm/qwen-3/transformers/8b-awq/1", "official", "yes", "inferred"),
    ("Qwen/Qwen3.5-35B-A3B", "qwen-lm/qwen-3-5/transformers/qwen3.5-35b-a3b/1", "official", "yes", "inferred"),
    ("Qwen/QwQ-32B-Preview-AWQ", "shelterw/qwen2.5/transformers/qwq-32b-preview-awq/1",
     "community", "unknown", "inferred"),
    ("sentence-transformers/all-MiniLM-L6-v2", "srg9000/all-minilm-l6-v2/transformers/default/1:all-MiniLM-L6-v2",
     "community", "unknown", "stated"),
    ("sentence-transformers/all-MiniLM-L6-v2", "?/all-minilm-l6-v2:all-MiniLM-L6-v2",
     "dataset", "unknown", "inferred"),
    ("sentence-transformers/all-MiniLM-L6-v2", "?/sentence-transformers:minilm-l6-v2/all-MiniLM-L6-v2",
     "dataset", "unknown", "inferred"),
    ("sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2",
     "puffinlynx/paraphrase-multilingual-minilm-l12-v2/pytorch/default/1:paraphrase-multilingual-MiniLM-L12-v2",
     "community", "unknown", "inferred"),
    ("unsloth/gemma-2-9b-it-bnb-4bit", "emiz6413/gemma-2/transformers/gemma-2-9b-it-4bit/1:gemma-2-9b-it-4bit",
     "community", "yes", "inferred"),
    ("unsloth/gemma-3-12b-it-unsloth-bnb-4bit",
     "felipesens/gemma-3-12b-it-unsloth-bnb-4bit/transformers/4bit-quantized", "community", "unknown", "inferred"),
    ("unsloth/llama-3-8b-bnb-4bit", "?/llama-3-8b-bnb-4bit", "dataset", "unknown", "inferred"),
    ("unsloth/Meta-Llama-3.1-8B-bnb-4bit", "?/llama3-1-8b-4bit-unsloth", "dataset", "unknown", "inferred"),
)
# fmt: on


# Llama
_LLAMA2_7B: Shape = (("llama",), 4096, 32, 32, 32, 11008, 32000)
_LLAMA2_13B: Shape = (("llama",), 5120, 40, 40, 40, 13824, 32000)
_LLAMA2_70B: Shape = (("llama",), 8192, 80, 64, 8, 28672, 32000)
_LLAMA3_8B: Shape = (("llama",), 4096, 32, 32, 8, 14336, 128256)
_LLAMA3_70B: Shape = (("llama",), 8192, 80, 64, 8, 28672, 128256)
_LLAMA3_405B: Shape = (("llama",), 16384, 126, 128, 8, 53248, 128256)
_LLAMA3_1B: Shape = (("llama",), 2048, 16, 32, 8, 8192, 128256)
_LLAMA3_3B: Shape = (("llama",), 3072, 28, 24, 8, 8192, 128256)
_LLAMA3_11B_VISION: Shape = (("mllama", "mllama_text_model"), 4096, 40, 32, 8, 14336, 128256)
_LLAMA3_90B_VISION: Shape = (("mllama", "mllama_text_model"), 8192, 100, 64, 8, 28672, 128256)
_LLAMA4: Shape = (("llama4", "llama4_text"), 5120, 48, 40, 8, 8192, 202048)
_CODELLAMA_7B: Shape = (("llama",), 4096, 32, 32, 32, 11008, 32016)
_CODELLAMA_13B: Shape = (("llama",), 5120, 40, 40, 40, 13824, 32016)
_CODELLAMA_34B: Shape = (("llama",), 8192, 48, 64, 8, 22016, 32000)
_CODELLAMA_70B: Shape = (("llama",), 8192, 80, 64, 8, 28672, 32016)
_TINYLLAMA: Shape = (("llama",), 2048, 22, 32, 4, 5632, 32000)

# Mistral and Mixtral
_MISTRAL_7B: Shape = (("mistral",), 4096, 32, 32, 8, 14336, 32000)
_MISTRAL_7B_V3: Shape = (("mistral",), 4096, 32, 32, 8, 14336, 32768)
_MINISTRAL_8B: Shape = (("mistral",), 4096, 36, 32, 8, 12288, 131072)
_MISTRAL_NEMO: Shape = (("mistral",), 5120, 40, 32, 8, 14336, 131072)
_MISTRAL_22B: Shape = (("mistral",), 6144, 56, 48, 8, 16384, 32768)
_MISTRAL_24B: Shape = (("mistral",), 5120, 40, 32, 8, 32768, 131072)
_MISTRAL_24B_VISION: Shape = (("mistral3", "mistral"), 5120, 40, 32, 8, 32768, 131072)
_MISTRAL_LARGE: Shape = (("mistral",), 12288, 88, 96, 8, 28672, 32768)
_MIXTRAL_8X7B: Shape = (("mixtral",), 4096, 32, 32, 8, 14336, 32000)
_MIXTRAL_8X22B: Shape = (("mixtral",), 6144, 56, 48, 8, 16384, 32768)
_MIXTRAL_8X22B_BASE: Shape = (("mixtral",), 6144, 56, 48, 8, 16384, None)
_WIZARDLM_8X22B: Shape = (("mixtral",), 6144, 56, 48, 8, 16384, 32000)

# Gemma
_GEMMA_2B: Shape = (("gemma",), 2048, 18, 8, 1, 16384, 256000)
_GEMMA_7B: Shape = (("gemma",), 3072, 28, 16, 16, 24576, 256000)
_GEMMA2_2B: Shape = (("gemma2",), 2304, 26, 8, 4, 9216, 256000)
_GEMMA2_9B: Shape = (("gemma2",), 3584, 42, 16, 8, 14336, 256000)
_GEMMA2_27B: Shape = (("gemma2",), 4608, 46, 32, 16, 36864, 256000)
_GEMMA3_270M: Shape = (("gemma3_text",), 640, 18, 4, 1, 2048, 262144)
_GEMMA3_1B: Shape = (("gemma3_text",), 1152, 26, 4, 1, 6912, 262144)
_GEMMA3_4B: Shape = (("gemma3", "gemma3_text"), 2560, 34, 8, 4, 10240, 262208)
_GEMMA3_12B: Shape = (("gemma3", "gemma3_text"), 3840, 48, 16, 8, 15360, 262208)
_GEMMA3_27B: Shape = (("gemma3", "gemma3_text"), 5376, 62, 32, 16, 21504, 262208)
_MEDGEMMA_27B_TEXT: Shape = (("gemma3_text",), 5376, 62, 32, 16, 21504, None)
_GEMMA3N_E2B: Shape = (("gemma3n", "gemma3n_text"), 2048, 30, 8, 2, None, 262400)
_GEMMA3N_E4B: Shape = (("gemma3n", "gemma3n_text"), 2048, 35, 8, 2, None, 262400)
_GEMMA4_E2B: Shape = (("gemma4", "gemma4_text"), 1536, 35, 8, 1, 6144, 262144)
_GEMMA4_E4B: Shape = (("gemma4", "gemma4_text"), 2560, 42, 8, 2, 10240, 262144)
_GEMMA4_12B: Shape = (("gemma4_unified", "gemma4_unified_text"), 3840, 48, 16, 8, 15360, 262144)
_GEMMA4_26B_A4B: Shape = (("gemma4", "gemma4_text"), 2816, 30, 16, 8, 2112, 262144)
_GEMMA4_31B: Shape = (("gemma4", "gemma4_text"), 5376, 60, 32, 16, 21504, 262144)

# Qwen
_QWEN2_0_5B: Shape = (("qwen2",), 896, 24, 14, 2, 4864, 151936)
_QWEN2_1_5B: Shape = (("qwen2",), 1536, 28, 12, 2, 8960, 151936)
_QWEN2_3B: Shape = (("qwen2",), 2048, 36, 16, 2, 11008, 151936)
_QWEN2_7B: Shape = (("qwen2",), 3584, 28, 28, 4, 18944, 152064)
_QWEN2_14B: Shape = (("qwen2",), 5120, 48, 40, 8, 13824, 152064)
_QWEN2_32B: Shape = (("qwen2",), 5120, 64, 40, 8, 27648, 152064)
_QWEN2_72B: Shape = (("qwen2",), 8192, 80, 64, 8, 29568, 152064)
_QWEN2_72B_PADDED: Shape = (("qwen2",), 8192, 80, 64, 8, 29696, 152064)
_QWEN2_72B_QUANTISED: Shape = (("qwen2",), 8192, 80, 64, 8, None, 152064)
_QWEN2_57B_A14B: Shape = (("qwen2_moe",), 3584, 28, 28, 4, 18944, 151936)
_QWEN3_0_6B: Shape = (("qwen3",), 1024, 28, 16, 8, 3072, 151936)
_QWEN3_1_7B: Shape = (("qwen3",), 2048, 28, 16, 8, 6144, 151936)
_QWEN3_4B: Shape = (("qwen3",), 2560, 36, 32, 8, 9728, 151936)
_QWEN3_8B: Shape = (("qwen3",), 4096, 36, 32, 8, 12288, 151936)
_QWEN3_14B: Shape = (("qwen3",), 5120, 40, 40, 8, 17408, 151936)
_QWEN3_32B: Shape = (("qwen3",), 5120, 64, 64, 8, 25600, 151936)
_QWEN3_30B_A3B: Shape = (("qwen3_moe",), 2048, 48, 32, 4, 6144, 151936)
_QWEN3_235B_A22B: Shape = (("qwen3_moe",), 4096, 94, 64, 4, 12288, 151936)
_QWEN3_CODER_30B_A3B: Shape = (("qwen3_moe",), 2048, 48, 32, 4, None, 151936)
_QWEN3_NEXT_80B_A3B: Shape = (("qwen3_next",), 2048, 48, 16, 2, 5120, 151936)
_QWEN3_EMBEDDING_0_6B: Shape = (("qwen3",), 1024, 28, 16, 8, 3072, None)
_QWEN3_EMBEDDING_4B: Shape = (("qwen3",), 2560, 36, 32, 8, 9728, None)
_QWEN3_EMBEDDING_8B: Shape = (("qwen3",), 4096, 36, 32, 8, 12288, None)
_QWEN3_5_35B_A3B: Shape = (("qwen3_5_moe", "qwen3_5_moe_text"), 2048, 40, 16, 2, None, 248320)
_QWEN3_5_397B_A17B: Shape = (("qwen3_5_moe", "qwen3_5_moe_text"), 4096, 60, 32, 2, None, 248320)

# DeepSeek
_DEEPSEEK_V3: Shape = (("deepseek_v3",), 7168, 61, 128, 128, 18432, 129280)
_DEEPSEEK_V2_LITE: Shape = (("deepseek_v2",), 2048, 27, 16, 16, 10944, 102400)
_DEEPSEEK_7B: Shape = (("llama",), 4096, 30, 32, 32, 11008, 102400)

# Phi
_PHI_1: Shape = (("phi",), 2048, 24, 32, 32, 8192, 51200)
_PHI_2: Shape = (("phi",), 2560, 32, 32, 32, 10240, 51200)
_PHI_3_MINI: Shape = (("phi3",), 3072, 32, 32, 32, 8192, 32064)
_PHI_3_SMALL: Shape = (("phi3small",), 4096, 32, 32, 8, None, 100352)
_PHI_3_MEDIUM: Shape = (("phi3",), 5120, 40, 40, 10, 17920, 32064)
_PHI_3_5_MOE: Shape = (("phimoe",), 4096, 32, 32, 8, 6400, 32064)
_PHI_4: Shape = (("phi3",), 5120, 40, 40, 10, 17920, 100352)
_PHI_4_MINI: Shape = (("phi3",), 3072, 32, 24, 8, 8192, 200064)

# Other decoders
_GPT_OSS_20B: Shape = (("gpt_oss",), 2880, 24, 64, 8, 2880, 201088)
_GPT_OSS_120B: Shape = (("gpt_oss",), 2880, 36, 64, 8, 2880, 201088)
_NEMOTRON_3_NANO: Shape = (("nemotron_h",), 2688, 52, 32, 2, 1856, 131072)
_GPT2: Shape = (("gpt2",), 768, 12, 12, None, None, 50257)
_GPT2_MEDIUM: Shape = (("gpt2",), 1024, 24, 16, None, None, 50257)
_GPT2_LARGE: Shape = (("gpt2",), 1280, 36, 20, None, None, 50257)
_GPT2_XL: Shape = (("gpt2",), 1600, 48, 25, None, None, 50257)
_DISTILGPT2: Shape = (("gpt2",), 768, 6, 12, None, None, 50257)
_SMOLLM2_135M: Shape = (("llama",), 576, 30, 9, 3, 1536, 49152)
_SMOLLM2_360M: Shape = (("llama",), 960, 32, 15, 5, 2560, 49152)
_SMOLLM2_1_7B: Shape = (("llama",), 2048, 24, 32, 32, 8192, 49152)
_SMOLLM3_3B: Shape = (("smollm3",), 2048, 36, 16, 4, 11008, 128256)
_FALCON_7B: Shape = (("falcon", "RefinedWebModel"), 4544, 32, 71, None, None, 65024)
_FALCON_40B: Shape = (("falcon", "RefinedWeb"), 8192, 60, 128, None, None, 65024)
_FALCON_180B: Shape = (("falcon",), 14848, 80, 232, None, None, 65024)
_FALCON3_1B: Shape = (("llama",), 2048, 18, 8, 4, 8192, 131072)
_FALCON3_3B: Shape = (("llama",), 3072, 22, 12, 4, 9216, 131072)
_FALCON3_7B: Shape = (("llama",), 3072, 28, 12, 4, 23040, 131072)
_FALCON3_10B: Shape = (("llama",), 3072, 40, 12, 4, 23040, 131072)
_STABLELM_3B: Shape = (("stablelm", "stablelm_epoch"), 2560, 32, 32, 32, 6912, 50304)
_STABLELM_2_1_6B: Shape = (("stablelm", "stablelm_epoch"), 2048, 24, 32, 32, 5632, 100352)

# Encoders
_BERT_BASE: Shape = (("bert",), 768, 12, 12, None, 3072, 30522)
_BERT_LARGE: Shape = (("bert",), 1024, 24, 16, None, 4096, 30522)
_BERT_BASE_CASED: Shape = (("bert",), 768, 12, 12, None, 3072, 28996)
_BERT_LARGE_CASED: Shape = (("bert",), 1024, 24, 16, None, 4096, 28996)
_BERT_MULTILINGUAL: Shape = (("bert",), 768, 12, 12, None, 3072, 119547)
_BERT_MULTILINGUAL_UNCASED: Shape = (("bert",), 768, 12, 12, None, 3072, 105879)
_ROBERTA_BASE: Shape = (("roberta",), 768, 12, 12, None, 3072, 50265)
_ROBERTA_LARGE: Shape = (("roberta",), 1024, 24, 16, None, 4096, 50265)
_DISTILROBERTA: Shape = (("roberta",), 768, 6, 12, None, 3072, 50265)
_DISTILBERT: Shape = (("distilbert",), 768, 6, 12, None, 3072, 30522)
_DISTILBERT_CASED: Shape = (("distilbert",), 768, 6, 12, None, 3072, 28996)
_DISTILBERT_MULTILINGUAL: Shape = (("distilbert",), 768, 6, 12, None, 3072, 119547)
_XLM_R_BASE: Shape = (("xlm-roberta",), 768, 12, 12, None, 3072, 250002)
_XLM_R_LARGE: Shape = (("xlm-roberta",), 1024, 24, 16, None, 4096, 250002)
_MODERNBERT_BASE: Shape = (("modernbert",), 768, 22, 12, None, 1152, 50368)
_MODERNBERT_LARGE: Shape = (("modernbert",), 1024, 28, 16, None, 2624, 50368)
_DEBERTA_V3_XSMALL: Shape = (("deberta-v2",), 384, 12, 6, None, 1536, 128100)
_DEBERTA_V3_SMALL: Shape = (("deberta-v2",), 768, 6, 12, None, 3072, 128100)
_DEBERTA_V3_BASE: Shape = (("deberta-v2",), 768, 12, 12, None, 3072, 128100)
_DEBERTA_V3_LARGE: Shape = (("deberta-v2",), 1024, 24, 16, None, 4096, 128100)
_MDEBERTA_V3_BASE: Shape = (("deberta-v2",), 768, 12, 12, None, 3072, 251000)
_MPNET_BASE: Shape = (("mpnet",), 768, 12, 12, None, 3072, 30527)
_MINILM_L6: Shape = (("bert",), 384, 6, 12, None, 1536, 30522)
_MINILM_L12: Shape = (("bert",), 384, 12, 12, None, 1536, 30522)
_MINILM_L12_MULTILINGUAL: Shape = (("bert",), 384, 12, 12, None, 1536, 250037)
_BGE_LARGE_ZH: Shape = (("bert",), 1024, 24, 16, None, 4096, 21128)


FINGERPRINTS: dict[str, Fingerprint] = {
    # Llama
    "meta-llama/llama-2-7b-hf": (*_LLAMA2_7B, None),
    "meta-llama/llama-2-7b-chat-hf": (*_LLAMA2_7B, None),
    "meta-llama/llama-2-13b-hf": (*_LLAMA2_13B, None),
    "meta-llama/llama-2-13b-chat-hf": (*_LLAMA2_13B, None),
    "meta-llama/llama-2-70b-hf": (*_LLAMA2_70B, None),
    "meta-llama/llama-2-70b-chat-hf": (*_LLAMA2_70B, None),
    "nousresearch/llama-2-7b-hf": (*_LLAMA2_7B, None),
    "nousresearch/llama-2-7b-chat-hf": (*_LLAMA2_7B, None),
    "unsloth/llama-2-7b": (*_LLAMA2_7B, None),
    "unsloth/llama-2-7b-bnb-4bit": (*_LLAMA2_7B, "bnb-4bit"),
    "meta-llama/meta-llama-3-8b": (*_LLAMA3_8B, None),
    "meta-llama/meta-llama-3-8b-instruct": (*_LLAMA3_8B, None),
    "nousresearch/meta-llama-3-8b": (*_LLAMA3_8B, None),
    "nousresearch/meta-llama-3-8b-instruct": (*_LLAMA3_8B, None),
    "meta-llama/llama-3.1-8b": (*_LLAMA3_8B, None),
    "meta-llama/llama-3.1-8b-instruct": (*_LLAMA3_8B, None),
    "meta-llama/meta-llama-3.1-8b": (*_LLAMA3_8B, None),
    "meta-llama/meta-llama-3.1-8b-instruct": (*_LLAMA3_8B, None),
    "meta-llama/meta-llama-3-70b": (*_LLAMA3_70B, None),
    "meta-llama/meta-llama-3-70b-instruct": (*_LLAMA3_70B, None),
    "nousresearch/meta-llama-3-70b": (*_LLAMA3_70B, None),
    "nousresearch/meta-llama-3-70b-instruct": (*_LLAMA3_70B, None),
    "meta-llama/llama-3.1-70b": (*_LLAMA3_70B, None),
    "meta-llama/llama-3.1-70b-instruct": (*_LLAMA3_70B, None),
    "meta-llama/meta-llama-3.1-70b": (*_LLAMA3_70B, None),
    "meta-llama/meta-llama-3.1-70b-instruct": (*_LLAMA3_70B, None),
    "nousresearch/meta-llama-3.1-8b": (*_LLAMA3_8B, None),
    "nousresearch/meta-llama-3.1-8b-instruct": (*_LLAMA3_8B, None),
    "unsloth/llama-3-8b": (*_LLAMA3_8B, None),
    "unsloth/llama-3-8b-instruct": (*_LLAMA3_8B, None),
    "unsloth/meta-llama-3.1-8b": (*_LLAMA3_8B, None),
    "unsloth/meta-llama-3.1-8b-instruct": (*_LLAMA3_8B, None),
    "meta-llama/llama-3.1-405b": (*_LLAMA3_405B, None),
    "meta-llama/llama-3.1-405b-instruct": (*_LLAMA3_405B, None),
    "meta-llama/meta-llama-3.1-405b": (*_LLAMA3_405B, None),
    "meta-llama/meta-llama-3.1-405b-instruct": (*_LLAMA3_405B, None),
    "meta-llama/llama-3.1-405b-fp8": (*_LLAMA3_405B, "fp8"),
    "meta-llama/llama-3.1-405b-instruct-fp8": (*_LLAMA3_405B, "fp8"),
    "meta-llama/meta-llama-3.1-405b-fp8": (*_LLAMA3_405B, "fp8"),
    "meta-llama/meta-llama-3.1-405b-instruct-fp8": (*_LLAMA3_405B, "fp8"),
    "unsloth/llama-3-8b-bnb-4bit": (*_LLAMA3_8B, "bnb-4bit"),
    "unsloth/llama-3-8b-instruct-bnb-4bit": (*_LLAMA3_8B, "bnb-4bit"),
    "unsloth/meta-llama-3.1-8b-bnb-4bit": (*_LLAMA3_8B, "bnb-4bit"),
    "unsloth/meta-llama-3.1-8b-instruct-bnb-4bit": (*_LLAMA3_8B, "bnb-4bit"),
    "unsloth/llama-3-70b-bnb-4bit": (*_LLAMA3_70B, "bnb-4bit"),
    "unsloth/llama-3-70b-instruct-bnb-4bit": (*_LLAMA3_70B, "bnb-4bit"),
    "unsloth/meta-llama-3.1-70b-bnb-4bit": (*_LLAMA3_70B, "bnb-4bit"),
    "unsloth/meta-llama-3.1-70b-instruct-bnb-4bit": (*_LLAMA3_70B, "bnb-4bit"),
    "unsloth/llama-3.3-70b-instruct-bnb-4bit": (*_LLAMA3_70B, "bnb-4bit"),
    "hugging-quants/meta-llama-3.1-8b-instruct-awq-int4": (*_LLAMA3_8B, "awq"),
    "hugging-quants/meta-llama-3.1-8b-instruct-gptq-int4": (*_LLAMA3_8B, "gptq"),
    "hugging-quants/meta-llama-3.1-70b-instruct-awq-int4": (*_LLAMA3_70B, "awq"),
    "hugging-quants/meta-llama-3.1-70b-instruct-gptq-int4": (*_LLAMA3_70B, "gptq"),
    "meta-llama/llama-3.2-1b": (*_LLAMA3_1B, None),
    "meta-llama/llama-3.2-1b-instruct": (*_LLAMA3_1B, None),
    "unsloth/llama-3.2-1b": (*_LLAMA3_1B, None),
    "unsloth/llama-3.2-1b-instruct": (*_LLAMA3_1B, None),
    "unsloth/llama-3.2-1b-bnb-4bit": (*_LLAMA3_1B, "bnb-4bit"),
    "unsloth/llama-3.2-1b-instruct-bnb-4bit": (*_LLAMA3_1B, "bnb-4bit"),
    "meta-llama/llama-3.2-3b": (*_LLAMA3_3B, None),
    "meta-llama/llama-3.2-3b-instruct": (*_LLAMA3_3B, None),
    "unsloth/llama-3.2-3b": (*_LLAMA3_3B, None),
    "unsloth/llama-3.2-3b-instruct": (*_LLAMA3_3B, None),
    "unsloth/llama-3.2-3b-bnb-4bit": (*_LLAMA3_3B, "bnb-4bit"),
    "unsloth/llama-3.2-3b-instruct-bnb-4bit": (*_LLAMA3_3B, "bnb-4bit"),
    "meta-llama/llama-3.2-11b-vision": (*_LLAMA3_11B_VISION, None),
    "meta-llama/llama-3.2-11b-vision-instruct": (*_LLAMA3_11B_VISION, None),
    "meta-llama/llama-3.2-90b-vision": (*_LLAMA3_90B_VISION, None),
    "meta-llama/llama-3.2-90b-vision-instruct": (*_LLAMA3_90B_VISION, None),
    "meta-llama/llama-3.3-70b-instruct": (*_LLAMA3_70B, None),
    "unsloth/llama-3.3-70b-instruct": (*_LLAMA3_70B, None),
    "nvidia/llama-3.1-nemotron-70b-instruct-hf": (*_LLAMA3_70B, None),
    "meta-llama/llama-4-scout-17b-16e": (*_LLAMA4, None),
    "meta-llama/llama-4-scout-17b-16e-instruct": (*_LLAMA4, None),
    "meta-llama/llama-4-maverick-17b-128e": (*_LLAMA4, None),
    "meta-llama/llama-4-maverick-17b-128e-instruct": (*_LLAMA4, None),
    "codellama/codellama-7b-hf": (*_CODELLAMA_7B, None),
    "codellama/codellama-7b-instruct-hf": (*_CODELLAMA_7B, None),
    "codellama/codellama-13b-hf": (*_CODELLAMA_13B, None),
    "codellama/codellama-13b-instruct-hf": (*_CODELLAMA_13B, None),
    "codellama/codellama-34b-hf": (*_CODELLAMA_34B, None),
    "codellama/codellama-34b-instruct-hf": (*_CODELLAMA_34B, None),
    "codellama/codellama-70b-hf": (*_CODELLAMA_70B, None),
    "codellama/codellama-70b-instruct-hf": (*_CODELLAMA_70B, None),
    "codellama/codellama-7b-python-hf": (*_LLAMA2_7B, None),
    "codellama/codellama-13b-python-hf": (*_LLAMA2_13B, None),
    "codellama/codellama-34b-python-hf": (*_CODELLAMA_34B, None),
    "codellama/codellama-70b-python-hf": (*_CODELLAMA_70B, None),
    "tinyllama/tinyllama-1.1b-chat-v1.0": (*_TINYLLAMA, None),
    "tinyllama/tinyllama-1.1b-intermediate-step-1431k-3t": (*_TINYLLAMA, None),
    # Mistral and Mixtral
    "mistralai/mistral-7b-v0.1": (*_MISTRAL_7B, None),
    "mistralai/mistral-7b-instruct-v0.1": (*_MISTRAL_7B, None),
    "mistralai/mistral-7b-instruct-v0.2": (*_MISTRAL_7B, None),
    "mistral-community/mistral-7b-v0.2": (*_MISTRAL_7B, None),
    "huggingfaceh4/zephyr-7b-alpha": (*_MISTRAL_7B, None),
    "huggingfaceh4/zephyr-7b-beta": (*_MISTRAL_7B, None),
    "intfloat/e5-mistral-7b-instruct": (*_MISTRAL_7B, None),
    "unsloth/mistral-7b-bnb-4bit": (*_MISTRAL_7B, "bnb-4bit"),
    "unsloth/mistral-7b-instruct-v0.2-bnb-4bit": (*_MISTRAL_7B, "bnb-4bit"),
    "thebloke/mistral-7b-instruct-v0.2-awq": (*_MISTRAL_7B, "awq"),
    "thebloke/mistral-7b-instruct-v0.2-gptq": (*_MISTRAL_7B, "gptq"),
    "mistralai/mistral-7b-v0.3": (*_MISTRAL_7B_V3, None),
    "mistralai/mistral-7b-instruct-v0.3": (*_MISTRAL_7B_V3, None),
    "mistralai/mathstral-7b-v0.1": (*_MISTRAL_7B_V3, None),
    "unsloth/mistral-7b-v0.3-bnb-4bit": (*_MISTRAL_7B_V3, "bnb-4bit"),
    "unsloth/mistral-7b-instruct-v0.3-bnb-4bit": (*_MISTRAL_7B_V3, "bnb-4bit"),
    "mistralai/ministral-8b-instruct-2410": (*_MINISTRAL_8B, None),
    "mistralai/mistral-nemo-base-2407": (*_MISTRAL_NEMO, None),
    "mistralai/mistral-nemo-instruct-2407": (*_MISTRAL_NEMO, None),
    "unsloth/mistral-nemo-base-2407": (*_MISTRAL_NEMO, None),
    "unsloth/mistral-nemo-instruct-2407": (*_MISTRAL_NEMO, None),
    "unsloth/mistral-nemo-base-2407-bnb-4bit": (*_MISTRAL_NEMO, "bnb-4bit"),
    "unsloth/mistral-nemo-instruct-2407-bnb-4bit": (*_MISTRAL_NEMO, "bnb-4bit"),
    "mistralai/mistral-small-instruct-2409": (*_MISTRAL_22B, None),
    "mistralai/codestral-22b-v0.1": (*_MISTRAL_22B, None),
    "mistralai/mistral-small-24b-base-2501": (*_MISTRAL_24B, None),
    "mistralai/mistral-small-24b-instruct-2501": (*_MISTRAL_24B, None),
    "mistralai/devstral-small-2507": (*_MISTRAL_24B, None),
    "mistralai/mistral-small-3.1-24b-base-2503": (*_MISTRAL_24B_VISION, None),
    "mistralai/mistral-small-3.1-24b-instruct-2503": (*_MISTRAL_24B_VISION, None),
    "mistralai/mistral-small-3.2-24b-instruct-2506": (*_MISTRAL_24B_VISION, None),
    "mistralai/mistral-large-instruct-2407": (*_MISTRAL_LARGE, None),
    "mistralai/mistral-large-instruct-2411": (*_MISTRAL_LARGE, None),
    "mistralai/mixtral-8x7b-v0.1": (*_MIXTRAL_8X7B, None),
    "mistralai/mixtral-8x7b-instruct-v0.1": (*_MIXTRAL_8X7B, None),
    "thebloke/mixtral-8x7b-instruct-v0.1-gptq": (*_MIXTRAL_8X7B, "gptq"),
    "mistralai/mixtral-8x22b-instruct-v0.1": (*_MIXTRAL_8X22B, None),
    "mistralai/mixtral-8x22b-v0.1": (*_MIXTRAL_8X22B_BASE, None),
    "mistral-community/mixtral-8x22b-v0.1": (*_WIZARDLM_8X22B, None),
    "microsoft/wizardlm-2-8x22b": (*_WIZARDLM_8X22B, None),
    # Gemma
    "google/gemma-2b": (*_GEMMA_2B, None),
    "google/gemma-2b-it": (*_GEMMA_2B, None),
    "google/gemma-1.1-2b-it": (*_GEMMA_2B, None),
    "unsloth/gemma-2b": (*_GEMMA_2B, None),
    "unsloth/gemma-2b-it": (*_GEMMA_2B, None),
    "google/gemma-7b": (*_GEMMA_7B, None),
    "google/gemma-7b-it": (*_GEMMA_7B, None),
    "google/gemma-1.1-7b-it": (*_GEMMA_7B, None),
    "unsloth/gemma-7b": (*_GEMMA_7B, None),
    "unsloth/gemma-7b-it": (*_GEMMA_7B, None),
    "unsloth/gemma-2b-bnb-4bit": (*_GEMMA_2B, "bnb-4bit"),
    "unsloth/gemma-2b-it-bnb-4bit": (*_GEMMA_2B, "bnb-4bit"),
    "unsloth/gemma-7b-bnb-4bit": (*_GEMMA_7B, "bnb-4bit"),
    "unsloth/gemma-7b-it-bnb-4bit": (*_GEMMA_7B, "bnb-4bit"),
    "google/codegemma-2b": (*_GEMMA_2B, None),
    "google/codegemma-7b": (*_GEMMA_7B, None),
    "google/codegemma-7b-it": (*_GEMMA_7B, None),
    "google/gemma-2-2b": (*_GEMMA2_2B, None),
    "google/gemma-2-2b-it": (*_GEMMA2_2B, None),
    "unsloth/gemma-2-2b": (*_GEMMA2_2B, None),
    "unsloth/gemma-2-2b-it": (*_GEMMA2_2B, None),
    "unsloth/gemma-2-2b-bnb-4bit": (*_GEMMA2_2B, "bnb-4bit"),
    "unsloth/gemma-2-2b-it-bnb-4bit": (*_GEMMA2_2B, "bnb-4bit"),
    "google/gemma-2-9b": (*_GEMMA2_9B, None),
    "google/gemma-2-9b-it": (*_GEMMA2_9B, None),
    "unsloth/gemma-2-9b": (*_GEMMA2_9B, None),
    "unsloth/gemma-2-9b-it": (*_GEMMA2_9B, None),
    "unsloth/gemma-2-9b-bnb-4bit": (*_GEMMA2_9B, "bnb-4bit"),
    "unsloth/gemma-2-9b-it-bnb-4bit": (*_GEMMA2_9B, "bnb-4bit"),
    "google/gemma-2-27b": (*_GEMMA2_27B, None),
    "google/gemma-2-27b-it": (*_GEMMA2_27B, None),
    "unsloth/gemma-2-27b": (*_GEMMA2_27B, None),
    "unsloth/gemma-2-27b-it": (*_GEMMA2_27B, None),
    "unsloth/gemma-2-27b-bnb-4bit": (*_GEMMA2_27B, "bnb-4bit"),
    "unsloth/gemma-2-27b-it-bnb-4bit": (*_GEMMA2_27B, "bnb-4bit"),
    "google/gemma-3-270m": (*_GEMMA3_270M, None),
    "google/gemma-3-270m-it": (*_GEMMA3_270M, None),
    "unsloth/gemma-3-270m": (*_GEMMA3_270M, None),
    "unsloth/gemma-3-270m-it": (*_GEMMA3_270M, None),
    "google/gemma-3-1b-pt": (*_GEMMA3_1B, None),
    "google/gemma-3-1b-it": (*_GEMMA3_1B, None),
    "unsloth/gemma-3-1b-pt": (*_GEMMA3_1B, None),
    "unsloth/gemma-3-1b-it": (*_GEMMA3_1B, None),
    "unsloth/gemma-3-1b-it-bnb-4bit": (*_GEMMA3_1B, "bnb-4bit"),
    "unsloth/gemma-3-1b-it-unsloth-bnb-4bit": (*_GEMMA3_1B, "bnb-4bit"),
    "google/gemma-3-4b-pt": (*_GEMMA3_4B, None),
    "google/gemma-3-4b-it": (*_GEMMA3_4B, None),
    "unsloth/gemma-3-4b-pt": (*_GEMMA3_4B, None),
    "unsloth/gemma-3-4b-it": (*_GEMMA3_4B, None),
    "unsloth/gemma-3-4b-it-bnb-4bit": (*_GEMMA3_4B, "bnb-4bit"),
    "unsloth/gemma-3-4b-it-unsloth-bnb-4bit": (*_GEMMA3_4B, "bnb-4bit"),
    "google/gemma-3-12b-pt": (*_GEMMA3_12B, None),
    "google/gemma-3-12b-it": (*_GEMMA3_12B, None),
    "unsloth/gemma-3-12b-pt": (*_GEMMA3_12B, None),
    "unsloth/gemma-3-12b-it": (*_GEMMA3_12B, None),
    "unsloth/gemma-3-12b-it-bnb-4bit": (*_GEMMA3_12B, "bnb-4bit"),
    "unsloth/gemma-3-12b-it-unsloth-bnb-4bit": (*_GEMMA3_12B, "bnb-4bit"),
    "google/gemma-3-27b-pt": (*_GEMMA3_27B, None),
    "google/gemma-3-27b-it": (*_GEMMA3_27B, None),
    "unsloth/gemma-3-27b-pt": (*_GEMMA3_27B, None),
    "unsloth/gemma-3-27b-it": (*_GEMMA3_27B, None),
    "unsloth/gemma-3-27b-it-bnb-4bit": (*_GEMMA3_27B, "bnb-4bit"),
    "unsloth/gemma-3-27b-it-unsloth-bnb-4bit": (*_GEMMA3_27B, "bnb-4bit"),
    "google/medgemma-4b-pt": (*_GEMMA3_4B, None),
    "google/medgemma-4b-it": (*_GEMMA3_4B, None),
    "google/medgemma-27b-it": (*_GEMMA3_27B, None),
    "google/medgemma-27b-text-it": (*_MEDGEMMA_27B_TEXT, None),
    "google/gemma-3n-e2b": (*_GEMMA3N_E2B, None),
    "google/gemma-3n-e2b-it": (*_GEMMA3N_E2B, None),
    "google/gemma-3n-e4b": (*_GEMMA3N_E4B, None),
    "google/gemma-3n-e4b-it": (*_GEMMA3N_E4B, None),
    "google/gemma-4-e2b": (*_GEMMA4_E2B, None),
    "google/gemma-4-e2b-it": (*_GEMMA4_E2B, None),
    "google/gemma-4-e4b": (*_GEMMA4_E4B, None),
    "google/gemma-4-e4b-it": (*_GEMMA4_E4B, None),
    "google/gemma-4-12b": (*_GEMMA4_12B, None),
    "google/gemma-4-12b-it": (*_GEMMA4_12B, None),
    "google/gemma-4-26b-a4b": (*_GEMMA4_26B_A4B, None),
    "google/gemma-4-26b-a4b-it": (*_GEMMA4_26B_A4B, None),
    "google/gemma-4-31b": (*_GEMMA4_31B, None),
    "google/gemma-4-31b-it": (*_GEMMA4_31B, None),
    # Qwen
    "qwen/qwen2-0.5b": (*_QWEN2_0_5B, None),
    "qwen/qwen2-0.5b-instruct": (*_QWEN2_0_5B, None),
    "qwen/qwen2-1.5b": (*_QWEN2_1_5B, None),
    "qwen/qwen2-1.5b-instruct": (*_QWEN2_1_5B, None),
    "qwen/qwen2-7b": (*_QWEN2_7B, None),
    "qwen/qwen2-7b-instruct": (*_QWEN2_7B, None),
    "qwen/qwen2-72b": (*_QWEN2_72B, None),
    "qwen/qwen2-72b-instruct": (*_QWEN2_72B, None),
    "qwen/qwen2-0.5b-instruct-awq": (*_QWEN2_0_5B, "awq"),
    "qwen/qwen2-0.5b-instruct-gptq-int4": (*_QWEN2_0_5B, "gptq"),
    "qwen/qwen2-0.5b-instruct-gptq-int8": (*_QWEN2_0_5B, "gptq"),
    "qwen/qwen2-1.5b-instruct-awq": (*_QWEN2_1_5B, "awq"),
    "qwen/qwen2-1.5b-instruct-gptq-int4": (*_QWEN2_1_5B, "gptq"),
    "qwen/qwen2-1.5b-instruct-gptq-int8": (*_QWEN2_1_5B, "gptq"),
    "qwen/qwen2-7b-instruct-awq": (*_QWEN2_7B, "awq"),
    "qwen/qwen2-7b-instruct-gptq-int4": (*_QWEN2_7B, "gptq"),
    "qwen/qwen2-7b-instruct-gptq-int8": (*_QWEN2_7B, "gptq"),
    "qwen/qwen2-72b-instruct-awq": (*_QWEN2_72B_QUANTISED, "awq"),
    "qwen/qwen2-72b-instruct-gptq-int4": (*_QWEN2_72B_QUANTISED, "gptq"),
    "qwen/qwen2-72b-instruct-gptq-int8": (*_QWEN2_72B_QUANTISED, "gptq"),
    "qwen/qwen2-57b-a14b": (*_QWEN2_57B_A14B, None),
    "qwen/qwen2-57b-a14b-instruct": (*_QWEN2_57B_A14B, None),
    "qwen/qwen2-math-1.5b": (*_QWEN2_1_5B, None),
    "qwen/qwen2-math-1.5b-instruct": (*_QWEN2_1_5B, None),
    "qwen/qwen2-math-7b": (*_QWEN2_7B, None),
    "qwen/qwen2-math-7b-instruct": (*_QWEN2_7B, None),
    "qwen/qwen2-math-72b": (*_QWEN2_72B, None),
    "qwen/qwen2-math-72b-instruct": (*_QWEN2_72B, None),
    "qwen/qwen2.5-0.5b": (*_QWEN2_0_5B, None),
    "qwen/qwen2.5-0.5b-instruct": (*_QWEN2_0_5B, None),
    "unsloth/qwen2.5-0.5b": (*_QWEN2_0_5B, None),
    "unsloth/qwen2.5-0.5b-instruct": (*_QWEN2_0_5B, None),
    "unsloth/qwen2.5-0.5b-bnb-4bit": (*_QWEN2_0_5B, "bnb-4bit"),
    "unsloth/qwen2.5-0.5b-instruct-bnb-4bit": (*_QWEN2_0_5B, "bnb-4bit"),
    "qwen/qwen2.5-0.5b-instruct-awq": (*_QWEN2_0_5B, "awq"),
    "qwen/qwen2.5-0.5b-instruct-gptq-int4": (*_QWEN2_0_5B, "gptq"),
    "qwen/qwen2.5-0.5b-instruct-gptq-int8": (*_QWEN2_0_5B, "gptq"),
    "qwen/qwen2.5-coder-0.5b": (*_QWEN2_0_5B, None),
    "qwen/qwen2.5-coder-0.5b-instruct": (*_QWEN2_0_5B, None),
    "qwen/qwen2.5-coder-0.5b-instruct-awq": (*_QWEN2_0_5B, "awq"),
    "qwen/qwen2.5-coder-0.5b-instruct-gptq-int4": (*_QWEN2_0_5B, "gptq"),
    "qwen/qwen2.5-coder-0.5b-instruct-gptq-int8": (*_QWEN2_0_5B, "gptq"),
    "unsloth/qwen2.5-coder-0.5b-instruct-bnb-4bit": (*_QWEN2_0_5B, "bnb-4bit"),
    "qwen/qwen2.5-1.5b": (*_QWEN2_1_5B, None),
    "qwen/qwen2.5-1.5b-instruct": (*_QWEN2_1_5B, None),
    "unsloth/qwen2.5-1.5b": (*_QWEN2_1_5B, None),
    "unsloth/qwen2.5-1.5b-instruct": (*_QWEN2_1_5B, None),
    "unsloth/qwen2.5-1.5b-bnb-4bit": (*_QWEN2_1_5B, "bnb-4bit"),
    "unsloth/qwen2.5-1.5b-instruct-bnb-4bit": (*_QWEN2_1_5B, "bnb-4bit"),
    "qwen/qwen2.5-1.5b-instruct-awq": (*_QWEN2_1_5B, "awq"),
    "qwen/qwen2.5-1.5b-instruct-gptq-int4": (*_QWEN2_1_5B, "gptq"),
    "qwen/qwen2.5-1.5b-instruct-gptq-int8": (*_QWEN2_1_5B, "gptq"),
    "qwen/qwen2.5-coder-1.5b": (*_QWEN2_1_5B, None),
    "qwen/qwen2.5-coder-1.5b-instruct": (*_QWEN2_1_5B, None),
    "qwen/qwen2.5-coder-1.5b-instruct-awq": (*_QWEN2_1_5B, "awq"),
    "qwen/qwen2.5-coder-1.5b-instruct-gptq-int4": (*_QWEN2_1_5B, "gptq"),
    "qwen/qwen2.5-coder-1.5b-instruct-gptq-int8": (*_QWEN2_1_5B, "gptq"),
    "unsloth/qwen2.5-coder-1.5b-instruct-bnb-4bit": (*_QWEN2_1_5B, "bnb-4bit"),
    "qwen/qwen2.5-3b": (*_QWEN2_3B, None),
    "qwen/qwen2.5-3b-instruct": (*_QWEN2_3B, None),
    "unsloth/qwen2.5-3b": (*_QWEN2_3B, None),
    "unsloth/qwen2.5-3b-instruct": (*_QWEN2_3B, None),
    "unsloth/qwen2.5-3b-bnb-4bit": (*_QWEN2_3B, "bnb-4bit"),
    "unsloth/qwen2.5-3b-instruct-bnb-4bit": (*_QWEN2_3B, "bnb-4bit"),
    "qwen/qwen2.5-3b-instruct-awq": (*_QWEN2_3B, "awq"),
    "qwen/qwen2.5-3b-instruct-gptq-int4": (*_QWEN2_3B, "gptq"),
    "qwen/qwen2.5-3b-instruct-gptq-int8": (*_QWEN2_3B, "gptq"),
    "qwen/qwen2.5-coder-3b": (*_QWEN2_3B, None),
    "qwen/qwen2.5-coder-3b-instruct": (*_QWEN2_3B, None),
    "qwen/qwen2.5-coder-3b-instruct-awq": (*_QWEN2_3B, "awq"),
    "qwen/qwen2.5-coder-3b-instruct-gptq-int4": (*_QWEN2_3B, "gptq"),
    "qwen/qwen2.5-coder-3b-instruct-gptq-int8": (*_QWEN2_3B, "gptq"),
    "unsloth/qwen2.5-coder-3b-instruct-bnb-4bit": (*_QWEN2_3B, "bnb-4bit"),
    "qwen/qwen2.5-7b": (*_QWEN2_7B, None),
    "qwen/qwen2.5-7b-instruct": (*_QWEN2_7B, None),
    "unsloth/qwen2.5-7b": (*_QWEN2_7B, None),
    "unsloth/qwen2.5-7b-instruct": (*_QWEN2_7B, None),
    "unsloth/qwen2.5-7b-bnb-4bit": (*_QWEN2_7B, "bnb-4bit"),
    "unsloth/qwen2.5-7b-instruct-bnb-4bit": (*_QWEN2_7B, "bnb-4bit"),
    "qwen/qwen2.5-7b-instruct-awq": (*_QWEN2_7B, "awq"),
    "qwen/qwen2.5-7b-instruct-gptq-int4": (*_QWEN2_7B, "gptq"),
    "qwen/qwen2.5-7b-instruct-gptq-int8": (*_QWEN2_7B, "gptq"),
    "qwen/qwen2.5-coder-7b": (*_QWEN2_7B, None),
    "qwen/qwen2.5-coder-7b-instruct": (*_QWEN2_7B, None),
    "qwen/qwen2.5-coder-7b-instruct-awq": (*_QWEN2_7B, "awq"),
    "qwen/qwen2.5-coder-7b-instruct-gptq-int4": (*_QWEN2_7B, "gptq"),
    "qwen/qwen2.5-coder-7b-instruct-gptq-int8": (*_QWEN2_7B, "gptq"),
    "unsloth/qwen2.5-coder-7b-instruct-bnb-4bit": (*_QWEN2_7B, "bnb-4bit"),
    "qwen/qwen2.5-14b": (*_QWEN2_14B, None),
    "qwen/qwen2.5-14b-instruct": (*_QWEN2_14B, None),
    "unsloth/qwen2.5-14b": (*_QWEN2_14B, None),
    "unsloth/qwen2.5-14b-instruct": (*_QWEN2_14B, None),
    "unsloth/qwen2.5-14b-bnb-4bit": (*_QWEN2_14B, "bnb-4bit"),
    "unsloth/qwen2.5-14b-instruct-bnb-4bit": (*_QWEN2_14B, "bnb-4bit"),
    "qwen/qwen2.5-14b-instruct-awq": (*_QWEN2_14B, "awq"),
    "qwen/qwen2.5-14b-instruct-gptq-int4": (*_QWEN2_14B, "gptq"),
    "qwen/qwen2.5-14b-instruct-gptq-int8": (*_QWEN2_14B, "gptq"),
    "qwen/qwen2.5-coder-14b": (*_QWEN2_14B, None),
    "qwen/qwen2.5-coder-14b-instruct": (*_QWEN2_14B, None),
    "qwen/qwen2.5-coder-14b-instruct-awq": (*_QWEN2_14B, "awq"),
    "qwen/qwen2.5-coder-14b-instruct-gptq-int4": (*_QWEN2_14B, "gptq"),
    "qwen/qwen2.5-coder-14b-instruct-gptq-int8": (*_QWEN2_14B, "gptq"),
    "unsloth/qwen2.5-coder-14b-instruct-bnb-4bit": (*_QWEN2_14B, "bnb-4bit"),
    "qwen/qwen2.5-32b": (*_QWEN2_32B, None),
    "qwen/qwen2.5-32b-instruct": (*_QWEN2_32B, None),
    "unsloth/qwen2.5-32b": (*_QWEN2_32B, None),
    "unsloth/qwen2.5-32b-instruct": (*_QWEN2_32B, None),
    "unsloth/qwen2.5-32b-bnb-4bit": (*_QWEN2_32B, "bnb-4bit"),
    "unsloth/qwen2.5-32b-instruct-bnb-4bit": (*_QWEN2_32B, "bnb-4bit"),
    "qwen/qwen2.5-32b-instruct-awq": (*_QWEN2_32B, "awq"),
    "qwen/qwen2.5-32b-instruct-gptq-int4": (*_QWEN2_32B, "gptq"),
    "qwen/qwen2.5-32b-instruct-gptq-int8": (*_QWEN2_32B, "gptq"),
    "qwen/qwen2.5-coder-32b": (*_QWEN2_32B, None),
    "qwen/qwen2.5-coder-32b-instruct": (*_QWEN2_32B, None),
    "qwen/qwen2.5-coder-32b-instruct-awq": (*_QWEN2_32B, "awq"),
    "qwen/qwen2.5-coder-32b-instruct-gptq-int4": (*_QWEN2_32B, "gptq"),
    "qwen/qwen2.5-coder-32b-instruct-gptq-int8": (*_QWEN2_32B, "gptq"),
    "unsloth/qwen2.5-coder-32b-instruct-bnb-4bit": (*_QWEN2_32B, "bnb-4bit"),
    "qwen/qwen2.5-72b": (*_QWEN2_72B, None),
    "qwen/qwen2.5-72b-instruct": (*_QWEN2_72B, None),
    "unsloth/qwen2.5-72b": (*_QWEN2_72B, None),
    "unsloth/qwen2.5-72b-instruct": (*_QWEN2_72B, None),
    "unsloth/qwen2.5-72b-bnb-4bit": (*_QWEN2_72B, "bnb-4bit"),
    "unsloth/qwen2.5-72b-instruct-bnb-4bit": (*_QWEN2_72B, "bnb-4bit"),
    "qwen/qwen2.5-72b-instruct-awq": (*_QWEN2_72B_PADDED, "awq"),
    "qwen/qwen2.5-72b-instruct-gptq-int4": (*_QWEN2_72B_QUANTISED, "gptq"),
    "qwen/qwen2.5-72b-instruct-gptq-int8": (*_QWEN2_72B_QUANTISED, "gptq"),
    "qwen/qwen2.5-math-1.5b": (*_QWEN2_1_5B, None),
    "qwen/qwen2.5-math-1.5b-instruct": (*_QWEN2_1_5B, None),
    "qwen/qwen2.5-math-7b": (*_QWEN2_7B, None),
    "qwen/qwen2.5-math-7b-instruct": (*_QWEN2_7B, None),
    "qwen/qwen2.5-math-72b": (*_QWEN2_72B, None),
    "qwen/qwen2.5-math-72b-instruct": (*_QWEN2_72B, None),
    "qwen/qwen2.5-7b-instruct-1m": (*_QWEN2_7B, None),
    "qwen/qwen2.5-14b-instruct-1m": (*_QWEN2_14B, None),
    "qwen/qwq-32b": (*_QWEN2_32B, None),
    "qwen/qwq-32b-preview": (*_QWEN2_32B, None),
    "qwen/qwq-32b-awq": (*_QWEN2_32B, "awq"),
    "qwen/qwq-32b-preview-awq": (*_QWEN2_32B, "awq"),
    "kirillr/qwq-32b-preview-awq": (*_QWEN2_32B, "awq"),
    "qwen/qwen3-0.6b": (*_QWEN3_0_6B, None),
    "qwen/qwen3-0.6b-fp8": (*_QWEN3_0_6B, "fp8"),
    "qwen/qwen3-0.6b-base": (*_QWEN3_0_6B, None),
    "unsloth/qwen3-0.6b": (*_QWEN3_0_6B, None),
    "unsloth/qwen3-0.6b-unsloth-bnb-4bit": (*_QWEN3_0_6B, "bnb-4bit"),
    "unsloth/qwen3-0.6b-bnb-4bit": (*_QWEN3_0_6B, "bnb-4bit"),
    "qwen/qwen3-1.7b": (*_QWEN3_1_7B, None),
    "qwen/qwen3-1.7b-fp8": (*_QWEN3_1_7B, "fp8"),
    "qwen/qwen3-1.7b-base": (*_QWEN3_1_7B, None),
    "unsloth/qwen3-1.7b": (*_QWEN3_1_7B, None),
    "unsloth/qwen3-1.7b-unsloth-bnb-4bit": (*_QWEN3_1_7B, "bnb-4bit"),
    "unsloth/qwen3-1.7b-bnb-4bit": (*_QWEN3_1_7B, "bnb-4bit"),
    "qwen/qwen3-4b": (*_QWEN3_4B, None),
    "qwen/qwen3-4b-fp8": (*_QWEN3_4B, "fp8"),
    "qwen/qwen3-4b-base": (*_QWEN3_4B, None),
    "qwen/qwen3-4b-awq": (*_QWEN3_4B, "awq"),
    "unsloth/qwen3-4b": (*_QWEN3_4B, None),
    "unsloth/qwen3-4b-unsloth-bnb-4bit": (*_QWEN3_4B, "bnb-4bit"),
    "unsloth/qwen3-4b-bnb-4bit": (*_QWEN3_4B, "bnb-4bit"),
    "qwen/qwen3-8b": (*_QWEN3_8B, None),
    "qwen/qwen3-8b-fp8": (*_QWEN3_8B, "fp8"),
    "qwen/qwen3-8b-base": (*_QWEN3_8B, None),
    "qwen/qwen3-8b-awq": (*_QWEN3_8B, "awq"),
    "unsloth/qwen3-8b": (*_QWEN3_8B, None),
    "unsloth/qwen3-8b-unsloth-bnb-4bit": (*_QWEN3_8B, "bnb-4bit"),
    "unsloth/qwen3-8b-bnb-4bit": (*_QWEN3_8B, "bnb-4bit"),
    "qwen/qwen3-14b": (*_QWEN3_14B, None),
    "qwen/qwen3-14b-fp8": (*_QWEN3_14B, "fp8"),
    "qwen/qwen3-14b-base": (*_QWEN3_14B, None),
    "qwen/qwen3-14b-awq": (*_QWEN3_14B, "awq"),
    "unsloth/qwen3-14b": (*_QWEN3_14B, None),
    "unsloth/qwen3-14b-unsloth-bnb-4bit": (*_QWEN3_14B, "bnb-4bit"),
    "unsloth/qwen3-14b-bnb-4bit": (*_QWEN3_14B, "bnb-4bit"),
    "qwen/qwen3-32b": (*_QWEN3_32B, None),
    "qwen/qwen3-32b-fp8": (*_QWEN3_32B, "fp8"),
    "qwen/qwen3-32b-awq": (*_QWEN3_32B, "awq"),
    "unsloth/qwen3-32b": (*_QWEN3_32B, None),
    "unsloth/qwen3-32b-unsloth-bnb-4bit": (*_QWEN3_32B, "bnb-4bit"),
    "unsloth/qwen3-32b-bnb-4bit": (*_QWEN3_32B, "bnb-4bit"),
    "qwen/qwen3-4b-instruct-2507": (*_QWEN3_4B, None),
    "qwen/qwen3-4b-thinking-2507": (*_QWEN3_4B, None),
    "qwen/qwen3-30b-a3b": (*_QWEN3_30B_A3B, None),
    "qwen/qwen3-30b-a3b-base": (*_QWEN3_30B_A3B, None),
    "qwen/qwen3-30b-a3b-instruct-2507": (*_QWEN3_30B_A3B, None),
    "qwen/qwen3-30b-a3b-thinking-2507": (*_QWEN3_30B_A3B, None),
    "qwen/qwen3-235b-a22b": (*_QWEN3_235B_A22B, None),
    "qwen/qwen3-235b-a22b-instruct-2507": (*_QWEN3_235B_A22B, None),
    "qwen/qwen3-235b-a22b-thinking-2507": (*_QWEN3_235B_A22B, None),
    "qwen/qwen3-30b-a3b-fp8": (*_QWEN3_30B_A3B, "fp8"),
    "qwen/qwen3-235b-a22b-fp8": (*_QWEN3_235B_A22B, "fp8"),
    "qwen/qwen3-30b-a3b-gptq-int4": (*_QWEN3_30B_A3B, "gptq"),
    "qwen/qwen3-coder-30b-a3b-instruct": (*_QWEN3_CODER_30B_A3B, None),
    "qwen/qwen3-next-80b-a3b-instruct": (*_QWEN3_NEXT_80B_A3B, None),
    "qwen/qwen3-next-80b-a3b-thinking": (*_QWEN3_NEXT_80B_A3B, None),
    "qwen/qwen3-embedding-0.6b": (*_QWEN3_EMBEDDING_0_6B, None),
    "qwen/qwen3-embedding-4b": (*_QWEN3_EMBEDDING_4B, None),
    "qwen/qwen3-embedding-8b": (*_QWEN3_EMBEDDING_8B, None),
    "qwen/qwen3.5-35b-a3b": (*_QWEN3_5_35B_A3B, None),
    "qwen/qwen3.5-397b-a17b": (*_QWEN3_5_397B_A17B, None),
    # DeepSeek
    "deepseek-ai/deepseek-v3-base": (*_DEEPSEEK_V3, "fp8"),
    "deepseek-ai/deepseek-v3": (*_DEEPSEEK_V3, "fp8"),
    "deepseek-ai/deepseek-v3-0324": (*_DEEPSEEK_V3, "fp8"),
    "deepseek-ai/deepseek-r1": (*_DEEPSEEK_V3, "fp8"),
    "deepseek-ai/deepseek-r1-zero": (*_DEEPSEEK_V3, "fp8"),
    "deepseek-ai/deepseek-r1-0528": (*_DEEPSEEK_V3, "fp8"),
    "deepseek-ai/deepseek-v2-lite": (*_DEEPSEEK_V2_LITE, None),
    "deepseek-ai/deepseek-v2-lite-chat": (*_DEEPSEEK_V2_LITE, None),
    "deepseek-ai/deepseek-r1-distill-qwen-1.5b": (*_QWEN2_1_5B, None),
    "casperhansen/deepseek-r1-distill-qwen-1.5b-awq": (*_QWEN2_1_5B, "awq"),
    "deepseek-ai/deepseek-r1-distill-qwen-7b": (*_QWEN2_7B, None),
    "casperhansen/deepseek-r1-distill-qwen-7b-awq": (*_QWEN2_7B, "awq"),
    "deepseek-ai/deepseek-r1-distill-qwen-14b": (*_QWEN2_14B, None),
    "casperhansen/deepseek-r1-distill-qwen-14b-awq": (*_QWEN2_14B, "awq"),
    "deepseek-ai/deepseek-r1-distill-qwen-32b": (*_QWEN2_32B, None),
    "casperhansen/deepseek-r1-distill-qwen-32b-awq": (*_QWEN2_32B, "awq"),
    "deepseek-ai/deepseek-r1-distill-llama-8b": (*_LLAMA3_8B, None),
    "deepseek-ai/deepseek-r1-distill-llama-70b": (*_LLAMA3_70B, None),
    "deepseek-ai/deepseek-r1-0528-qwen3-8b": (*_QWEN3_8B, None),
    "deepseek-ai/deepseek-llm-7b-base": (*_DEEPSEEK_7B, None),
    "deepseek-ai/deepseek-llm-7b-chat": (*_DEEPSEEK_7B, None),
    "deepseek-ai/deepseek-math-7b-base": (*_DEEPSEEK_7B, None),
    "deepseek-ai/deepseek-math-7b-instruct": (*_DEEPSEEK_7B, None),
    "deepseek-ai/deepseek-math-7b-rl": (*_DEEPSEEK_7B, None),
    "ai-mo/numinamath-7b-tir": (*_DEEPSEEK_7B, None),
    "ai-mo/numinamath-7b-cot": (*_DEEPSEEK_7B, None),
    # Phi
    "microsoft/phi-1": (*_PHI_1, None),
    "microsoft/phi-1_5": (*_PHI_1, None),
    "microsoft/phi-2": (*_PHI_2, None),
    "microsoft/phi-3-mini-4k-instruct": (*_PHI_3_MINI, None),
    "microsoft/phi-3-mini-128k-instruct": (*_PHI_3_MINI, None),
    "microsoft/phi-3.5-mini-instruct": (*_PHI_3_MINI, None),
    "microsoft/phi-3-small-8k-instruct": (*_PHI_3_SMALL, None),
    "microsoft/phi-3-small-128k-instruct": (*_PHI_3_SMALL, None),
    "microsoft/phi-3-medium-4k-instruct": (*_PHI_3_MEDIUM, None),
    "microsoft/phi-3-medium-128k-instruct": (*_PHI_3_MEDIUM, None),
    "microsoft/phi-3.5-moe-instruct": (*_PHI_3_5_MOE, None),
    "microsoft/phi-4": (*_PHI_4, None),
    "microsoft/phi-4-reasoning": (*_PHI_4, None),
    "microsoft/phi-4-reasoning-plus": (*_PHI_4, None),
    "microsoft/phi-4-mini-instruct": (*_PHI_4_MINI, None),
    "microsoft/phi-4-mini-reasoning": (*_PHI_4_MINI, None),
    # Other decoders
    "openai/gpt-oss-20b": (*_GPT_OSS_20B, "mxfp4"),
    "openai/gpt-oss-120b": (*_GPT_OSS_120B, "mxfp4"),
    "nvidia/nvidia-nemotron-3-nano-30b-a3b-bf16": (*_NEMOTRON_3_NANO, None),
    "nvidia/nvidia-nemotron-3-nano-30b-a3b-base-bf16": (*_NEMOTRON_3_NANO, None),
    "gpt2": (*_GPT2, None),
    "openai-community/gpt2": (*_GPT2, None),
    "gpt2-medium": (*_GPT2_MEDIUM, None),
    "openai-community/gpt2-medium": (*_GPT2_MEDIUM, None),
    "gpt2-large": (*_GPT2_LARGE, None),
    "openai-community/gpt2-large": (*_GPT2_LARGE, None),
    "gpt2-xl": (*_GPT2_XL, None),
    "openai-community/gpt2-xl": (*_GPT2_XL, None),
    "distilgpt2": (*_DISTILGPT2, None),
    "distilbert/distilgpt2": (*_DISTILGPT2, None),
    "huggingfacetb/smollm2-135m": (*_SMOLLM2_135M, None),
    "huggingfacetb/smollm2-135m-instruct": (*_SMOLLM2_135M, None),
    "huggingfacetb/smollm2-360m": (*_SMOLLM2_360M, None),
    "huggingfacetb/smollm2-360m-instruct": (*_SMOLLM2_360M, None),
    "huggingfacetb/smollm2-1.7b": (*_SMOLLM2_1_7B, None),
    "huggingfacetb/smollm2-1.7b-instruct": (*_SMOLLM2_1_7B, None),
    "huggingfacetb/smollm3-3b": (*_SMOLLM3_3B, None),
    "huggingfacetb/smollm3-3b-base": (*_SMOLLM3_3B, None),
    "tiiuae/falcon-7b": (*_FALCON_7B, None),
    "tiiuae/falcon-7b-instruct": (*_FALCON_7B, None),
    "tiiuae/falcon-40b": (*_FALCON_40B, None),
    "tiiuae/falcon-40b-instruct": (*_FALCON_40B, None),
    "tiiuae/falcon-180b": (*_FALCON_180B, None),
    "tiiuae/falcon-180b-chat": (*_FALCON_180B, None),
    "tiiuae/falcon3-1b-base": (*_FALCON3_1B, None),
    "tiiuae/falcon3-1b-instruct": (*_FALCON3_1B, None),
    "tiiuae/falcon3-3b-base": (*_FALCON3_3B, None),
    "tiiuae/falcon3-3b-instruct": (*_FALCON3_3B, None),
    "tiiuae/falcon3-7b-base": (*_FALCON3_7B, None),
    "tiiuae/falcon3-7b-instruct": (*_FALCON3_7B, None),
    "tiiuae/falcon3-10b-base": (*_FALCON3_10B, None),
    "tiiuae/falcon3-10b-instruct": (*_FALCON3_10B, None),
    "stabilityai/stablelm-3b-4e1t": (*_STABLELM_3B, None),
    "stabilityai/stablelm-zephyr-3b": (*_STABLELM_3B, None),
    "stabilityai/stablelm-2-1_6b": (*_STABLELM_2_1_6B, None),
    "stabilityai/stablelm-2-zephyr-1_6b": (*_STABLELM_2_1_6B, None),
    # Encoders
    "bert-base-uncased": (*_BERT_BASE, None),
    "google-bert/bert-base-uncased": (*_BERT_BASE, None),
    "bert-large-uncased": (*_BERT_LARGE, None),
    "google-bert/bert-large-uncased": (*_BERT_LARGE, None),
    "bert-base-cased": (*_BERT_BASE_CASED, None),
    "google-bert/bert-base-cased": (*_BERT_BASE_CASED, None),
    "bert-large-cased": (*_BERT_LARGE_CASED, None),
    "google-bert/bert-large-cased": (*_BERT_LARGE_CASED, None),
    "bert-base-multilingual-cased": (*_BERT_MULTILINGUAL, None),
    "google-bert/bert-base-multilingual-cased": (*_BERT_MULTILINGUAL, None),
    "bert-base-multilingual-uncased": (*_BERT_MULTILINGUAL_UNCASED, None),
    "google-bert/bert-base-multilingual-uncased": (*_BERT_MULTILINGUAL_UNCASED, None),
    "dbmdz/bert-large-cased-finetuned-conll03-english": (*_BERT_LARGE_CASED, None),
    "roberta-base": (*_ROBERTA_BASE, None),
    "facebookai/roberta-base": (*_ROBERTA_BASE, None),
    "roberta-large": (*_ROBERTA_LARGE, None),
    "facebookai/roberta-large": (*_ROBERTA_LARGE, None),
    "distilroberta-base": (*_DISTILROBERTA, None),
    "distilbert/distilroberta-base": (*_DISTILROBERTA, None),
    "distilbert-base-uncased": (*_DISTILBERT, None),
    "distilbert/distilbert-base-uncased": (*_DISTILBERT, None),
    "distilbert-base-uncased-finetuned-sst-2-english": (*_DISTILBERT, None),
    "distilbert/distilbert-base-uncased-finetuned-sst-2-english": (*_DISTILBERT, None),
    "distilbert-base-cased": (*_DISTILBERT_CASED, None),
    "distilbert/distilbert-base-cased": (*_DISTILBERT_CASED, None),
    "distilbert-base-multilingual-cased": (*_DISTILBERT_MULTILINGUAL, None),
    "distilbert/distilbert-base-multilingual-cased": (*_DISTILBERT_MULTILINGUAL, None),
    "xlm-roberta-base": (*_XLM_R_BASE, None),
    "facebookai/xlm-roberta-base": (*_XLM_R_BASE, None),
    "xlm-roberta-large": (*_XLM_R_LARGE, None),
    "facebookai/xlm-roberta-large": (*_XLM_R_LARGE, None),
    "answerdotai/modernbert-base": (*_MODERNBERT_BASE, None),
    "answerdotai/modernbert-large": (*_MODERNBERT_LARGE, None),
    "microsoft/deberta-v3-xsmall": (*_DEBERTA_V3_XSMALL, None),
    "microsoft/deberta-v3-small": (*_DEBERTA_V3_SMALL, None),
    "microsoft/deberta-v3-base": (*_DEBERTA_V3_BASE, None),
    "microsoft/deberta-v3-large": (*_DEBERTA_V3_LARGE, None),
    "microsoft/mdeberta-v3-base": (*_MDEBERTA_V3_BASE, None),
    "microsoft/mpnet-base": (*_MPNET_BASE, None),
    "sentence-transformers/all-mpnet-base-v2": (*_MPNET_BASE, None),
    "sentence-transformers/all-mpnet-base-v1": (*_MPNET_BASE, None),
    "sentence-transformers/multi-qa-mpnet-base-dot-v1": (*_MPNET_BASE, None),
    "sentence-transformers/paraphrase-mpnet-base-v2": (*_MPNET_BASE, None),
    "sentence-transformers/all-minilm-l6-v2": (*_MINILM_L6, None),
    "sentence-transformers/paraphrase-minilm-l6-v2": (*_MINILM_L6, None),
    "cross-encoder/ms-marco-minilm-l-6-v2": (*_MINILM_L6, None),
    "cross-encoder/ms-marco-minilm-l6-v2": (*_MINILM_L6, None),
    "sentence-transformers/all-minilm-l12-v2": (*_MINILM_L12, None),
    "microsoft/minilm-l12-h384-uncased": (*_MINILM_L12, None),
    "cross-encoder/ms-marco-minilm-l-12-v2": (*_MINILM_L12, None),
    "cross-encoder/ms-marco-minilm-l12-v2": (*_MINILM_L12, None),
    "baai/bge-small-en-v1.5": (*_MINILM_L12, None),
    "baai/bge-small-en": (*_MINILM_L12, None),
    "intfloat/e5-small": (*_MINILM_L12, None),
    "intfloat/e5-small-v2": (*_MINILM_L12, None),
    "sentence-transformers/paraphrase-multilingual-minilm-l12-v2": (*_MINILM_L12_MULTILINGUAL, None),
    "intfloat/multilingual-e5-small": (*_MINILM_L12_MULTILINGUAL, None),
    "baai/bge-base-en-v1.5": (*_BERT_BASE, None),
    "baai/bge-base-en": (*_BERT_BASE, None),
    "intfloat/e5-base": (*_BERT_BASE, None),
    "intfloat/e5-base-v2": (*_BERT_BASE, None),
    "baai/bge-large-en-v1.5": (*_BERT_LARGE, None),
    "baai/bge-large-en": (*_BERT_LARGE, None),
    "intfloat/e5-large": (*_BERT_LARGE, None),
    "intfloat/e5-large-v2": (*_BERT_LARGE, None),
    "baai/bge-large-zh-v1.5": (*_BGE_LARGE_ZH, None),
    "intfloat/multilingual-e5-base": (*_XLM_R_BASE, None),
    "baai/bge-reranker-base": (*_XLM_R_BASE, None),
    "intfloat/multilingual-e5-large": (*_XLM_R_LARGE, None),
    "intfloat/multilingual-e5-large-instruct": (*_XLM_R_LARGE, None),
    "baai/bge-m3": (*_XLM_R_LARGE, None),
    "baai/bge-reranker-large": (*_XLM_R_LARGE, None),
    "baai/bge-reranker-v2-m3": (*_XLM_R_LARGE, None),
}


# Hub ids of HANDLES whose config.json is not known well enough for a fingerprint.
WITHOUT_FINGERPRINT: tuple[str, ...] = ()

_TERMS_PAGE = "https://huggingface.co/{id}"

_APACHE_TERMS: Terms = ("apache-2.0", "Apache License 2.0", _TERMS_PAGE)
_MIT_TERMS: Terms = ("mit", "MIT License", _TERMS_PAGE)
_LLAMA_2_TERMS: Terms = ("llama2", "Llama 2 Community License Agreement", _TERMS_PAGE)
_LLAMA_3_TERMS: Terms = ("llama3", "Meta Llama 3 Community License Agreement", _TERMS_PAGE)
_LLAMA_3_1_TERMS: Terms = ("llama3.1", "Llama 3.1 Community License Agreement", _TERMS_PAGE)
_LLAMA_3_2_TERMS: Terms = ("llama3.2", "Llama 3.2 Community License Agreement", _TERMS_PAGE)
_LLAMA_3_3_TERMS: Terms = ("llama3.3", "Llama 3.3 Community License Agreement", _TERMS_PAGE)
_LLAMA_4_TERMS: Terms = ("llama4", "Llama 4 Community License Agreement", _TERMS_PAGE)
_GEMMA_TERMS: Terms = ("gemma", "Gemma Terms of Use", _TERMS_PAGE)
_HAI_DEF_TERMS: Terms = ("health-ai-developer-foundations", "Health AI Developer Foundations Terms of Use", _TERMS_PAGE)
_MISTRAL_RESEARCH_TERMS: Terms = ("mrl", "Mistral AI Research License", _TERMS_PAGE)
_MISTRAL_NON_PRODUCTION_TERMS: Terms = ("mnpl", "Mistral AI Non-Production License", _TERMS_PAGE)
_TONGYI_TERMS: Terms = ("tongyi-qianwen", "Tongyi Qianwen LICENSE AGREEMENT", _TERMS_PAGE)
_QWEN_RESEARCH_TERMS: Terms = ("qwen-research", "Qwen RESEARCH LICENSE AGREEMENT", _TERMS_PAGE)
_QWEN_TERMS: Terms = ("qwen", "Qwen LICENSE AGREEMENT", _TERMS_PAGE)
_DEEPSEEK_TERMS: Terms = ("deepseek", "DeepSeek License Agreement", _TERMS_PAGE)
_NVIDIA_OPEN_TERMS: Terms = ("nvidia-open-model-license", "NVIDIA Open Model License Agreement", _TERMS_PAGE)
_FALCON_180B_TII_TERMS: Terms = ("falcon-180b", "Falcon 180B TII License", _TERMS_PAGE)
_FALCON_TII_TERMS: Terms = ("falcon-llm-license", "TII Falcon LLM License", _TERMS_PAGE)
_CC_BY_SA_TERMS: Terms = ("cc-by-sa-4.0", "Creative Commons Attribution Share Alike 4.0", _TERMS_PAGE)
_UNSTATED_TERMS: Terms = (None, None, _TERMS_PAGE)

# Two lines a family: what it is, then under which terms and since which release. The formatter would need twelve.
# fmt: off
FAMILIES: tuple[Family, ...] = (
    ("sentence-transformers/paraphrase-multilingual-minilm-", "MiniLM", ("bert",), False,
     *_APACHE_TERMS, None, "<pad>", None, None),
    ("sentence-transformers/paraphrase-minilm-", "MiniLM", ("bert",), False,
     *_APACHE_TERMS, None, "[PAD]", None, None),
    ("deepseek-ai/deepseek-r1-distill-llama-", "DeepSeek R1", ("llama",), False,
     *_MIT_TERMS, "deepseek-ai/deepseek-r1", None, "4.43.0", None),
    ("deepseek-ai/deepseek-r1-distill-qwen-", "DeepSeek R1", ("qwen2",), False,
     *_MIT_TERMS, "deepseek-ai/deepseek-r1", None, "4.37.0", None),
    ("mistralai/mistral-small-instruct-2409", "Mistral Small", ("mistral",), True,
     *_MISTRAL_RESEARCH_TERMS, None, None, "4.34.0", "research-only"),
    ("mistralai/ministral-8b-instruct-2410", "Ministral", ("mistral",), True,
     *_MISTRAL_RESEARCH_TERMS, None, None, "4.43.0", "research-only"),
    ("deepseek-ai/deepseek-r1-0528-qwen3-", "DeepSeek R1", ("qwen3",), False,
     *_MIT_TERMS, None, None, "4.51.0", None),
    ("mistralai/mistral-large-instruct-24", "Mistral Large", ("mistral",), True,
     *_MISTRAL_RESEARCH_TERMS, None, None, "4.34.0", "research-only"),
    ("mistralai/mistral-7b-instruct-v0.3", "Mistral", ("mistral",), True,
     *_APACHE_TERMS, "mistral-ai/mistral", "<unk>", "4.34.0", None),
    ("stabilityai/stablelm-2-zephyr-1_6b", "StableLM", ("stablelm",), None,
     *_UNSTATED_TERMS, None, None, "4.38.0", None),
    ("sentence-transformers/all-minilm-", "MiniLM", ("bert",), False,
     *_APACHE_TERMS, None, "[PAD]", None, None),
    ("sentence-transformers/all-mpnet-", "MPNet", ("mpnet",), False,
     *_APACHE_TERMS, None, "<pad>", None, None),
    ("meta-llama/llama-3.2-11b-vision", "Llama 3.2", ("mllama",), True,
     *_LLAMA_3_2_TERMS, None, "<|finetune_right_pad_id|>", "4.45.0", "user-limit"),
    ("meta-llama/llama-3.2-90b-vision", "Llama 3.2", ("mllama",), True,
     *_LLAMA_3_2_TERMS, None, "<|finetune_right_pad_id|>", "4.45.0", "user-limit"),
    ("hugging-quants/meta-llama-3.1-", "Llama 3.1", ("llama",), False,
     *_LLAMA_3_1_TERMS, "metaresearch/llama-3.1", "<|finetune_right_pad_id|>", "4.43.0", "user-limit"),
    ("nvidia/llama-3.1-nemotron-70b-", "Nemotron", ("llama",), False,
     *_LLAMA_3_1_TERMS, None, "<|finetune_right_pad_id|>", "4.43.0", "user-limit"),
    ("nvidia/nvidia-nemotron-3-nano-", "Nemotron", ("nemotron_h",), False,
     *_NVIDIA_OPEN_TERMS, None, None, None, None),
    ("mistralai/devstral-small-2507", "Devstral", ("mistral",), None,
     *_APACHE_TERMS, None, None, "4.43.0", None),
    ("deepseek-ai/deepseek-v2-lite", "DeepSeek V2", ("deepseek_v2",), False,
     *_DEEPSEEK_TERMS, None, None, "4.54.0", None),
    ("deepseek-ai/deepseek-v3-0324", "DeepSeek V3", ("deepseek_v3",), False,
     *_MIT_TERMS, None, None, "4.51.0", None),
    ("mistralai/codestral-22b-v0.1", "Codestral", ("mistral",), True,
     *_MISTRAL_NON_PRODUCTION_TERMS, None, None, "4.34.0", "research-only"),
    ("mistralai/mistral-small-24b-", "Mistral Small", ("mistral",), None,
     *_APACHE_TERMS, None, None, "4.43.0", None),
    ("mistralai/mistral-small-3.1-", "Mistral Small", ("mistral3",), None,
     *_APACHE_TERMS, None, None, "4.50.0", None),
    ("mistralai/mistral-small-3.2-", "Mistral Small", ("mistral3",), None,
     *_APACHE_TERMS, None, None, "4.50.0", None),
    ("nousresearch/meta-llama-3.1-", "Llama 3.1", ("llama",), False,
     *_LLAMA_3_1_TERMS, "metaresearch/llama-3.1", "<|finetune_right_pad_id|>", "4.43.0", "user-limit"),
    ("stabilityai/stablelm-3b-4e1t", "StableLM", ("stablelm",), False,
     *_CC_BY_SA_TERMS, None, None, "4.38.0", None),
    ("microsoft/phi-4-mini-flash-", "Phi-4", ("phi4flash",), False,
     *_MIT_TERMS, None, None, None, None),
    ("microsoft/phi-4-multimodal-", "Phi-4", ("phi4mm", "phi4_multimodal"), False,
     *_MIT_TERMS, None, None, None, None),
    ("stabilityai/stablelm-2-1_6b", "StableLM", ("stablelm",), None,
     *_UNSTATED_TERMS, None, None, "4.38.0", None),
    ("deepseek-ai/deepseek-math-", "DeepSeek Math", ("llama",), False,
     *_DEEPSEEK_TERMS, None, None, "4.31.0", None),
    ("meta-llama/meta-llama-3.1-", "Llama 3.1", ("llama",), True,
     *_LLAMA_3_1_TERMS, "metaresearch/llama-3.1", "<|finetune_right_pad_id|>", "4.43.0", "user-limit"),
    ("nousresearch/meta-llama-3-", "Llama 3", ("llama",), False,
     *_LLAMA_3_TERMS, "metaresearch/llama-3", "<|reserved_special_token_250|>", "4.31.0", "user-limit"),
    ("deepseek-ai/deepseek-llm-", "DeepSeek LLM", ("llama",), False,
     *_DEEPSEEK_TERMS, None, None, "4.31.0", None),
    ("deepseek-ai/deepseek-v3.1", "DeepSeek V3", ("deepseek_v3",), False,
     *_MIT_TERMS, None, None, "4.51.0", None),
    ("deepseek-ai/deepseek-v3.2", "DeepSeek V3", ("deepseek_v32",), False,
     *_MIT_TERMS, None, None, None, None),
    ("distilbert/distilroberta-", "DistilRoBERTa", ("roberta",), False,
     *_APACHE_TERMS, None, "<pad>", None, None),
    ("intfloat/multilingual-e5-", "E5", ("bert", "xlm-roberta"), False,
     *_MIT_TERMS, None, "<pad>", None, None),
    ("microsoft/phi-3.5-vision-", "Phi-3.5", ("phi3_v",), False,
     *_MIT_TERMS, None, None, None, None),
    ("mistralai/mistral-7b-v0.3", "Mistral", ("mistral",), True,
     *_APACHE_TERMS, "mistral-ai/mistral", "<unk>", "4.34.0", None),
    ("tinyllama/tinyllama-1.1b-", "TinyLlama", ("llama",), False,
     *_APACHE_TERMS, None, "<unk>", "4.31.0", None),
    ("huggingfaceh4/zephyr-7b-", "Zephyr", ("mistral",), False,
     *_MIT_TERMS, None, "<unk>", "4.34.0", None),
    ("meta-llama/meta-llama-3-", "Llama 3", ("llama",), True,
     *_LLAMA_3_TERMS, "metaresearch/llama-3", "<|reserved_special_token_250|>", "4.31.0", "user-limit"),
    ("unsloth/qwen2.5-coder-3b", "Qwen2.5-Coder", ("qwen2",), False,
     *_QWEN_RESEARCH_TERMS, "qwen-lm/qwen2.5-coder", "<|endoftext|>", "4.37.0", "research-only"),
    ("answerdotai/modernbert-", "ModernBERT", ("modernbert",), False,
     *_APACHE_TERMS, None, "[PAD]", "4.48.0", None),
    ("deepseek-ai/deepseek-r1", "DeepSeek R1", ("deepseek_v3",), False,
     *_MIT_TERMS, "deepseek-ai/deepseek-r1", None, "4.51.0", None),
    ("deepseek-ai/deepseek-v3", "DeepSeek V3", ("deepseek_v3",), False,
     *_UNSTATED_TERMS, None, None, "4.51.0", None),
    ("facebookai/xlm-roberta-", "XLM-RoBERTa", ("xlm-roberta",), False,
     *_MIT_TERMS, None, "<pad>", None, None),
    ("microsoft/phi-3-vision-", "Phi-3", ("phi3_v",), False,
     *_MIT_TERMS, None, None, None, None),
    ("mistralai/mathstral-7b-", "Mistral", ("mistral",), None,
     *_APACHE_TERMS, None, "<unk>", "4.34.0", None),
    ("mistralai/mistral-nemo-", "Mistral Nemo", ("mistral",), None,
     *_APACHE_TERMS, None, "<pad>", "4.43.0", None),
    ("unsloth/meta-llama-3.1-", "Llama 3.1", ("llama",), False,
     *_LLAMA_3_1_TERMS, "metaresearch/llama-3.1", "<|finetune_right_pad_id|>", "4.43.0", "user-limit"),
    ("distilbert/distilbert-", "DistilBERT", ("distilbert",), False,
     *_APACHE_TERMS, None, "[PAD]", None, None),
    ("huggingfacetb/smollm2-", "SmolLM2", ("llama",), False,
     *_APACHE_TERMS, None, None, "4.31.0", None),
    ("huggingfacetb/smollm3-", "SmolLM3", ("smollm3",), False,
     *_APACHE_TERMS, None, None, "4.53.0", None),
    ("microsoft/mdeberta-v3-", "DeBERTa", ("deberta-v2",), False,
     *_MIT_TERMS, None, "[PAD]", None, None),
    ("microsoft/phi-3-small-", "Phi-3", ("phi3small",), False,
     *_MIT_TERMS, None, None, None, None),
    ("microsoft/phi-3.5-moe-", "Phi-3.5", ("phimoe",), False,
     *_MIT_TERMS, None, "<unk>", "4.46.0", None),
    ("unsloth/qwen2.5-coder-", "Qwen2.5-Coder", ("qwen2",), False,
     *_APACHE_TERMS, "qwen-lm/qwen2.5-coder", "<|endoftext|>", "4.37.0", None),
    ("meta-llama/codellama-", "Code Llama", ("llama",), True,
     *_LLAMA_2_TERMS, None, "<unk>", "4.33.0", "user-limit"),
    ("meta-llama/llama-3.1-", "Llama 3.1", ("llama",), True,
     *_LLAMA_3_1_TERMS, "metaresearch/llama-3.1", "<|finetune_right_pad_id|>", "4.43.0", "user-limit"),
    ("meta-llama/llama-3.2-", "Llama 3.2", ("llama",), True,
     *_LLAMA_3_2_TERMS, "metaresearch/llama-3.2", "<|finetune_right_pad_id|>", "4.43.0", "user-limit"),
    ("meta-llama/llama-3.3-", "Llama 3.3", ("llama",), True,
     *_LLAMA_3_3_TERMS, "metaresearch/llama-3.3", "<|finetune_right_pad_id|>", "4.43.0", "user-limit"),
    ("microsoft/deberta-v3-", "DeBERTa", ("deberta-v2",), False,
     *_MIT_TERMS, None, "[PAD]", None, None),
    ("microsoft/phi-4-mini-", "Phi-4", ("phi3",), False,
     *_MIT_TERMS, None, None, "4.49.0", None),
    ("mistralai/mistral-7b-", "Mistral", ("mistral",), None,
     *_APACHE_TERMS, "mistral-ai/mistral", "<unk>", "4.34.0", None),
    ("nousresearch/llama-2-", "Llama 2", ("llama",), False,
     *_LLAMA_2_TERMS, "metaresearch/llama-2", "<unk>", "4.31.0", "user-limit"),
    ("openai-community/gpt2", "GPT-2", ("gpt2",), False,
     *_MIT_TERMS, None, None, None, None),
    ("qwen/qwen2.5-coder-3b", "Qwen2.5-Coder", ("qwen2",), False,
     *_QWEN_RESEARCH_TERMS, "qwen-lm/qwen2.5-coder", "<|endoftext|>", "4.37.0", "research-only"),
    ("qwen/qwen2.5-math-72b", "Qwen2.5-Math", ("qwen2",), False,
     *_QWEN_TERMS, None, "<|endoftext|>", "4.37.0", "user-limit"),
    ("qwen/qwen3-embedding-", "Qwen3-Embedding", ("qwen3",), False,
     *_APACHE_TERMS, None, "<|endoftext|>", "4.51.0", None),
    ("unsloth/mistral-nemo-", "Mistral Nemo", ("mistral",), False,
     *_APACHE_TERMS, None, "<pad>", "4.43.0", None),
    ("codellama/codellama-", "Code Llama", ("llama",), False,
     *_LLAMA_2_TERMS, None, "<unk>", "4.33.0", "user-limit"),
    ("intfloat/e5-mistral-", "E5", ("mistral",), False,
     *_MIT_TERMS, None, "<unk>", "4.34.0", None),
    ("mistralai/mixtral-8x", "Mixtral", ("mixtral",), None,
     *_APACHE_TERMS, "mistral-ai/mixtral", "<unk>", "4.36.0", None),
    ("qwen/qwen3-reranker-", "Qwen3-Reranker", ("qwen3",), False,
     *_APACHE_TERMS, None, "<|endoftext|>", "4.51.0", None),
    ("facebookai/roberta-", "RoBERTa", ("roberta",), False,
     *_MIT_TERMS, None, "<pad>", None, None),
    ("meta-llama/llama-2-", "Llama 2", ("llama",), True,
     *_LLAMA_2_TERMS, "metaresearch/llama-2", "<unk>", "4.31.0", "user-limit"),
    ("meta-llama/llama-4-", "Llama 4", ("llama4",), True,
     *_LLAMA_4_TERMS, None, "<|finetune_right_pad|>", "4.51.0", "user-limit"),
    ("qwen/qwen2-57b-a14b", "Qwen2", ("qwen2_moe",), False,
     *_APACHE_TERMS, None, "<|endoftext|>", "4.40.0", None),
    ("qwen/qwen2-math-72b", "Qwen2", ("qwen2",), False,
     *_TONGYI_TERMS, None, "<|endoftext|>", "4.37.0", "user-limit"),
    ("qwen/qwen2.5-coder-", "Qwen2.5-Coder", ("qwen2",), False,
     *_APACHE_TERMS, "qwen-lm/qwen2.5-coder", "<|endoftext|>", "4.37.0", None),
    ("qwen/qwen2.5-vl-72b", "Qwen2.5-VL", ("qwen2_5_vl",), False,
     *_QWEN_TERMS, None, "<|endoftext|>", "4.49.0", "user-limit"),
    ("unsloth/mistral-7b-", "Mistral", ("mistral",), False,
     *_APACHE_TERMS, "mistral-ai/mistral", "<unk>", "4.34.0", None),
    ("unsloth/qwen2.5-72b", "Qwen2.5", ("qwen2",), False,
     *_QWEN_TERMS, "qwen-lm/qwen2.5", "<|endoftext|>", "4.37.0", "user-limit"),
    ("distilroberta-base", "DistilRoBERTa", ("roberta",), False,
     *_APACHE_TERMS, None, "<pad>", None, None),
    ("google/gemma-4-12b", "Gemma 4", ("gemma4_unified", "gemma4_unified_text"), None,
     *_APACHE_TERMS, "google/gemma-4", "<pad>", None, None),
    ("microsoft/phi-3.5-", "Phi-3.5", ("phi3",), False,
     *_MIT_TERMS, None, "<unk>", "4.43.0", None),
    ("qwen/qwen2.5-math-", "Qwen2.5-Math", ("qwen2",), False,
     *_APACHE_TERMS, None, "<|endoftext|>", "4.37.0", None),
    ("qwen/qwen2.5-omni-", "Qwen2.5-Omni", ("qwen2_5_omni",), False,
     *_UNSTATED_TERMS, None, "<|endoftext|>", None, None),
    ("qwen/qwen2.5-vl-3b", "Qwen2.5-VL", ("qwen2_5_vl",), False,
     *_QWEN_RESEARCH_TERMS, None, "<|endoftext|>", "4.49.0", "research-only"),
    ("tiiuae/falcon-180b", "Falcon", ("falcon",), True,
     *_FALCON_180B_TII_TERMS, None, None, "4.33.0", None),
    ("unsloth/llama-3.2-", "Llama 3.2", ("llama",), False,
     *_LLAMA_3_2_TERMS, "metaresearch/llama-3.2", "<|finetune_right_pad_id|>", "4.43.0", "user-limit"),
    ("unsloth/llama-3.3-", "Llama 3.3", ("llama",), False,
     *_LLAMA_3_3_TERMS, "metaresearch/llama-3.3", "<|finetune_right_pad_id|>", "4.43.0", "user-limit"),
    ("unsloth/qwen2.5-3b", "Qwen2.5", ("qwen2",), False,
     *_QWEN_RESEARCH_TERMS, "qwen-lm/qwen2.5", "<|endoftext|>", "4.37.0", "research-only"),
    ("google-bert/bert-", "BERT", ("bert",), False,
     *_APACHE_TERMS, None, "[PAD]", None, None),
    ("google/codegemma-", "CodeGemma", ("gemma",), True,
     *_GEMMA_TERMS, "google/codegemma", "<pad>", "4.38.0", None),
    ("google/gemma-1.1-", "Gemma", ("gemma",), True,
     *_GEMMA_TERMS, "google/gemma", "<pad>", "4.38.0", None),
    ("qwen/qwen2-audio-", "Qwen2-Audio", ("qwen2_audio",), False,
     *_APACHE_TERMS, None, "<|endoftext|>", "4.45.0", None),
    ("qwen/qwen2-vl-72b", "Qwen2-VL", ("qwen2_vl",), False,
     *_TONGYI_TERMS, None, "<|endoftext|>", "4.45.0", "user-limit"),
    ("qwen/qwen3-coder-", "Qwen3-Coder", ("qwen3_moe",), False,
     *_APACHE_TERMS, None, "<|endoftext|>", "4.51.0", None),
    ("tiiuae/falcon-40b", "Falcon", ("falcon",), False,
     *_APACHE_TERMS, None, None, "4.32.0", None),
    ("distilbert-base-", "DistilBERT", ("distilbert",), False,
     *_APACHE_TERMS, None, "[PAD]", None, None),
    ("google/gemma-3n-", "Gemma 3n", ("gemma3n", "gemma3n_text"), True,
     *_GEMMA_TERMS, "google/gemma-3n", "<pad>", "4.53.0", None),
    ("google/medgemma-", "MedGemma", ("gemma3", "gemma3_text"), True,
     *_HAI_DEF_TERMS, "google/medgemma", "<pad>", "4.50.0", None),
    ("microsoft/mpnet-", "MPNet", ("mpnet",), False,
     *_UNSTATED_TERMS, None, "<pad>", None, None),
    ("microsoft/phi-3-", "Phi-3", ("phi3",), False,
     *_MIT_TERMS, None, "<unk>", "4.41.0", None),
    ("qwen/qwen2.5-72b", "Qwen2.5", ("qwen2",), False,
     *_QWEN_TERMS, "qwen-lm/qwen2.5", "<|endoftext|>", "4.37.0", "user-limit"),
    ("qwen/qwen2.5-vl-", "Qwen2.5-VL", ("qwen2_5_vl",), False,
     *_APACHE_TERMS, None, "<|endoftext|>", "4.49.0", None),
    ("qwen/qwen3-next-", "Qwen3-Next", ("qwen3_next",), False,
     *_APACHE_TERMS, None, "<|endoftext|>", "4.57.0", None),
    ("qwen/qwen3-omni-", "Qwen3-Omni", ("qwen3_omni_moe",), False,
     *_APACHE_TERMS, None, "<|endoftext|>", "4.57.0", None),
    ("tiiuae/falcon-7b", "Falcon", ("falcon",), False,
     *_APACHE_TERMS, None, None, "4.32.0", None),
    ("unsloth/gemma-2-", "Gemma 2", ("gemma2",), False,
     *_GEMMA_TERMS, "google/gemma-2", "<pad>", "4.42.0", None),
    ("unsloth/gemma-2b", "Gemma", ("gemma",), False,
     *_GEMMA_TERMS, "google/gemma", "<pad>", "4.38.0", None),
    ("unsloth/gemma-3-", "Gemma 3", ("gemma3", "gemma3_text"), False,
     *_GEMMA_TERMS, "google/gemma-3", "<pad>", "4.50.0", None),
    ("unsloth/gemma-7b", "Gemma", ("gemma",), False,
     *_GEMMA_TERMS, "google/gemma", "<pad>", "4.38.0", None),
    ("unsloth/llama-2-", "Llama 2", ("llama",), False,
     *_LLAMA_2_TERMS, "metaresearch/llama-2", "<unk>", "4.31.0", "user-limit"),
    ("unsloth/llama-3-", "Llama 3", ("llama",), False,
     *_LLAMA_3_TERMS, "metaresearch/llama-3", "<|reserved_special_token_250|>", "4.31.0", "user-limit"),
    ("unsloth/qwen2.5-", "Qwen2.5", ("qwen2",), False,
     *_APACHE_TERMS, "qwen-lm/qwen2.5", "<|endoftext|>", "4.37.0", None),
    ("google/gemma-2-", "Gemma 2", ("gemma2",), True,
     *_GEMMA_TERMS, "google/gemma-2", "<pad>", "4.42.0", None),
    ("google/gemma-2b", "Gemma", ("gemma",), True,
     *_GEMMA_TERMS, "google/gemma", "<pad>", "4.38.0", None),
    ("google/gemma-3-", "Gemma 3", ("gemma3", "gemma3_text"), True,
     *_GEMMA_TERMS, "google/gemma-3", "<pad>", "4.50.0", None),
    ("google/gemma-4-", "Gemma 4", ("gemma4", "gemma4_text"), None,
     *_APACHE_TERMS, "google/gemma-4", "<pad>", "5.5.0", None),
    ("google/gemma-7b", "Gemma", ("gemma",), True,
     *_GEMMA_TERMS, "google/gemma", "<pad>", "4.38.0", None),
    ("microsoft/phi-1", "Phi", ("phi",), False,
     *_MIT_TERMS, None, None, "4.37.0", None),
    ("microsoft/phi-2", "Phi", ("phi",), False,
     *_MIT_TERMS, None, None, "4.37.0", None),
    ("microsoft/phi-4", "Phi-4", ("phi3",), False,
     *_MIT_TERMS, None, "<|dummy_85|>", "4.41.0", None),
    ("openai/gpt-oss-", "gpt-oss", ("gpt_oss",), False,
     *_APACHE_TERMS, None, "<|endoftext|>", "4.55.0", None),
    ("qwen/qwen2.5-3b", "Qwen2.5", ("qwen2",), False,
     *_QWEN_RESEARCH_TERMS, "qwen-lm/qwen2.5", "<|endoftext|>", "4.37.0", "research-only"),
    ("tiiuae/falcon3-", "Falcon 3", ("llama",), False,
     *_FALCON_TII_TERMS, None, None, None, None),
    ("qwen/qwen2-72b", "Qwen2", ("qwen2",), False,
     *_TONGYI_TERMS, None, "<|endoftext|>", "4.37.0", "user-limit"),
    ("qwen/qwen2-vl-", "Qwen2-VL", ("qwen2_vl",), False,
     *_APACHE_TERMS, None, "<|endoftext|>", "4.45.0", None),
    ("qwen/qwen3-vl-", "Qwen3-VL", ("qwen3_vl", "qwen3_vl_moe"), False,
     *_APACHE_TERMS, None, "<|endoftext|>", "4.57.0", None),
    ("unsloth/qwen3-", "Qwen3", ("qwen3", "qwen3_moe"), False,
     *_APACHE_TERMS, "qwen-lm/qwen-3", "<|endoftext|>", "4.51.0", None),
    ("qwen/qwen2.5-", "Qwen2.5", ("qwen2",), False,
     *_APACHE_TERMS, "qwen-lm/qwen2.5", "<|endoftext|>", "4.37.0", None),
    ("qwen/qwen3.5-", "Qwen3.5", ("qwen3_5", "qwen3_5_moe", "qwen3_5_text", "qwen3_5_moe_text"), False,
     *_APACHE_TERMS, "qwen-lm/qwen-3-5", "<|endoftext|>", None, None),
    ("intfloat/e5-", "E5", ("bert",), False,
     *_MIT_TERMS, None, "[PAD]", None, None),
    ("qwen/qwq-32b", "QwQ", ("qwen2",), False,
     *_APACHE_TERMS, None, "<|endoftext|>", "4.37.0", None),
    ("xlm-roberta-", "XLM-RoBERTa", ("xlm-roberta",), False,
     *_MIT_TERMS, None, "<pad>", None, None),
    ("bert-large-", "BERT", ("bert",), False,
     *_APACHE_TERMS, None, "[PAD]", None, None),
    ("qwen/qwen2-", "Qwen2", ("qwen2",), False,
     *_APACHE_TERMS, None, "<|endoftext|>", "4.37.0", None),
    ("qwen/qwen3-", "Qwen3", ("qwen3", "qwen3_moe"), False,
     *_APACHE_TERMS, "qwen-lm/qwen-3", "<|endoftext|>", "4.51.0", None),
    ("bert-base-", "BERT", ("bert",), False,
     *_APACHE_TERMS, None, "[PAD]", None, None),
    ("baai/bge-", "BGE", ("bert", "xlm-roberta"), False,
     *_MIT_TERMS, None, None, None, None),
    ("roberta-", "RoBERTa", ("roberta",), False,
     *_MIT_TERMS, None, "<pad>", None, None),
    ("gpt2", "GPT-2", ("gpt2",), False,
     *_MIT_TERMS, None, None, None, None),
)
# fmt: on
