"""What an instructor hands out, as data: a test before the course, three problem sets, a project, and a test after.

`tools/notebooks.py` makes nbgrader's source notebooks of it; `python course.py assignments` writes them. To adapt an
assignment, change it here: add, leave out or reorder the parts, and give other points. The code that one task gives may
be the answer to another: a test says so.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ..exercises import load
from ..questions import question

# The hidden cases of every task are drawn with these. They can be read here, so they find answers that know the
# visible cases by heart, and keep nothing secret: for an exam, put other numbers.
HIDDEN = (481, 512, 733, 947, 268, 605)


@dataclass(frozen=True)
class Task:
    """An exercise, graded by its check on cases drawn for the student and hidden ones; at the level "own", by what the
    student wrote down for numbers that nobody else has."""

    exercise: str
    points: float


@dataclass(frozen=True)
class Code:
    """Code that belongs to one assignment only: all points, or none. nbgrader grades it by asserts; in the sandbox a
    probe says what it does, and the judge outside what that is worth.

    Attributes:
        name: of the function that is to be written, with - for _.
        title, task: what the learner reads, in Markdown.
        source: the model answer, with the solution between its markers.
        tests, hidden: what a right answer passes, the lines of one function; the learner sees only the first.
        probe: the lines of a function that gives what the answer does, as plain data.
        judge: what is wrong with that, in sentences, for the learner; none where it is right.
        seen: probe and judge without what is hidden, for the learner's page; None where nothing is.
        odd: what an instructor should look at in it.
    """

    name: str
    title: str
    task: str
    source: str
    tests: str
    hidden: str
    points: float
    probe: str
    judge: Callable[[Any], list[str]]
    seen: tuple[str, Callable[[Any], list[str]]] | None = None
    odd: Callable[[Any], list[str]] = lambda found: []

    @property
    def function(self) -> str:
        return self.name.replace("-", "_")

    def shown(self) -> "Code":
        """The same without what is hidden."""
        probe, judge = self.seen or (self.probe, self.judge)
        return replace(self, probe=probe, judge=judge)


@dataclass(frozen=True)
class Asked:
    """A question of the course, with numbers of the student's own where they can vary. Its answer is a value that the
    notebook gives to a variable; the judge outside the sandbox compares it with what torch says.

    Attributes:
        question: its id, such as "pre-shape"; one that is answered on a card.
    """

    question: str
    points: float

    @property
    def name(self) -> str:
        return self.question

    @property
    def title(self) -> str:
        return question(self.question).title

    @property
    def variable(self) -> str:
        """What the notebook calls the answer."""
        return self.question.replace("-", "_")


@dataclass(frozen=True)
class Written:
    """A question that is answered in words and graded by a person, with a rubric.

    Attributes:
        name, title, task: as in Code.
        answer: what a good answer says; the grader's notes, taken out of what is released.
        rubric: points to what earns them, best first; the first are the full points.
    """

    name: str
    title: str
    task: str
    answer: str
    rubric: dict[int, str]

    @property
    def points(self):
        return max(self.rubric)


Part = Task | Code | Asked | Written


@dataclass(frozen=True)
class Assignment:
    """One assignment.

    Attributes:
        name: of its folder and notebook.
        title, intro: its first cell.
        given: code that stands ready for the learner.
        parts: in the order of the page.
        seconds: of processor time that an answer in code may take.
    """

    name: str
    title: str
    intro: str
    parts: tuple[Part, ...]
    given: str = ""
    seconds: int = 5

    @property
    def points(self):
        return sum(part.points for part in self.parts)


PRE = Assignment(
    name="pre",
    title="Before the course · Six questions",
    intro="""
What do you know already? Six short questions; a guess is an answer, too. Answer from your head and on paper, without
running a pooling: what you do not know yet, the course is for.
""",
    parts=tuple(Asked(f"pre-{about}", 1) for about in ("shape", "sign", "border", "divisor", "overlap", "shift")),
)

POST = Assignment(
    name="post",
    title="After the course · Six questions",
    intro="""
What do you know now? The six questions from before the course, with other numbers. Answer from your head and on paper,
without running a pooling.
""",
    parts=tuple(Asked(f"post-{about}", 1) for about in ("shape", "sign", "border", "divisor", "overlap", "shift")),
)

PS1 = Assignment(
    name="ps1",
    title="Problem set 1 · Windows and winners",
    intro="""
Which cells a window reads, what share each has in the output, and what that makes of maps and channels (lessons 01 to
03).
""",
    parts=(
        Task("read-a-window", 1),
        Task("my-read-a-window", 1),
        Task("my-max-map", 2),
        Task("max-by-hand", 3),
        Task("shares", 2),
        Task("my-shares", 1),
        Task("pool-channels", 2),
        Task("my-pool-channels", 1),
    ),
)

PS2 = Assignment(
    name="ps2",
    title="Problem set 2 · Sizes and divisors",
    intro="""
