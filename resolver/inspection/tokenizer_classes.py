"""Which files each tokenizer class of transformers reads: a table, read from transformers 5.23.0.

Grouped by files, so that it loads fast: text is taken apart only for the class that is asked for.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

FALLBACKS: Final = ("tekken.json", "tokenizer.model", "tiktoken.model")  # any fast class is given these

# Classes over the tokenizers library: tokenizer.json, else these files.
FAST: Final = {
    ("vocab.json", "merges.txt"): (
        "BartTokenizer BlenderbotTokenizer CLIPTokenizer CodeGenTokenizer CohereTokenizer DebertaTokenizer "
        "GPT2Tokenizer GPTNeoXTokenizer HerbertTokenizer LEDTokenizer LayoutLMv3Tokenizer MarkupLMTokenizer "
        "MvpTokenizer NougatTokenizer OpenAIGPTTokenizer Qwen2Tokenizer RobertaTokenizer"
    ),
    ("vocab.txt",): (
        "BertTokenizer ConvBertTokenizer DPRContextEncoderTokenizer DPRQuestionEncoderTokenizer "
        "DPRReaderTokenizer DistilBertTokenizer FunnelTokenizer LayoutLMv2Tokenizer LxmertTokenizer "
        "MPNetTokenizer MobileBertTokenizer RoFormerTokenizer SplinterTokenizer SqueezeBertTokenizer"
    ),
    ("spiece.model",): (
        "AlbertTokenizer BigBirdTokenizer FNetTokenizer LasrTokenizer PegasusTokenizer ReformerTokenizer "
        "T5Tokenizer UdopTokenizer VideoPrismTokenizer XLNetTokenizer"
    ),
    ("sentencepiece.bpe.model",): (
        "BarthezTokenizer CamembertTokenizer LayoutXLMTokenizer MBart50Tokenizer MBartTokenizer NllbTokenizer "
        "SeamlessM4TTokenizer XLMRobertaTokenizer"
    ),
    ("tokenizer.model",): (
        "CodeLlamaTokenizer LlamaTokenizer ParakeetTokenizer PreTrainedTokenizerFast Qwen3_5Tokenizer "
        "Tipsv2Tokenizer TokenizersBackend"
    ),
    (): ("EsmcTokenizer GemmaTokenizer Siglip2Tokenizer XGLMTokenizer"),
    ("sentencepiece.bpe.model", "entity_vocab.json"): ("MLukeTokenizer"),
    ("sentencepiece.model",): ("RemBertTokenizer"),
    ("spm.model",): ("DebertaV2Tokenizer"),
    ("vocab.json", "merges.txt", "entity_vocab.json"): ("LukeTokenizer"),
    ("vocab.json", "merges.txt", "normalizer.json"): ("WhisperTokenizer"),
}

# Classes in Python: these files, never tokenizer.json; none at all where a class counts bytes.
PYTHON: Final = {
    ("vocab.json", "merges.txt"): (
        "BioGptTokenizer BlenderbotSmallTokenizer CTRLTokenizer ClvpTokenizer FlaubertTokenizer XLMTokenizer"
    ),
    ("vocab.json",): (
        "FastSpeech2ConformerTokenizer MgpstrTokenizer VitsTokenizer Wav2Vec2CTCTokenizer Wav2Vec2PhonemeCTCTokenizer"
    ),
    (): ("ByT5Tokenizer CanineTokenizer DiaTokenizer PerceiverTokenizer"),
    ("spiece.model",): ("BertGenerationTokenizer CpmTokenizer GPTSw3Tokenizer SiglipTokenizer"),
    ("vocab.txt",): ("CpmAntTokenizer EsmTokenizer TapasTokenizer"),
    ("vocab.json", "sentencepiece.bpe.model"): ("M2M100Tokenizer Speech2TextTokenizer"),
    ("vocab.txt", "bpe.codes"): ("BertweetTokenizer PhobertTokenizer"),
    ("byte_maps.json",): ("MyT5Tokenizer"),
    ("prophetnet.tokenizer",): ("ProphetNetTokenizer"),
    ("sentencepiece.bpe.model",): ("PLBartTokenizer"),
    ("sentencepiece.bpe.model", "dict.txt"): ("BartphoTokenizer"),
    ("source.spm", "target.spm", "vocab.json", "target_vocab.json"): ("MarianTokenizer"),
    ("spm_char.model",): ("SpeechT5Tokenizer"),
    ("vocab-src.json", "vocab-tgt.json", "merges.txt"): ("FSMTTokenizer"),
    ("vocab.txt", "emoji.json"): ("GPTNeoXJapaneseTokenizer"),
    ("vocab.txt", "spiece.model"): ("BertJapaneseTokenizer"),
    ("vocab.txt", "word_shape.json", "word_pronunciation.json"): ("RoCBertTokenizer"),
}

# The class that a model_type stands for, where the tokenizer's own files name none.
BY_MODEL_TYPE: Final = {
    "AlbertTokenizer": "albert yoso",
    "BartTokenizer": "florence2",
    "BarthezTokenizer": "barthez",
    "BartphoTokenizer": "bartpho",
    "BertGenerationTokenizer": "bert-generation",
    "BertJapaneseTokenizer": "bert-japanese",
    "BertTokenizer": (
        "align bark bert blip bros chinese_clip convbert distilbert electra ernie flava git "
        "grounding-dino layoutlm megatron-bert mm-grounding-dino nezha nomic_bert qdqbert "
        "realm retribert squeezebert tvp vilt visual_bert"
    ),
    "BertweetTokenizer": "bertweet",
    "BigBirdTokenizer": "big_bird",
    "BioGptTokenizer": "biogpt",
    "BlenderbotSmallTokenizer": "blenderbot-small",
    "BlenderbotTokenizer": "blenderbot",
    "ByT5Tokenizer": "byt5",
    "CLIPTokenizer": "aimv2 clip clipseg groupvit omdet-turbo oneformer owlv2 owlvit sam3 sam3_video xclip",
    "CTRLTokenizer": "ctrl",
    "CamembertTokenizer": "camembert",
    "CanineTokenizer": "canine",
    "ClvpTokenizer": "clvp",
    "CodeLlamaTokenizer": "code_llama",
    "CohereTokenizer": "aya_vision cohere cohere2",
    "CpmAntTokenizer": "cpmant",
    "CpmTokenizer": "cpm",
    "DPRQuestionEncoderTokenizer": "dpr",
    "DebertaTokenizer": "deberta",
    "DebertaV2Tokenizer": "deberta-v2",
    "DiaTokenizer": "dia",
    "EsmTokenizer": "esm",
    "EsmcTokenizer": "esmc esmfold2",
    "FNetTokenizer": "fnet",
    "FSMTTokenizer": "fsmt",
    "FlaubertTokenizer": "flaubert",
    "FunnelTokenizer": "funnel",
    "GPT2Tokenizer": (
        "blip-2 codegen dbrx emu3 gpt2 gpt_neo gptj hyperclovax_vision_v2 instructblip "
        "instructblipvideo jais2 opt phi starcoder2"
    ),
    "GPTNeoXJapaneseTokenizer": "gpt_neox_japanese",
    "GPTNeoXTokenizer": "falcon_mamba gpt_neox mamba mamba2 mpt olmo olmoe rwkv xlstm",
    "GPTSw3Tokenizer": "gpt-sw3",
    "GemmaTokenizer": (
        "diffusion_gemma gemma gemma2 gemma3 gemma3_text gemma3n gemma3n_text recurrent_gemma shieldgemma2 t5gemma zaya"
    ),
    "HerbertTokenizer": "herbert",
    "LEDTokenizer": "led",
    "LasrTokenizer": "lasr_ctc lasr_encoder",
    "LayoutLMv2Tokenizer": "layoutlmv2",
    "LayoutLMv3Tokenizer": "layoutlmv3",
    "LayoutXLMTokenizer": "layoutxlm",
    "LlamaTokenizer": "idefics idefics2",
    "LukeTokenizer": "luke",
    "LxmertTokenizer": "lxmert",
    "M2M100Tokenizer": "m2m_100",
    "MBart50Tokenizer": "mbart50",
    "MBartTokenizer": "mbart",
    "MLukeTokenizer": "mluke",
    "MPNetTokenizer": "mpnet",
    "MarianTokenizer": "marian",
    "MarkupLMTokenizer": "markuplm",
    "MgpstrTokenizer": "mgp-str",
    "MobileBertTokenizer": "mobilebert",
    "MvpTokenizer": "mvp",
    "MyT5Tokenizer": "myt5",
    "NllbTokenizer": "nllb nllb-moe",
    "NougatTokenizer": "nougat pp_formulanet",
    "OpenAIGPTTokenizer": "openai-gpt",
    "PLBartTokenizer": "plbart",
    "ParakeetTokenizer": (
        "granite_speech5_ctc nemotron3_5_asr nemotron_asr_streaming parakeet_ctc parakeet_rnnt parakeet_tdt"
    ),
    "PegasusTokenizer": "pegasus",
    "PerceiverTokenizer": "perceiver",
    "PhobertTokenizer": "phobert",
    "ProphetNetTokenizer": "prophetnet",
    "Qwen2Tokenizer": (
        "audioflamingo3 colqwen2 cosmos3_omni dots3_note fun_asr_nano hunyuan_vl internvl "
        "lighton_ocr moss_transcribe_diarize ovis2 qianfan_ocr qwen2 qwen2_5_omni qwen2_5_vl "
        "qwen2_audio qwen2_moe qwen2_vl qwen3 qwen3_asr qwen3_moe qwen3_next qwen3_omni_moe "
        "qwen3_vl qwen3_vl_moe vibevoice"
    ),
    "Qwen3_5Tokenizer": "qwen3_5 qwen3_5_moe qwen3_5_moe_text qwen3_5_text qwen4_exp",
    "ReformerTokenizer": "reformer",
    "RemBertTokenizer": "rembert",
    "RoCBertTokenizer": "roc_bert",
    "RoFormerTokenizer": "roformer",
    "RobertaTokenizer": (
        "bart bridgetower clap data2vec-text ibert lilt longformer mega mra roberta roberta-prelayernorm"
    ),
    "SeamlessM4TTokenizer": "seamless_m4t seamless_m4t_v2",
    "Siglip2Tokenizer": "siglip2",
    "SiglipTokenizer": "siglip",
    "Speech2TextTokenizer": "speech_to_text",
    "SpeechT5Tokenizer": "speecht5",
    "SplinterTokenizer": "splinter",
    "T5Tokenizer": "mt5 musicgen musicgen_melody switch_transformers t5",
    "TapasTokenizer": "tapas",
    "Tipsv2Tokenizer": "tipsv2",
    "TokenizersBackend": (
        "EvollaModel arctic aria beam bigbird_pegasus camembertv2-base canary chatlm "
        "cohere_asr ernie4_5 ernie4_5_moe flex_olmo fuyu glm glm4 glm4_moe glm4_moe_lite glm4v "
        "glm4v_moe glm_image glmasr got_ocr2 gpt_bigcode gradium_phonon_tts granite granitemoe "
        "granitemoehybrid granitemoeshared h2ovl_chat hyperclovax hyperclovax_vlm internlm2 "
        "internlm3 iquestcoder jamba kimi_k25 kimi_linear kosmos-2 llava llava_next "
        "mimo_v2_flash minicpm3 minicpm_ocr minicpmv minicpmv4_6 minicpmv4_7 minimax_m2 "
        "ministral ministral3 mistral mistral3 mistral_large4 mixtral modernbert "
        "modernbert-decoder molmo molmo2 nemo_speechlm nemotron nvfp4 nystromformer olmo2 "
        "olmo3 olmo_hybrid opencua openvla paddleocr_vl pegasus_x persimmon phi3 phi3_v phimoe "
        "pix2struct pixtral pocket_tts smolvlm stablelm step3_vl umt5 vipllava voxtral "
        "voxtral_realtime xlm-roberta-xl"
    ),
    "UdopTokenizer": "udop",
    "VideoPrismTokenizer": "videoprism",
    "VitsTokenizer": "vits",
    "Wav2Vec2CTCTokenizer": ("data2vec-audio hubert unispeech unispeech-sat wav2vec2 wav2vec2-bert wav2vec2-conformer"),
    "Wav2Vec2PhonemeCTCTokenizer": "wav2vec2_phoneme",
    "WhisperTokenizer": "whisper",
    "XGLMTokenizer": "xglm",
    "XLMRobertaTokenizer": "gte jina_embeddings_v3 metaclip_2 trocr xlm-roberta xmod",
    "XLMTokenizer": "xlm",
    "XLNetTokenizer": "xlnet",
}

# Model types whose declared class transformers knows to be wrong; it takes the one above.
INCORRECTLY_DECLARED: Final = (
    "arctic camembertv2-base chatlm cohere_asr ernie4_5 ernie4_5_moe fuyu h2ovl_chat hyperclovax "
    "hyperclovax_vision_v2 hyperclovax_vlm internlm2 internlm3 iquestcoder jamba llava llava_next "
    "minicpm3 minicpmv minimax_m2 modernbert modernbert-decoder molmo molmo2 nemotron nvfp4 opencua "
    "openvla paddleocr_vl phi3 phi3_v phimoe qwen2 qwen3_5 qwen3_5_moe qwen3_5_moe_text qwen4_exp siglip2 "
    "smolvlm step3_vl vipllava"
)

# Special tokens that a class sets where the files name none, in the order of its roles.
_BERT: Final = "unk_token [UNK] sep_token [SEP] pad_token [PAD] cls_token [CLS] mask_token [MASK]"
_ROBERTA: Final = (
    "bos_token <s> eos_token </s> unk_token <unk> sep_token </s> pad_token <pad> cls_token <s> mask_token <mask>"
)
DEFAULTS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("BertTokenizer", "DistilBertTokenizer", "MobileBertTokenizer", "LxmertTokenizer"), _BERT),
    **dict.fromkeys(("RobertaTokenizer", "BartTokenizer", "XLMRobertaTokenizer", "CamembertTokenizer"), _ROBERTA),
    **dict.fromkeys(
        ("GPT2Tokenizer", "CodeGenTokenizer"), "bos_token <|endoftext|> eos_token <|endoftext|> unk_token <|endoftext|>"
    ),
    "Qwen2Tokenizer": "eos_token <|endoftext|> unk_token <|endoftext|> pad_token <|endoftext|>",
    "DebertaV2Tokenizer": "bos_token [CLS] eos_token [SEP] " + _BERT,
    "DebertaTokenizer": "bos_token [CLS] eos_token [SEP] " + _BERT,
}


# What transformers 5.23 has besides the classes above, and 4.57 had; a name may end with "Fast".
OTHERS: Final = (
    "MistralCommonBackend PreTrainedTokenizer PreTrainedTokenizerBase PythonBackend SentencePieceBackend RagTokenizer "
    "Pop2PianoTokenizer BertTokenizerLegacy BasicTokenizer CharacterTokenizer MecabTokenizer WordpieceTokenizer "
    "BloomTokenizer ElectraTokenizer LayoutLMTokenizer LongformerTokenizer"
)
ONLY_BEFORE_5: Final = (
    "ErnieMTokenizer GPTSanJapaneseTokenizer JukeboxTokenizer "
    "MT5Tokenizer MistralCommonTokenizer RealmTokenizer RetriBertTokenizer "
    "Speech2Text2Tokenizer TFBertTokenizer TFGPT2Tokenizer TapexTokenizer TransfoXLTokenizer Wav2Vec2Tokenizer "
    "XLMProphetNetTokenizer"
)
ONLY_SINCE_5: Final = (
    "EsmcTokenizer LasrTokenizer Qwen3_5Tokenizer Siglip2Tokenizer Tipsv2Tokenizer TokenizersBackend "
    "VideoPrismTokenizer MistralCommonBackend PythonBackend SentencePieceBackend BertTokenizerLegacy"
)
# Classes that bring no pad token; all others of the tables may.
WITHOUT_PAD: Final = (
    "CTRLTokenizer CodeGenTokenizer CodeLlamaTokenizer GPT2Tokenizer LlamaTokenizer OpenAIGPTTokenizer "
    "PreTrainedTokenizer PreTrainedTokenizerFast TokenizersBackend WhisperTokenizer BloomTokenizer"
)


class Needs(NamedTuple):
    """What a class reads: whether tokenizer.json is enough, and the other files of which the first one is needed."""

    takes_tokenizer_json: bool
    files: tuple[str, ...]


def files_of(declared: str | None, model_type: str | None, *, before_5: bool = False) -> Needs:
    """The files that transformers looks for, given the declared class and config.json's model_type.

    Version 5 overrules the declared class where it has none of its own for the model_type, or knows it to be wrong.

    >>> files_of("BertTokenizerFast", "bert").files[0]
    'vocab.txt'
    >>> files_of("Qwen2Tokenizer", "molmo").files[0], files_of("Qwen2Tokenizer", "molmo", before_5=True).files[0]
    ('tokenizer.model', 'vocab.json')
    >>> files_of("NoSuchTokenizer", None)
    Needs(takes_tokenizer_json=True, files=('tekken.json', 'tokenizer.model', 'tiktoken.model'))
    """
    registered = class_of(model_type) if model_type else None
    plain = registered == "TokenizersBackend" or model_type in INCORRECTLY_DECLARED.split()
    if declared is None or (plain and registered is not None and not before_5):
        declared = registered
    return _needs(declared) or Needs(takes_tokenizer_json=True, files=FALLBACKS)


def defaults_of(declared: str | None, model_type: str | None) -> Mapping[str, str]:
    """Role to text of the special tokens that the class brings itself, where transformers 5 would take that class.

    It does so where the class is the one registered for the model_type; otherwise it takes the plain backend, which
    brings none.

    >>> defaults_of(None, "bert")["mask_token"]
    '[MASK]'
    >>> defaults_of("GPT2Tokenizer", "llama")
    {}
    """
    registered = class_of(model_type) if model_type else None
    if registered is None or (declared or registered).removesuffix("Fast") != registered:
        return {}
    words = DEFAULTS.get(registered, "").split()
    return dict(zip(words[::2], words[1::2], strict=True))


def is_known(name: str, *, before_5: bool = False) -> bool:
    """Whether transformers 5.23 (4.57 where `before_5`) has a tokenizer class of that name.

    >>> is_known("LlamaTokenizerFast"), is_known("TokenizersBackend"), is_known("TokenizersBackend", before_5=True)
    (True, True, False)
    """
    wanted = {name, name.removesuffix("Fast")}
    if before_5 and wanted & set(ONLY_BEFORE_5.split()):
        return True
    if before_5 and wanted & set(ONLY_SINCE_5.split()):
        return False
    return bool(wanted & set(OTHERS.split())) or any(
        wanted & set(names.split()) for table in (FAST, PYTHON) for names in table.values()
    )


def brings_pad(declared: str | None, model_type: str | None) -> bool:
    """Whether the class that transformers 5 takes may have a pad token of its own, where the files name none.

    >>> brings_pad("LlamaTokenizer", "llama"), brings_pad("T5Tokenizer", "t5"), brings_pad(None, "llama")
    (False, True, False)
    """
    registered = class_of(model_type) if model_type else None
    taken = registered if registered == "TokenizersBackend" or declared is None else declared
    if taken is None or not is_known(taken):
        return False
    return not {taken, taken.removesuffix("Fast")} & set(WITHOUT_PAD.split())


def class_of(model_type: str) -> str | None:
    """The class that transformers 5.23 has registered for a model type; None for Llama and others without one."""
    return next((name for name, types in BY_MODEL_TYPE.items() if model_type in types.split()), None)


def _needs(name: str | None) -> Needs | None:
    if name is None:
        return None
    wanted = {name, name.removesuffix("Fast")}
    for files, names in FAST.items():
        if wanted & set(names.split()):
            return Needs(
                takes_tokenizer_json=True, files=(*files[:1], *(each for each in FALLBACKS if each not in files))
            )
    for files, names in PYTHON.items():
        if wanted & set(names.split()):
            return Needs(takes_tokenizer_json=False, files=files[:1])
    return None
