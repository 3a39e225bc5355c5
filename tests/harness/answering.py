"""Questions answered: what is typed, what is wrong, what may not be told before the commitment."""

import json

from pooling_course.questions import all_questions

NAMES = list(all_questions())


def typed(kind, answer):
    """An answer as the page sends it."""
    if kind == "number":
        return repr(answer)
    if kind == "shape":
        return ", ".join(map(str, answer))
    return [[repr(v) for v in row] for row in answer] if kind == "fill" else answer


def answered(name=NAMES[0], right=True, confidence=1, **more):
    """A line of the progress file."""
    return {"id": name, "right": right, "confidence": confidence, "answer": 0, **more}


def wrong_answers(q):
    """[(what the page sends, the reason that must be given or None)]"""
    if q.kind == "one":
        return [(i, c["reason"]) for i, c in enumerate(q.choices) if i != q.truth]
    if q.kind == "several":
        return [([i], c["reason"]) for i, c in enumerate(q.choices) if i not in q.truth]
    if q.kind == "order":
        return [(list(range(len(q.steps))), None)]
    return [(typed(q.kind, m["value"]), m["reason"]) for m in q.mistakes]


def secrets_of(q):
    """The sentences that only the key holds."""
    return [q.why, *(c["reason"] for c in q.choices), *(m["reason"] for m in q.mistakes)]


def leaks(q, state):
    """Names and sentences of the key that stand in a state."""

    def names(value):
        if isinstance(value, dict):
            yield from value
        for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            yield from names(part)

    text = json.dumps(state, ensure_ascii=False)
    forbidden = {"why", "reason", "right", "truth", "mistakes", "mistake", "misconception", "feedback", "answer"}
    return sorted(forbidden & set(names(state))) + [
        s for s in secrets_of(q) if json.dumps(s)[1:-1] in text or s in text
    ]


def enter(root, q, answer):
    """The answer by pointer and typing."""
    if q.kind == "one":
        root.get_by_role("radio").nth(answer).check()
    elif q.kind == "several":
        for i in answer:
            root.get_by_role("checkbox").nth(i).check()
    elif q.kind in ("number", "shape"):
        root.get_by_role("textbox").fill(answer)
    elif q.kind == "cells":
        for r, c in answer:
            root.locator(f"[data-pc-hold=cell{r}-{c}]").click()
    elif q.kind == "fill":
        for r, row in enumerate(answer):
            for c, text in enumerate(row):
                root.get_by_label(f"output row {r}, column {c}").fill(text)
    else:
        for place, step in enumerate(answer):
            earlier = root.locator(f"[data-pc-hold=up{step}]")
            while root.locator("[data-pc-hold^=up]").nth(place).get_attribute("data-pc-hold") != f"up{step}":
                earlier.click()