Where the maxima go, what an average is divided by, how large the output is, and how often a cell is read (lessons 03 to
06).
""",
    parts=(
        Task("unpool", 2),
        Task("my-unpool", 1),
        Task("average-divisors", 3),
        Task("my-average-divisors", 1),
        Task("output-size", 1),
        Task("my-output-size", 1),
        Task("ceil-size", 2),
        Task("my-ceil-size", 1),
        Task("overlap-count", 2),
        Task("my-overlap-count", 1),
    ),
)

PS3 = Assignment(
    name="ps3",
    title="Problem set 3 · Borders and gradients",
    intro="""
What happens at the border, and where the gradient goes on its way back (lessons 06 and 07).
""",
    parts=(
        Task("my-average-map", 2),
        Task("padding-choice", 2),
        Task("my-padding-choice", 1),
        Task("unet-skip", 2),
        Task("my-unet-skip", 1),
        Task("my-gradient", 2),
        Task("max-backward", 4),
        Task("average-backward", 2),
        Task("my-average-backward", 1),
        Written(
            name="two-gradients",
            title="Two gradients, in your own words",
            task="""
`nn.MaxPool2d(2, stride=1)` and `nn.AvgPool2d(2, stride=1)` both get the map and the upstream gradient that you had in
*Your own map, and its gradient on paper*. In three to five sentences for a fellow student: why do the two input
gradients look so different, and what have their sums in common? Take one cell of your map as an example, and say what
each pooling pays it.
""",
            answer="""
Max hands a window's whole gradient to the winner, because a small change of any smaller cell leaves the output as it
is (of equal maxima the first is paid); a cell that wins no window gets 0. Average hands every cell of the window a
quarter, because each has a quarter of a say in the output. Nothing is lost on either way, so both input gradients add
up to the sum of the upstream gradient. The example fits the student's own map, which the output of `your_case` shows:
by average, the cell in the middle gets a quarter of that sum, and a corner a quarter of its own window's number.
""",
            rubric={
                4: "both routes, each with its reason, equal sums with the reason, a right example from your own map",
                3: "both routes and equal sums; one reason or the example is missing or not right",
                1: "one of the two routes is right",
                0: "nothing that answers the question",
            },
        ),
    ),
)

LAYERS = {  # that the network of the project is tried with, and whether the learner sees that
    "nn.MaxPool2d(2)": True,
    "nn.AvgPool2d(4)": True,
    "nn.Identity()": False,
    "nn.MaxPool2d(3, stride=2, padding=1)": False,
    "nn.Conv2d(8, 8, 2, stride=2)": False,
}


SEEN = tuple(layer for layer, seen in LAYERS.items() if seen)


def probe_network(layers: Iterable[str]) -> str:
    """The lines of a probe that tries a network with those layers."""
    return f"""
import torch
from torch import nn
found = []
for layer in ({", ".join(layers)}):
    net = network(layer)
    parts = list(net.modules())
    channels = [part.out_channels for part in parts if isinstance(part, nn.Conv2d) and part is not layer]
    shape = list(net(torch.rand(3, 1, 8, 8)).shape)
    found.append([shape, any(part is layer for part in parts), channels])
