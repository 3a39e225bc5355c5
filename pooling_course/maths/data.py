"""The one way in for data: whatever people pass, as a tensor."""

import torch


def as_tensor(x, name="input") -> torch.Tensor:
    """A tensor of x: tensors and arrays as they are, nested lists as torch's default float."""
    if isinstance(x, torch.Tensor):
        return x
    try:
        if hasattr(x, "__array__"):
            return torch.as_tensor(x)
        return torch.tensor(x, dtype=torch.get_default_dtype())
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        kind = type(x).__name__
        raise TypeError(
            f"{name} of type {kind} is no table of numbers ({error}): give a tensor, array or lists."
        ) from None
