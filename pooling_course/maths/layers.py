"""The one way in for layers: what is shown is what the layer computes, or a sentence says how the two differ."""

from __future__ import annotations

import re
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import torch
from torch import nn
from torch.nn.modules import module as of_all

if TYPE_CHECKING:
    from .windows import Windows

# How torch's own layers compute, as they were before anybody could put something else in its place.
PLAIN = {cls: cls.forward for cls in vars(nn).values() if isinstance(cls, type) and issubclass(cls, nn.Module)}
CALLS = {name: vars(nn.Module)[name] for name in ("__call__", "_wrapped_call_impl", "_call_impl")}
HOOKS = {
    "forward hook": "_forward_hooks",
    "forward pre-hook": "_forward_pre_hooks",
    "backward hook": "_backward_hooks",
    "backward pre-hook": "_backward_pre_hooks",
}
FLAT = re.compile(r"(Lazy)?(Adaptive|Fractional)?(Max|Avg|LP)?(Pool|Conv|Unpool)[13]d")


def settings(layer: nn.Module, read: Any, runs: bool = False) -> Windows:
    """The settings that `read` finds in a layer of torch's, or of a class made from one.

    Args:
        runs: whether the caller is going to `compare` the layer with its settings on an input; otherwise a layer that
            could compute something else, by a forward or a hook of its own, is refused here.

    Raises:
        TypeError, ValueError: the layer lacks a setting, or has one that torch refuses, or a way of its own.
    """
    name = type(layer).__name__
    try:
        pooling = read(layer)
    except AttributeError as error:  # pickled by another version of torch, or made without __init__
        raise TypeError(f"{name} is incomplete ({_line(error)}): make the layer anew.") from None
    ways = own_ways(layer)
    if ways and not runs:
        raise ValueError(
            f"{name} has {_listed(ways)}, so it may compute something else than its settings say: pass "
            f"{pooling.code()} to see those; trace(layer, x) runs it, and takes it where both agree."
        )
    return pooling


def own_ways(layer: nn.Module) -> list[str]:
    """What lets a layer compute something else than torch's layer of its kind does, in words.

    >>> own_ways(nn.MaxPool2d(2))
    []
    """
    base = next(cls for cls in type(layer).__mro__ if cls in PLAIN)
    found = []
    for name, plain in {"forward": PLAIN[base], "_conv_forward": getattr(base, "_conv_forward", None), **CALLS}.items():
        if name in vars(layer):
            found.append(f"a {name} of its own")
        elif getattr(type(layer), name, None) is not plain:
            owner = next(cls for cls in type(layer).__mro__ if name in vars(cls))
            found.append(f"a {name} of its own, from {owner.__name__}")
    for what, name in HOOKS.items():
        if getattr(layer, name, None):
            found.append(f"a {what}")
        if getattr(of_all, f"_global{name}", None):
            found.append(f"a {what} that all modules have")
    for name in getattr(layer, "parametrizations", ()):
        if _apart(getattr(layer, name), getattr(layer, name)).any():
            found.append(f"a {name} that is another whenever it is read")
    return found


def compare(layer: Any, pooling: Windows, x: torch.Tensor, output: torch.Tensor) -> None:
    """Refuse a layer with ways of its own that does not compute on x what its settings say, forwards and backwards.

    Raises:
        ValueError: it gives something else than `output`, or fails; the sentence names the first difference.
        TypeError: its weights are of another dtype than x, which torch refuses.
    """
    if not isinstance(layer, nn.Module):
        return
    weight = getattr(layer, "weight", None)
    if isinstance(weight, torch.Tensor) and weight.dtype != x.dtype:
        of, given = (str(t.dtype).removeprefix("torch.") for t in (weight, x))
        raise TypeError(
            f"the weights of {type(layer).__name__} are {of} and the input is {given}: pass x.to({weight.dtype})."
        )
    ways = own_ways(layer)
    if not ways:
        return
    difference = _difference(layer, pooling, x, output)
    if difference:
        raise ValueError(
            f"{type(layer).__name__} has {_listed(ways)}, and {difference}: pass {pooling.code()} to see what its "
            f"settings alone do."
        )