return found
"""


def judge_network(found: Any, layers: tuple[str, ...] = tuple(LAYERS)) -> list[str]:
    """What is wrong with networks, from their outputs' shapes, whether they hold the layer, and their convolutions.

    >>> judge_network([[[3, 10], True, [8, 16]]] * 5)
    []
    """
    if not isinstance(found, list) or len(found) != len(layers):
        return ["It gave nothing that can be read as networks."]
    wrong = {layer: _of_network(each) for layer, each in zip(layers, found, strict=True)}
    seen = [f"With `{layer}` {why}." for layer, why in wrong.items() if why and LAYERS[layer]]
    return seen or ["With another layer than those of your notebook it is not as the task says."] * any(wrong.values())


def _of_network(each):
    if not isinstance(each, list) or len(each) != 3:
        return "it gives nothing that can be read"
    shape, holds, channels = each
    if shape != [3, 10]:
        return f"three pictures give an output of shape {shape}, and not [3, 10]"
    if holds is not True:
        return "the network does not hold the layer it is given"
    return f"its convolutions have {channels} channels, and not [8, 16]" if channels != [8, 16] else ""


def judge_experiment(found: Any) -> list[str]:
    """What is wrong with an experiment, from its names and accuracies.

    >>> judge_experiment([["a", [0.9, 0.8]], ["b", [0.9, 0.7, 0.8]], ["c", [0.9, 1.5, 0.8]]])[:2]
    ['It has fewer than three seeds for a.', 'An accuracy is a share, from 0 to 1.']
    """
    if not _is_experiment(found):
        return ["It gave no dictionary of names and lists of accuracies."]
    wrong = ["It compares fewer than three ways of downsampling."] * (len(found) < 3)
    wrong += [f"It has fewer than three seeds for {name}." for name, shares in found if len(shares) < 3]
    every = [share for _, shares in found for share in shares]
    if not all(0 <= share <= 1 for share in every):
        wrong.append("An accuracy is a share, from 0 to 1.")
    elif not wrong and max(every) <= 0.6:
        wrong.append("No way reads more than 60 % of the digits: does the network learn?")
    if not wrong and len({len(shares) for _, shares in found}) > 1:
        wrong.append("Not every way has as many seeds as the others.")
    return wrong


def odd_experiment(found: Any) -> list[str]:
    """Accuracies of 597 digits are whole numbers of 597ths.

    >>> odd_experiment([["a", [540 / 597, 0.93]]])
    ['`experiment` gives 0.93, which is no share of 597 digits: rounded, of other digits, or invented?']
    """
    every = [share for _, shares in found for share in shares] if _is_experiment(found) else []
    off = [share for share in every if abs(share * 597 - round(share * 597)) > 0.001]
    says = "`experiment` gives {:g}, which is no share of 597 digits: rounded, of other digits, or invented?"
    return [says.format(off[0])] if off else []


def _is_experiment(found):
    return isinstance(found, list) and all(
        isinstance(each, list)
        and len(each) == 2
        and isinstance(each[0], str)
        and isinstance(each[1], list)
        and all(isinstance(share, float) and share == share and abs(share) < 1e9 for share in each[1])
        for each in found
    )


PROJECT = Assignment(
    name="project",
    seconds=30,  # for nine networks to be trained
    title="Project · Choose the downsampling",
    intro="""
A small network is to read handwritten digits on a device with little memory. Between its two convolutions it has room
for one step that makes the maps smaller. Max pooling? Average pooling? A convolution with a stride? A large window, a
small one, or no step at all?

Choose, and defend your choice with numbers. There is no single right answer: a modest choice with a fair experiment
earns more than a bold one without.
""",
    given='''
pictures, labels = images.digits()  # 1,797 real digits of 8 x 8 pixels
pictures = pictures / 16
torch.set_num_threads(1)  # so small a network gains nothing from more


def accuracy(downsampling, seed, epochs=5):
    """Train a new network on 1,200 digits; the share of the other 597 that it reads right.

    `downsampling` makes the layer, such as `lambda: nn.MaxPool2d(2)`: every run gets a new one.
    """
    torch.manual_seed(seed)
    net = network(downsampling())
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(epochs):
        for batch in torch.randperm(1200).split(64):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(pictures[batch]), labels[batch]).backward()
            optimizer.step()
    with torch.no_grad():
        return (net(pictures[1200:]).argmax(1) == labels[1200:]).float().mean().item()
''',
    parts=(
        Code(
            name="network",
            title="The network",
            task="""
Build a network for pictures of 1 × 8 × 8: a convolution of 3 × 3 with padding 1 to 8 channels, ReLU, **the downsampling
you are given**, another such convolution to 16 channels, ReLU, and one linear layer to 10 outputs. The linear layer
must fit whatever downsampling comes. (How many numbers reach it? Send a picture of zeros through what stands before
it.)
""",
            source='''
def network(downsampling):
    """A new network with this layer between its convolutions."""
    ### BEGIN SOLUTION
    front = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        downsampling,
        nn.Conv2d(8, 16, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
    )
    numbers = front(torch.zeros(1, 1, 8, 8)).shape[1]
    return nn.Sequential(front, nn.Linear(numbers, 10))
    ### END SOLUTION
''',
            tests="""
for layer in (nn.MaxPool2d(2), nn.AvgPool2d(4)):
    net = network(layer)
    assert net(pictures[:3]).shape == (3, 10), "ten outputs for each of three pictures"
    assert any(part is layer for part in net.modules()), "the network must hold the layer it is given"
""",
            hidden="""
for layer in (nn.Identity(), nn.MaxPool2d(3, stride=2, padding=1), nn.Conv2d(8, 8, 2, stride=2)):
    net = network(layer)
    assert net(pictures[:3]).shape == (3, 10)
    own = [c for c in net.modules() if isinstance(c, nn.Conv2d) and c is not layer]
    assert [c.out_channels for c in own] == [8, 16]
