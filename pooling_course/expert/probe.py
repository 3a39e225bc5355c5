"""One pass through a model that leaves no trace: hooks, mode, buffers and random numbers end as they began."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn
from torch.utils.hooks import RemovableHandle


@contextmanager
def untouched(model: nn.Module, named: str, device: torch.device) -> Iterator[list[RemovableHandle]]:
    """Gradients may be asked for inside; afterwards the model, and random numbers, are as they were.

    Args:
        named: the model in a sentence, such as "the model".
        device: whose random numbers are kept, beside those of the CPU.

    Yields:
        A list for the handles of hooks, all of which are removed.

    Raises:
        ValueError: the model has lazy layers, which any pass would change for good.

    >>> model = nn.BatchNorm2d(1)
    >>> with untouched(model, "the model", torch.device("cpu")):
    ...     _ = model(torch.ones(1, 1, 2, 2))
    >>> model.running_mean
    tensor([0.])
    """
    if any(map(torch.nn.parameter.is_lazy, [*model.parameters(), *model.buffers()])):
        raise ValueError(f"{named} has lazy layers, whose sizes are still open: run it once on the batch, then report.")
    handles: list[RemovableHandle] = []
    modules = list(model.modules())
    modes = [module.training for module in modules]
    buffers = [dict(module._buffers) for module in modules]
    values = {id(b): b.clone() for own in buffers for b in own.values() if b is not None}
    try:
        with _same_random_numbers(device), torch.inference_mode(False), torch.enable_grad():
            yield handles
    finally:
        for handle in handles:
            handle.remove()
        with torch.no_grad():
            for module, mode, own in zip(modules, modes, buffers, strict=True):
                module.training = mode
                module._buffers.clear()
                module._buffers.update(own)
                for buffer in own.values():
                    if buffer is not None:
                        buffer.copy_(values[id(buffer)])


@contextmanager
def _same_random_numbers(device):
    """torch's, and those of Python and NumPy, which a model may draw from as well."""
    forked = {} if device.type == "cpu" else {"devices": [device], "device_type": device.type}
    kept = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(**{"devices": [], **forked}):
            yield
    finally:
        random.setstate(kept[0])
        np.random.set_state(kept[1])


def output_of(model, named: str, inputs: str, *args, **kwargs):
    """The model's output.

    Raises:
        ValueError: the model fails; `inputs` says on what, such as "a batch of shape (3, 2, 8, 8)".
    """
    try:
        return model(*args, **kwargs)
    except Exception as error:
        raise ValueError(f"{named} fails on {inputs}: {first_line(error)}") from error


def gradients(named: str, loss: torch.Tensor, wanted: list[torch.Tensor]) -> tuple[torch.Tensor | None, ...]:
    """The gradient of each tensor, None where there is none; `.grad` stays as it is.

    Raises:
        ValueError: the backward pass fails.
    """
    try:
        return torch.autograd.grad(loss, wanted, allow_unused=True)
    except RuntimeError as error:
        raise ValueError(f"the backward pass of {named} fails: {first_line(error)}") from error


def reached(gradient: torch.Tensor | None) -> int:
    """How many numbers of a gradient are not 0."""
    return 0 if gradient is None else int(torch.count_nonzero(gradient).item())


def first_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
