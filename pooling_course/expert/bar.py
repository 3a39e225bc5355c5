"""How far a long computation is, said in a notebook."""

import html


class Bar:
    """A progress bar in a notebook, as plain HTML that any front end shows and saved pages keep; nothing elsewhere.

    Args:
        steps: how many there will be; 0 shows nothing.
        what: what they are, such as "trainings".
    """

    def __init__(self, steps: int, what: str):
        self.steps, self.what, self.begun, self.handle = steps, what, 0, None
        if steps and in_notebook():
            from IPython.display import display

            self.handle = display(self._html("starting"), display_id=True)

    def step(self, text: str) -> None:
        self.begun += 1
        self._show(text)

    def end(self) -> None:
        self.begun += 1
        self._show("done")

    def _show(self, text):
        if self.handle:
            self.handle.update(self._html(text))

    def _html(self, text):
        from IPython.display import HTML

        finished = min(max(0, self.begun - 1), self.steps)
        bar = f'<progress max="{self.steps}" value="{finished}" aria-label="{self.what} done"></progress>'
        return HTML(f"{bar} {finished} of {self.steps} {self.what}, {html.escape(text)}")


def in_notebook() -> bool:
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return hasattr(get_ipython(), "kernel")