""",
            points=4,
            probe=probe_network(LAYERS),
            judge=judge_network,
            seen=(probe_network(SEEN), partial(judge_network, layers=SEEN)),
        ),
        Code(
            name="experiment",
            title="The experiment",
            task="""
Compare at least three ways of downsampling by `accuracy`, all with the same seeds, three at least. Return a dictionary:
a short name for each way, and the list of its accuracies. One run takes well under a second.
""",
            source='''
def experiment():
    """The accuracies of each way of downsampling, by its name."""
    ### BEGIN SOLUTION
    ways = {
        "max 2x2": lambda: nn.MaxPool2d(2),
        "max 4x4": lambda: nn.MaxPool2d(4),
        "average 2x2": lambda: nn.AvgPool2d(2),
    }
    return {name: [accuracy(way, seed) for seed in range(3)] for name, way in ways.items()}
    ### END SOLUTION
''',
            tests="""
results = experiment()
for name, shares in results.items():
    print(f"{name:20}", " ".join(f"{share:.3f}" for share in shares))
assert len(results) >= 3, "at least three ways of downsampling"
assert all(len(shares) >= 3 for shares in results.values()), "at least three seeds for each"
assert all(0 <= share <= 1 for shares in results.values() for share in shares), "accuracies of 0 to 1"
""",
            hidden="""
assert len({len(shares) for shares in results.values()}) == 1
assert max(max(shares) for shares in results.values()) > 0.6
""",
            points=4,
            probe="""
return [[str(name)[:40], [float(share) for share in shares]] for name, shares in experiment().items()]
""",
            judge=judge_experiment,
            odd=odd_experiment,
        ),
        Written(
            name="prediction",
            title="What you expected",
            task="""
Before you ran the experiment: which way did you expect to win, and why? Name what would prove you wrong.
""",
            answer="""
An expectation that follows from what a window keeps (the strongest stroke, or the mean of ink and paper), written so
that the experiment could contradict it.
""",
            rubric={
                4: "a clear expectation with a reason from the lessons, and what would prove it wrong",
                3: "a clear expectation with a reason; nothing could prove it wrong",
                1: "an expectation without a reason",
                0: "none",
            },
        ),
        Written(
            name="fairness",
            title="Why the comparison is fair",
            task="What did you keep the same for every way, what did you vary, and what remains unfair all the same?",
            answer="""
The same data, split, seeds and number of epochs. Unfair remains, for example, that the linear layer is larger after a
small window, so that parameters and downsampling vary together.
""",
            rubric={
                4: "all that was held equal, what varied, and one real unfairness that remains",
                3: "what was held equal and what varied",
                1: "something is named, but a comparison rests on unequal conditions",
                0: "none",
            },
        ),
        Written(
            name="reading",
            title="What the numbers say, and what they do not",
            task="""
Give the numbers: for each way the mean, and how far the seeds lie apart. Which differences are larger than that spread?
""",
            answer="""
A table of mean and range for each way. Max 4 × 4 is behind max 2 × 2 by more than the spread of the seeds; the ranges
of max and average 2 × 2 overlap, so three seeds do not decide between them (of ten we tried, max was ahead in nine).
""",
            rubric={
                4: "mean and spread for every way; differences within the spread are called undecided",
                3: "mean and spread for every way; one conclusion goes beyond them",
                1: "single numbers, or no spread",
                0: "none",
            },
        ),
        Written(
            name="choice",
            title="Your choice, and where it would be wrong",
            task="""
What do you build in? Weigh the accuracy against what it costs (numbers in the linear layer, work in the second
convolution), and describe one situation in which you would choose differently.
""",
            answer="""
For example max 2 × 2: within the spread of the best, with a quarter of the work in the second convolution and a
quarter of the weights in the linear layer. Where a faint texture counts rather than a stroke, average.
""",
            rubric={
                4: "a choice that follows from the numbers and the cost, and a situation where it would be wrong",
                3: "a choice that follows from the numbers; cost or situation is missing",
                1: "a choice that the numbers do not carry",
                0: "none",
            },
        ),
    ),
)


def is_own(part) -> bool:
    """Does the part give everyone their own numbers?"""
    return isinstance(part, Asked) or isinstance(part, Task) and load(part.exercise).level == "own"


ASSIGNMENTS = {a.name: a for a in (PRE, PS1, PS2, PS3, PROJECT, POST)}


def named(assignment: str) -> dict[str, Part]:
    """The parts of an assignment by their names, in the order of the page; a task's is that of its exercise."""
    return {part.exercise if isinstance(part, Task) else part.name: part for part in ASSIGNMENTS[assignment].parts}


def title(part: Part) -> str:
    return load(part.exercise).title if isinstance(part, Task) else part.title
