"""What an explorer on a page shows, beside what Python has and torch computes."""

import torch

from harness.explorers import READ, numbered, pool, written
from harness.relatives import IN_WORDS
from harness.relatives import NAMES as RELATIVES
from pooling_course import Pooling
from pooling_course.explorer.states import fits

NAMES = {"max": "Max"} | RELATIVES


def differences(w, x, poolings, backward, mode, chosen, upstream):
    """Sentences about what an explorer shows otherwise than torch and Python have it."""
    seen, codes = w.root.evaluate(SEEN), [p.code() for p in poolings]
    if seen["busy"] or seen["code"] != codes:
        yield f"shows {seen['code']}{' and waits' * seen['busy']}, and Python has {codes}"
        return
    x = x if x.ndim == 3 else x[None]
    yield from misplaced(seen["controls"], poolings, backward)
    wanted = {"Input": x}
    for p in poolings:
        name = NAMES[p.kind]
        try:
            output = by_torch(p, x)
        except RuntimeError:  # torch refuses: no window fits, or no such average of whole numbers
            continue
        if p.kind == "max" and by_torch(p, torch.zeros(x.shape)).isinf().any():
            continue  # a window that reads no cell, which the course refuses: backwards, torch would write elsewhere
        wanted[f"{name} output"] = output
        if backward and x.is_floating_point():
            wanted |= flow(p, x, output, mode, chosen, upstream)
    channel, tables_seen = seen["channel"], dict(seen["tables"])
    yield from weights(tables_seen, seen["weights"], poolings[0], channel)
    yield from tables(tables_seen, channel, wanted)
    if not backward and seen["whole"] and x.shape == (1, 6, 6):
        for name, values in wanted.items():
            if (on := dict(seen["drawn"]).get(name)) is not None and not numbered(on, values[0]):
                yield f"the canvas of {name} has {on}"


def by_torch(p, x):
    return pool(p, x) if isinstance(p, Pooling) else p.layer()(x[None])[0]


def flow(p, x, output, mode, chosen, upstream):
    """torch's gradients for the upstream gradient that is chosen; ones stand in for one that does not fit."""
    grad = torch.ones_like(output)
    if mode == "chosen":
        grad.zero_()[:, min(chosen[0], output.shape[1] - 1), min(chosen[1], output.shape[2] - 1)] = 1
    elif mode == "own" and upstream is not None and fits(upstream, output):
        grad = upstream.expand(output.shape).to(output.dtype)
    x = x.clone().requires_grad_()
    by_torch(p, x).backward(grad)
    name = IN_WORDS[p.kind]
    return {f"Upstream gradient of {name}": grad, f"Input gradient of {name}": x.grad}


def weights(tables, visible, p, channel):
    """Those of a convolution; their table is taken out of `tables`."""
    kept = [tables.pop(caption) for caption in list(tables) if caption.startswith("Weights")]
    shown = kept if visible else []
    true = [written(torch.tensor(p.weight)[channel])] if p.kind == "conv" else []
    if shown != true:
        yield f"has weights {shown} in place of {true}"


def tables(tables, channel, wanted):
    shown = {}
    for caption, rows in tables.items():
        name, size = caption.split(", ", 1)
        shown[name] = size, rows
    if shown.keys() != wanted.keys():
        yield f"has tables of {', '.join(shown)} in place of {', '.join(wanted)}"
        return
    for name, values in wanted.items():
        size, rows = shown[name]
        if not size.startswith("{} × {}".format(*values.shape[-2:])):
            yield f"{name} is {size} in place of {tuple(values.shape)}"
        elif rows != (true := written(values[channel, :32, :32])):
            where = [(r, c) for r, row in enumerate(rows) for c, text in enumerate(row) if text != true[r][c]]
            r, c = where[0]
            yield f"{name} has {rows[r][c]} at {r, c} in place of {true[r][c]}, and {len(where)} wrong numbers in all"


SLIDERS = {"max": ("kernel_size", "stride", "padding", "dilation"), "avg": ("kernel_size", "stride", "padding")}
SLIDERS |= {"lp": ("norm_type", "kernel_size", "stride"), "conv": ("stride", "padding", "dilation")} | dict.fromkeys(
    ("adaptive max", "adaptive avg"), ("output_size",)
)


def misplaced(controls, poolings, backward):
    """Controls that do not stand where the settings are."""
    p, apart = poolings[0], controls["height and width apart"]
    for name in SLIDERS[p.kind]:
        both = p.size if name == "output_size" else getattr(p, name)
        sides = dict(zip(("height", "width"), both if isinstance(both, tuple) else (both, both), strict=True))
        wanted = {f"{name}, {side}": value for side, value in sides.items()} if apart else {name: sides["height"]}
        wanted = {name: p.norm_type} if name == "norm_type" else wanted
        yield from (f"{at} stands at {controls[at]} for {v}" for at, v in wanted.items() if controls[at] != v)
    alone = {"adaptive max": "Max", "adaptive avg": "Average"}.get(p.kind, NAMES[p.kind])
    kind = "Both" if len(poolings) == 2 else alone
    wanted = {kind: True, "Backward" if backward else "Forward": True}
    if "kernel_size" in SLIDERS[p.kind]:
        wanted["ceil_mode"] = p.ceil_mode
    if poolings[-1].kind == "avg":
        wanted["count_include_pad"] = poolings[-1].count_include_pad
    yield from (f"{name} is {controls[name]} for {v}" for name, v in wanted.items() if controls[name] != v)


# What is read of an explorer, with its tables open for as long as that takes.
SEEN = f"""async (root) => {{
  const numbers = root.querySelector(".pc-numbers");
  const was = numbers.open;
  if (!was) {{
    const toggled = new Promise((resolve) => numbers.addEventListener("toggle", resolve, {{ once: true }}));
    numbers.open = true;
    await toggled;
    // painted, too, or the browser keeps the nodes of what it painted last in here
    for (let frames = 2; frames; frames--) await new Promise(requestAnimationFrame);
  }}
  const seen = ({READ})(root);
  numbers.open = was;
  const name = (el) => el.getAttribute("aria-label") ?? el.labels[0].textContent;
  const value = (el) => (el.type === "range" ? +el.value : el.checked);
  const inputs = [...root.querySelectorAll("input")].filter((el) => /range|radio|checkbox/.test(el.type) && !el.hidden);
  const channel = [...root.querySelectorAll("label")].find((el) => el.textContent.startsWith("Channel"));
  return {{
    ...seen,
    busy: root.getAttribute("aria-busy") === "true",
    weights: !root.querySelector(".pc-weights").hidden,
    channel: +channel.querySelector("select").value,
    whole: root.querySelector(".pc-lens-box").hidden && !root.parentElement.style.width,
    controls: Object.fromEntries(inputs.map((el) => [name(el), value(el)])),
  }};
}}"""
