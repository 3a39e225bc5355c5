"""Where torch computes."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


def best_device() -> str:
    """The accelerator this torch can use, "cuda" or "mps", else "cpu".

    >>> best_device() in ("cuda", "mps", "cpu")
    True
    """
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


@contextmanager
def usual() -> Iterator[None]:
    """torch as it begins, on the CPU, with float32 and gradients, whatever a notebook has set: what the course works
    out for itself must not depend on that.

    >>> torch.set_default_dtype(torch.float64)
    >>> with usual():
    ...     torch.ones(1).dtype
    torch.float32
    >>> torch.set_default_dtype(torch.float32)
    """
    dtype = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with torch.device("cpu"), torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        torch.set_default_dtype(dtype)


def pick_device(device) -> torch.device:
    """`device` as torch's, with "auto" for the best there is."""
    global _said
    if device == "auto":
        if best_device() == "cpu" and not _said:
            print("No accelerator found: pooling runs on the CPU.")
            _said = True
        return torch.device(best_device())
    try:
        device = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            f"device={device!r}: {str(error).splitlines()[0]}; use 'auto', 'cpu', 'cuda' or 'mps'."
        ) from None
    if device.type in ("cuda", "mps") and best_device() != device.type:
        raise ValueError(f"device='{device}': this torch finds no such accelerator here; use device='auto' or 'cpu'.")
    return device


_said = False


@contextmanager
def threads(number: int | None) -> Iterator[None]:
    """Hundreds of tiny poolings wait for threads longer than they compute, many times so on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(number or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
