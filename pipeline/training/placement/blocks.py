"""The layers of a transformer, one after another: what is sharded and compiled piece by piece."""

from typing import Any


def blocks(model: Any) -> tuple[Any, ...]:
    """The encoder's layers in their order; () where no list of modules is as long as the config has layers.

    Args:
        model: of transformers, perhaps wrapped by PEFT.
    """
    from torch.nn import ModuleList

    layers = model.config.get_text_config().num_hidden_layers
    lists = (module for module in model.modules() if isinstance(module, ModuleList) and len(module) == layers)
    return tuple(next(lists, ()))
