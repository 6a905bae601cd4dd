"""Which model_type transformers knows since when: read from the wheels of these versions, none of them imported.

A type that is first seen in one probed version stands under that version, although a version between it and the one
probed before may have brought it; so the version named is one that surely has it. Source: CONFIG_MAPPING_NAMES in
models/auto/configuration_auto.py (and auto_mappings.py since 5.10), 29 versions from 4.35.2 to 5.23.0.
"""

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import ast

Version = tuple[int, ...]

OLDEST: Final[Version] = (4, 35, 2)
NEWEST: Final[Version] = (5, 23, 0)
PROBED: Final[tuple[Version, ...]] = (
    (4, 35, 2),
    (4, 37, 2),
    (4, 39, 3),
    (4, 41, 2),
    (4, 42, 4),
    (4, 43, 4),
    (4, 44, 2),
    (4, 45, 2),
    (4, 46, 3),
    (4, 47, 1),
    (4, 48, 3),
    (4, 49, 0),
    (4, 50, 3),
    (4, 51, 3),
    (4, 52, 4),
    (4, 53, 3),
    (4, 54, 1),
    (4, 55, 4),
    (4, 56, 2),
    (4, 57, 6),
    (5, 0, 0),
    (5, 1, 0),
    (5, 2, 0),
    (5, 3, 0),
    (5, 5, 0),
    (5, 10, 0),
    (5, 15, 0),
    (5, 20, 0),
    (5, 23, 0),
)