def _difference(layer, pooling, x, output):
    """How what the layer computes differs from its settings, in words; "" where it does not."""
    code, slopes = pooling.code(), x.is_floating_point()
    try:
        with torch.random.fork_rng(devices=[]), torch.inference_mode(False), torch.enable_grad():
            given = x.clone().requires_grad_(slopes)
            found = layer(given)
            found = found[0] if isinstance(found, tuple) and found else found  # return_indices
            if not isinstance(found, torch.Tensor):
                return f"gives a {type(found).__name__}, where {code} gives a tensor"
            if found.shape != output.shape or found.dtype != output.dtype:
                return f"gives {_size(found)}, where {code} gives {_size(output)}"
            apart = _apart(found, output)
            if apart.any():
                at = tuple(apart.nonzero()[0].tolist())
                return f"gives {found[at].item():.6g} at {list(at)}, where {code} gives {output[at].item():.6g}"
            if not slopes:
                return ""
            if not found.requires_grad:
                return f"lets no gradient through, where {code} does"
            (own,) = torch.autograd.grad(found.sum(), given)
            plain = x.clone().requires_grad_()
            (wanted,) = torch.autograd.grad(pooling.pool(plain)[0].sum(), plain)
            return f"gives the input another gradient than {code} does" if _apart(own, wanted).any() else ""
    except Exception as error:  # whatever its own code raises
        return f"fails on an input of shape {tuple(x.shape)} ({type(error).__name__}: {_line(error)})"


def _apart(a, b):
    """Where two tensors of one shape differ; NaN is NaN."""
    return (a != b) & ~(a.isnan() & b.isnan())


def refuse(layer: Any, known: str) -> NoReturn:
    """What stands where a layer belongs, and what would do.

    Args:
        known: the layers that can be shown, as a list in words.
    """
    name = getattr(layer, "__name__", type(layer).__name__)
    if isinstance(layer, type):
        raise TypeError(f"{name} is a class, no layer yet: make one with it, such as nn.MaxPool2d(2).")
    if isinstance(layer, torch.Tensor):
        raise TypeError("A tensor stands where the pooling belongs: the input comes first, then the pooling.")
    if isinstance(layer, str):
        raise TypeError(f"{layer!r} is not a 2-D pooling but a string: pass the layer itself, such as nn.MaxPool2d(2).")
    if isinstance(layer, torch.jit.ScriptModule):
        raise TypeError(
            f"{getattr(layer, 'original_name', name)} was compiled by TorchScript, and its settings with it: "
            f"pass the layer that it was made of."
        )
    if isinstance(layer, torch.fx.GraphModule):
        raise TypeError(f"{name} is a graph that torch.fx traced: pass the layer that it was made of{_inside(layer)}.")
    if isinstance(layer, nn.Module):
        _refuse_module(layer, name, known)
    function = layer
    while isinstance(function, partial):
        function = function.func
    if callable(function):
        name = getattr(function, "__name__", type(function).__name__)
        same = _layer_of(name)
        then = f"nn.{same} has: pass the layer, such as nn.{same}(2)" if same else f"a layer has: pass one of {known}"
        raise TypeError(f"{name} is a function, without the settings that {then}.")
    raise TypeError(f"{name} is not a 2-D pooling: give a Pooling, {known}.")


def _refuse_module(layer, name, known):
    compiled = sys.modules.get("torch._dynamo.eval_frame")
    if compiled and isinstance(layer, compiled.OptimizedModule):
        raise TypeError(f"{type(layer._orig_mod).__name__} was compiled by torch.compile: pass layer._orig_mod.")
    if FLAT.fullmatch(name):
        lesson = {"1": "x[..., None, :] and a layer of kernel_size=(1, k)", "3": "one slice of it, x[..., 0, :, :]"}
        raise TypeError(
            f"{name} is not a 2-D pooling, it is {name[-2]}-D: give nn.{name[:-2].removeprefix('Lazy')}2d, with "
            f"{lesson[name[-2]]}."
        )
    if isinstance(getattr(layer, "module", None), nn.Module):
        raise TypeError(f"{name} is wrapped around another module: pass that one, layer.module.")
    if any(True for _ in layer.children()):
        raise TypeError(
            f"{name} is made of several layers: pass one of its poolings{_inside(layer) or ', if it has one'}."
        )
    raise TypeError(f"{name} is not a 2-D pooling: give a Pooling, {known}.")


def _inside(model):
    """The first poolings in a model, as code."""
    from .windows import KINDS

    known = tuple(cls for kind in KINDS.values() for cls in kind.LAYERS.values() if cls is not nn.Conv2d)
    names = [name for name, layer in model.named_modules() if name and isinstance(layer, known)]
    shown = [f'layer.get_submodule("{name}")' for name in names[:2]]
    return f", such as {' or '.join(shown)}" if shown else ""


def _layer_of(function):
    """The layer that does what a function of torch's does, by its name: max_pool2d is MaxPool2d."""
    names = {name.lower(): name for name in dir(nn) if name.endswith(("Pool2d", "Conv2d"))}
    return names.get(function.removesuffix("_with_indices").replace("_", ""), "")


def _size(x):
    return f"{' x '.join(map(str, x.shape[-2:]))} of {str(x.dtype).removeprefix('torch.')}"


def _listed(ways):
    return " and ".join(dict.fromkeys(ways))


def _line(error):
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
