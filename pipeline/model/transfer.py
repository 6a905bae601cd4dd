"""The way of a few numbers from this process to a device, without either waiting for the other.

From ordinary memory a copy to a GPU is made by the processor, page by page, and `non_blocking` changes nothing. From
pinned memory the GPU fetches it by itself: the processor goes on launching the forward, which the GPU begins when the
copy, queued before it, is done. torch keeps pinned memory for the next copies, and does not give a piece away before
the copy that reads it is done.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def to_device(host: "torch.Tensor", device: "torch.device") -> "torch.Tensor":
    """A tensor of this process on a device; on a GPU it may be used at once, in the current stream.

    Args:
        host: any shape, in ordinary memory.
        device: where to.
    """
    if device.type != "cuda":
        return host.to(device)
    return host.pin_memory().to(device, non_blocking=True)