FIRST_SEEN: Final[dict[Version, str]] = {
    (4, 35, 2): (
        "albert align altclip audio-spectrogram-transformer autoformer bark bart beit bert bert-generation "
        "big_bird bigbird_pegasus biogpt bit blenderbot blenderbot-small blip blip-2 bloom bridgetower bros "
        "camembert canine chinese_clip clap clip clipseg code_llama codegen conditional_detr convbert "
        "convnext convnextv2 cpmant ctrl cvt data2vec-audio data2vec-text data2vec-vision deberta deberta-v2 "
        "decision_transformer deformable_detr deit deta detr dinat dinov2 distilbert donut-swin dpr dpt "
        "efficientformer efficientnet electra encodec encoder-decoder ernie ernie_m esm falcon flaubert flava "
        "fnet focalnet fsmt funnel fuyu git glpn gpt-sw3 gpt2 gpt_bigcode gpt_neo gpt_neox gpt_neox_japanese "
        "gptj gptsan-japanese graphormer groupvit hubert ibert idefics imagegpt informer instructblip jukebox "
        "kosmos-2 layoutlm layoutlmv2 layoutlmv3 led levit lilt llama longformer longt5 luke lxmert m2m_100 "
        "marian markuplm mask2former maskformer maskformer-swin mbart mctct mega megatron-bert mgp-str "
        "mistral mobilebert mobilenet_v1 mobilenet_v2 mobilevit mobilevitv2 mpnet mpt mra mt5 musicgen mvp "
        "nat nezha nllb-moe nougat nystromformer oneformer open-llama openai-gpt opt owlv2 owlvit pegasus "
        "pegasus_x perceiver persimmon pix2struct plbart poolformer pop2piano prophetnet pvt qdqbert rag "
        "realm reformer regnet rembert resnet retribert roberta roberta-prelayernorm roc_bert roformer rwkv "
        "sam seamless_m4t segformer sew sew-d speech-encoder-decoder speech_to_text speech_to_text_2 speecht5 "
        "splinter squeezebert swiftformer swin swin2sr swinv2 switch_transformers t5 table-transformer tapas "
        "time_series_transformer timesformer timm_backbone trajectory_transformer transfo-xl trocr tvlt umt5 "
        "unispeech unispeech-sat upernet van videomae vilt vision-encoder-decoder vision-text-dual-encoder "
        "visual_bert vit vit_hybrid vit_mae vit_msn vitdet vitmatte vits vivit wav2vec2 wav2vec2-conformer "
        "wavlm whisper xclip xglm xlm xlm-prophetnet xlm-roberta xlm-roberta-xl xlnet xmod yolos yoso"
    ),
    (4, 37, 2): (
        "clip_vision_model clvp fastspeech2_conformer llava mixtral patchtsmixer patchtst phi qwen2 "
        "seamless_m4t_v2 siglip siglip_vision_model tvp univnet vipllava wav2vec2-bert"
    ),
    (4, 39, 3): (
        "chinese_clip_vision_model cohere depth_anything gemma llava_next mamba musicgen_melody pvt_v2 seggpt "
        "stablelm starcoder2 superpoint udop"
    ),
    (4, 41, 2): ("dbrx grounding-dino idefics2 jamba jetmoe olmo paligemma phi3 qwen2_moe recurrent_gemma video_llava"),
    (4, 42, 4): ("gemma2 instructblipvideo llava-next-video rt_detr rt_detr_resnet"),
    (4, 43, 4): ("chameleon hiera zoedepth"),
    (4, 44, 2): ("mamba2 nemotron"),
    (4, 45, 2): (
        "clip_text_model dac falcon_mamba granite granitemoe llava_next_video llava_onevision mimi mllama "
        "olmoe omdet-turbo pixtral qwen2_audio qwen2_audio_encoder qwen2_vl"
    ),
    (4, 46, 3): ("glm idefics3 moshi phimoe zamba"),
    (4, 47, 1): ("ijepa olmo2"),
    (4, 48, 3): (
        "aria aria_text bamba cohere2 colpali diffllama dinov2_with_registers emu3 idefics3_vision modernbert "
        "moonshine textnet timm_wrapper vitpose vitpose_backbone"
    ),
    (4, 49, 0): (
        "dab-detr depth_pro got_ocr2 granitemoeshared granitevision helium qwen2_5_vl rt_detr_v2 superglue zamba2"
    ),
    (4, 50, 3): (
        "aya_vision gemma3 gemma3_text mistral3 prompt_depth_anything shieldgemma2 siglip2 smolvlm smolvlm_vision"
    ),
    (4, 51, 3): ("deepseek_v3 glm4 llama4 llama4_text phi4_multimodal qwen3 qwen3_moe sam_vision_model"),
    (4, 52, 4): (
        "bitnet blip_2_qformer csm d_fine granite_speech granitemoehybrid hgnet_v2 internvl internvl_vision "
        "janus mlcd qwen2_5_omni qwen2_5_vl_text qwen2_vl_text sam_hq sam_hq_vision_model timesfm"
    ),
    (4, 53, 3): (
        "arcee colqwen2 dia dots1 falcon_h1 gemma3n gemma3n_audio gemma3n_text gemma3n_vision glm4v "
        "glm4v_text kyutai_speech_to_text lightglue minimax smollm3 t5gemma vjepa2"
    ),
    (4, 54, 1): (
        "aimv2 aimv2_vision_model deepseek_v2 deepseek_vl deepseek_vl_hybrid doge efficientloftr eomt "
        "ernie4_5 ernie4_5_moe evolla exaone4 fastspeech2_conformer_with_hifigan glm4_moe lfm2 "
        "modernbert-decoder perception_encoder perception_lm voxtral voxtral_encoder xlstm"
    ),
    (4, 55, 4): ("cohere2_vision gpt_oss mm-grounding-dino"),
    (4, 56, 2): (
        "apertus dinov3_convnext dinov3_vit florence2 glm4v_moe glm4v_moe_text hunyuan_v1_dense "
        "hunyuan_v1_moe kosmos-2.5 metaclip_2 ovis2 sam2 sam2_hiera_det_model sam2_video sam2_vision_model "
        "seed_oss xcodec"
    ),
    (4, 57, 6): (
        "blt edgetam edgetam_video edgetam_vision_model flex_olmo lfm2_vl longcat_flash ministral olmo3 "
        "parakeet_ctc parakeet_encoder qwen3_next qwen3_omni_moe qwen3_vl qwen3_vl_moe qwen3_vl_moe_text "
        "qwen3_vl_text siglip2_vision_model vaultgemma"
    ),
    (5, 0, 0): (
        "afmoe audioflamingo3 audioflamingo3_encoder cwm ernie4_5_vl_moe fast_vlm glm46v glm4_moe_lite "
        "glm4v_moe_vision glm4v_vision glm_image glm_image_text glm_image_vision glm_image_vqmodel glmasr "
        "glmasr_encoder jais2 lasr_ctc lasr_encoder layoutxlm lfm2_moe lighton_ocr lw_detr lw_detr_vit "
        "minimax_m2 ministral3 nanochat paddleocr_vl pe_audio pe_audio_encoder pe_audio_video "
        "pe_audio_video_encoder pe_video pe_video_encoder pixio sam3 sam3_tracker sam3_tracker_video "
        "sam3_video sam3_vision_model sam3_vit_model solar_open t5gemma2 video_llama_3 video_llama_3_vision"
    ),
    (5, 1, 0): ("eomt_dinov3 exaone_moe glm_ocr glm_ocr_text glm_ocr_vision pp_doclayout_v3 t5gemma2_encoder youtu"),
    (5, 2, 0): (
        "glm_moe_dsa moonshine_streaming moonshine_streaming_encoder qwen3_5 qwen3_5_moe qwen3_5_moe_text "
        "qwen3_5_text vibevoice_acoustic_tokenizer voxtral_realtime voxtral_realtime_encoder "
        "voxtral_realtime_text"
    ),
    (5, 3, 0): (
        "colmodernvbert eurobert higgs_audio_v2 higgs_audio_v2_tokenizer modernvbert nemotron_h olmo_hybrid "
        "pp_doclayout_v2 timesfm2_5 vibevoice_acoustic_tokenizer_decoder vibevoice_acoustic_tokenizer_encoder "
        "vibevoice_asr"
    ),
    (5, 5, 0): (
        "chmv2 cohere_asr gemma4 gemma4_audio gemma4_text gemma4_vision jina_embeddings_v3 mistral4 "
        "mlcd_vision_model musicflamingo musicflamingo_encoder nomic_bert pi0 pp_chart2table pp_lcnet "
        "pp_lcnet_v3 pp_ocrv5_mobile_det pp_ocrv5_mobile_rec pp_ocrv5_server_det pp_ocrv5_server_rec slanext "
        "uvdoc uvdoc_backbone videomt"
    ),
    (5, 10, 0): (
        "EvollaModel aimv2_text_model align_text_model align_vision_model altclip_text_model "
        "altclip_vision_model blip_2_vision_model blip_text_model blip_vision_model blt_global_transformer "
        "blt_local_decoder blt_local_encoder blt_patcher bridgetower_text_model bridgetower_vision_model "
        "chameleon_vqgan chinese_clip_text_model clap_audio_model clap_text_model clipseg_text_model "
        "clipseg_vision_model clvp_decoder clvp_encoder cohere2_moe csm_depth_decoder_model deepseek_v4 "
        "deimv2 dia_decoder dia_encoder emu3_text_model emu3_vqgan ernie4_5_vl_moe_text "
        "ernie4_5_vl_moe_vision exaone4_5 exaone4_5_vision fastspeech2_conformer_hifigan flava_image_model "
        "flava_multimodal_model flava_text_model florence_vision gemma4_assistant gemma4_unified "
        "gemma4_unified_assistant gemma4_unified_audio gemma4_unified_text gemma4_unified_vision "
        "git_vision_model glmga granite4_vision granite4_vision_text granite_speech_encoder "
        "granite_speech_plus granite_speech_plus_encoder groupvit_text_model groupvit_vision_model hrm_text "
        "hy_v3 hyperclovax idefics2_perceiver idefics2_vision idefics_perciever idefics_vision "
        "instructblip_qformer instructblip_vision_model instructblipvideo_qformer "
        "instructblipvideo_vision_model janus_vision_model janus_vqgan kosmos_2_5_text_model "
        "kosmos_2_5_vision_model kosmos_2_text_model kosmos_2_vision_model laguna llama4_vision_model "
        "metaclip_2_text_model metaclip_2_vision_model minicpmv4_6 minicpmv4_6_vision mllama_text_model "
        "mllama_vision_model moshi_depth musicgen_decoder musicgen_melody_decoder openai_privacy_filter "
        "owlv2_text_model owlv2_vision_model owlvit_text_model owlvit_vision_model paddleocr_vl_text "
        "paddleocr_vl_vision parakeet_tdt phi4_multimodal_audio phi4_multimodal_vision pix2struct_text_model "
        "pix2struct_vision_model pp_formulanet pp_lcnet_v4 pp_ocrv6_medium_det pp_ocrv6_small_det "
        "pp_ocrv6_small_rec pp_ocrv6_tiny_rec qianfan_ocr qianfan_ocr_vision qwen2_5_omni_audio_encoder "
        "qwen2_5_omni_bigvgan qwen2_5_omni_dit qwen2_5_omni_talker qwen2_5_omni_text qwen2_5_omni_thinker "
        "qwen2_5_omni_token2wav qwen2_5_omni_vision_encoder qwen2_5_vl_vision qwen2_vl_vision "
        "qwen3_5_moe_vision qwen3_5_vision qwen3_omni_moe_audio_encoder qwen3_omni_moe_talker_code_predictor "
        "qwen3_omni_moe_talker_text qwen3_omni_moe_text qwen3_omni_moe_thinker qwen3_omni_moe_vision_encoder "
        "qwen3_vl_moe_vision qwen3_vl_vision rf_detr rf_detr_dinov2 sam3_detr_decoder sam3_detr_encoder "
        "sam3_geometry_encoder sam3_lite_text sam3_lite_text_detr_decoder sam3_lite_text_detr_encoder "
        "sam3_lite_text_geometry_encoder sam3_lite_text_mask_decoder sam3_lite_text_text_model "
        "sam3_mask_decoder siglip2_text_model siglip_text_model slanet speecht5_hifigan t5_gemma_module "
        "t5gemma2_decoder t5gemma2_text xclip_text_model xclip_vision_model"
    ),
    (5, 15, 0): (
        "axk1 axk2 cosmos3_edge cosmos3_edge_text cosmos3_edge_vision cosmos3_omni deepseek_ocr2 "
        "deepseek_ocr2_encoder deepseek_ocr2_sam_vision_model deepseek_ocr2_text deepseek_ocr2_vision "
        "deepseek_v32 diffusion_gemma diffusion_gemma_text granite_swa granitemoe_swa hunyuan_vl "
        "hunyuan_vl_text hunyuan_vl_vision inkling_audio inkling_mm_model inkling_text inkling_vision "
        "kimi_k25 kimi_k25_vision mellum mimo_v2_flash minicpm3 minimax_m3_vl minimax_m3_vl_text "
        "minimax_m3_vl_vision muse_glimmer muse_glimmer_assistant muse_glimmer_text muse_glimmer_vision "
        "nemotron3_5_asr nemotron_asr_streaming nemotron_asr_streaming_encoder parakeet_rnnt qwen3_asr "
        "qwen3_asr_encoder radio sapiens2 sapiens2_head tipsv2 tipsv2_dpt tipsv2_text_model "
        "tipsv2_vision_model videoprism videoprism_text_model videoprism_vision_model xcodec2 zaya"
    ),
    (5, 20, 0): (
        "bailing_hybrid canary canary_decoder cohere_compass cohere_compass_text cohere_compass_vision "
        "edgetam_mask_decoder edgetam_prompt_encoder edgetam_video_mask_decoder edgetam_video_prompt_encoder "
        "embedding_gemma2 embedding_gemma2_text esmc esmfold2 flava_image_codebook fun_asr_nano "
        "fun_asr_nano_encoder glm5_next glm5_next_text glm5_next_vision got_ocr2_vision granite_speech5_ctc "
        "granite_speech5_encoder gte hy_v4 hyperclovax_vision_v2 kimi_linear kolibri1 minicpmv4_7 "
        "minicpmv4_7_vision molmo2 molmo2_adapter molmo2_text molmo2_vision moss_transcribe_diarize "
        "moss_transcribe_diarize_audio muse_spark muse_spark_audio muse_spark_text muse_spark_vision "
        "nemotron3_diarization nemotron3_diarization_audio nemotron_h_omni neomme neucodec ovis2_vision "
        "pp_chart2table_vision pp_doclayout_v4 pp_formulanet_text pp_formulanet_vision qwen4_exp "
        "qwen4_exp_text qwen4_exp_vision sam2_mask_decoder sam2_prompt_encoder sam2_video_mask_decoder "
        "sam2_video_prompt_encoder sam3_tracker_mask_decoder sam3_tracker_prompt_encoder "
        "sam3_tracker_video_mask_decoder sam3_tracker_video_prompt_encoder sam_hq_mask_decoder "
        "sam_hq_prompt_encoder sam_mask_decoder sam_prompt_encoder slanext_vision step3p5 step3p5_vision "
        "step3p7 ultrabert unlimited_ocr unlimited_ocr_sam_vision_model unlimited_ocr_text "
        "unlimited_ocr_vision unlimited_ocr_vision_encoder vibevoice vibevoice_diffusion"
    ),
    (5, 23, 0): (
        "beam dots3_note dots3_note_audio_encoder dots3_note_text dots3_note_vision_encoder flint "
        "gradium_phonon_tts granite_docling granite_docling_text granite_docling_vision inkling2 "
        "inkling2_text inkling2_vision internlm3 iquestcoder jev lfm3 lfm3_vl lfm3_vl_vision mimi_decoder "
        "mimi_encoder minicpm_ocr minicpm_ocr_vision mistral_large4 mistral_large4_text nemo_speechlm "
        "nemotron3_5_transcribe_asr_audio nemotron3_5_transcribe_audio nemotron3_5_transcribe_word_timestamp "
        "pocket_tts pocket_tts_audio_tokenizer pocket_tts_audio_tokenizer_decoder "
        "pocket_tts_audio_tokenizer_encoder ultravbert"
    ),
}

