"""Where the head is: asked of every sequence classifier that the installed transformers can build."""

import re

import pytest

from resolver.inspection.heads import HeadFacts, find_head
from resolver.rules.parameters import BETWEEN

LABELS = 7


def shapes_of(model_type, class_name):
    """Names and shapes of a classifier of default size, built without data; None where it needs more than a default."""
    import torch
    import transformers

    try:
        config = transformers.AutoConfig.for_model(model_type)
        config.num_labels = LABELS
        with torch.device("meta"):
            model = getattr(transformers, class_name)(config)
    except Exception:  # noqa: BLE001 - a default that does not build, or a package that is not here
        return None
    return {name: tuple(each.shape) for name, each in model.state_dict().items()}, f"{model.base_model_prefix}."


@pytest.mark.slow
def test_head_of_every_classifier_of_transformers_is_found_and_only_it_is_made_anew():
    from transformers.models.auto.modeling_auto import MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES as CLASSES

    built = {name: found for name, cls in CLASSES.items() if (found := shapes_of(name, cls)) is not None}
    assert len(built) > 100
    wrong = {
        name: head for name, (shapes, _) in built.items() if getattr(head := find_head(shapes), "rows", 0) != LABELS
    }
    assert wrong == {}
    # What training makes anew is what stands outside of the body, and nothing of it.
    outside = {
        name: left
        for name, (shapes, prefix) in built.items()
        if (left := [each for each in shapes if not each.startswith(prefix) and not re.search(BETWEEN, each)])
    }
    assert outside == {}


def test_summary_before_the_last_layer_is_not_the_head():
    names = {"sequence_summary.summary.weight": (1024, 1024), "logits_proj.weight": (3, 1024)}
    assert find_head(names) == HeadFacts("logits_proj.weight", 3)
    assert find_head({"sequence_summary.summary.weight": (3, 8)}).rows == 3