# Types that a later version dropped, with the first version probed that lacks them.
GONE: Final[dict[str, Version]] = {
    "code_llama": (5, 10, 0),
    "deta": (5, 0, 0),
    "efficientformer": (5, 0, 0),
    "ernie_m": (5, 0, 0),
    "gptsan-japanese": (5, 0, 0),
    "granitevision": (5, 10, 0),
    "graphormer": (5, 0, 0),
    "jukebox": (5, 0, 0),
    "llava-next-video": (4, 45, 2),
    "mctct": (5, 0, 0),
    "mega": (5, 0, 0),
    "musicflamingo_encoder": (5, 10, 0),
    "nat": (5, 0, 0),
    "nezha": (5, 0, 0),
    "open-llama": (5, 0, 0),
    "perception_encoder": (5, 0, 0),
    "qdqbert": (5, 0, 0),
    "realm": (5, 0, 0),
    "retribert": (5, 0, 0),
    "speech_to_text_2": (5, 0, 0),
    "trajectory_transformer": (5, 0, 0),
    "transfo-xl": (5, 0, 0),
    "tvlt": (5, 0, 0),
    "van": (5, 0, 0),
    "vit_hybrid": (5, 0, 0),
    "xlm-prophetnet": (5, 0, 0),
}


@functools.cache
def known_since(model_type: str) -> Version | None:
    """The first probed version that has the type; None where none of them has.

    >>> known_since("gemma2"), known_since("no-such-type")
    ((4, 42, 4), None)
    """
    return next((version for version, types in FIRST_SEEN.items() if model_type in types.split()), None)


def closest(model_type: str) -> str | None:
    """A known type that is spelled nearly like this one, e.g. for "llama3" the type "llama"; None where none is.

    >>> closest("qwen-2")
    'qwen2'
    """
    import difflib  # noqa: PLC0415 - only for a type that nobody knows

    every = [each for types in FIRST_SEEN.values() for each in types.split()]
    return next(iter(difflib.get_close_matches(model_type.lower()[:60], every, 1, 0.75)), None)


def installed_model_types(package: Path) -> frozenset[str] | None:
    """The types that an installed transformers lists in its own text; None where that text is not as expected.

    Imports nothing and runs nothing; some 30 ms, so only for a type that no probed version has.

    Args:
        package: the directory of the package, e.g. `Path(importlib.util.find_spec("transformers").origin).parent`.
    """
    found: set[str] = set()
    for name in ("auto_mappings.py", "configuration_auto.py"):
        try:
            text = (package / "models" / "auto" / name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        found |= _types_in(text)
    return frozenset(found) if "bert" in found else None


def _types_in(text: str) -> set[str]:
    """Keys of every literal that is assigned to CONFIG_MAPPING_NAMES, or added to it."""
    import ast  # noqa: PLC0415 - only for a type that no probed version has

    try:
        statements = ast.parse(text).body
    except (SyntaxError, ValueError):
        return set()
    found: set[str] = set()
    for statement in statements:
        if isinstance(statement, ast.Assign | ast.AnnAssign | ast.Expr) and "CONFIG_MAPPING_NAMES" in _target(
            statement
        ):
            for node in ast.walk(statement):
                keys = list(node.keys) if isinstance(node, ast.Dict) else []
                if isinstance(node, ast.Tuple) and node.elts:  # older versions list pairs
                    keys.append(node.elts[0])
                found |= {key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}
    return found


def _target(statement: "ast.Assign | ast.AnnAssign | ast.Expr") -> str:
    """The text before the literal: `NAME = …`, `NAME: kind = …` or `NAME.update(…)`."""
    import ast  # noqa: PLC0415 - as above

    if isinstance(statement, ast.Assign):
        return ast.unparse(statement.targets[0])
    if isinstance(statement, ast.AnnAssign):
        return ast.unparse(statement.target)
    call = statement.value
    return ast.unparse(call.func) if isinstance(call, ast.Call) else ""
