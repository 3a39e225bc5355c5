"""Does every way through the course lead somewhere, and does the start page show the first of them?"""

import re

import pytest

from harness.lessons import (
    EXPLORER,
    MAPPED,
    START,
    STEMS,
    TABLES,
    Rules,
    asked_in,
    code,
    headings,
    imported,
    is_quiz,
    markdown,
    named,
    read,
    section,
)
from tools import links

RULES = Rules()
rule, refused_by = RULES.rule, RULES.refused_by
TOPICS = [  # what a textbook page on the two layers is made of; the table of the start page says where each part is
    "What pooling is",
    "Why it matters",
    "Where it fits",
    "The core idea",
    "A photo through a frame",
    "A map of 6 × 6, pooled both ways",
    "1 Pooling in a CNN",
    "2 Max against average",
    "3 `nn.MaxPool2d`",
    "4 `nn.AvgPool2d`",
    "5 Kernel size and stride",
    "6 Padding",
    "7 Internals and backpropagation",
    "Under the hood",
    "Why it was designed this way",
    "1 Channels",
    "2 Averages above maxima",
    "3 Spatial information",
    "4 Who gets the gradient",
    "1 Sparse gradients",
    "2 Averaging as a low-pass filter",
    "3 The receptive field",
    "When not to use pooling",
    "Max early, an average at the end",
    "Convolutions with a stride instead",
    "1 Convolutions",
    "2 Downsampling in signal processing",
    "3 Human vision",
    "1 Kernel size taken for the stride",
    "2 Pooling the channels",
    "3 Padding and lost edges",
    "Key points",
]


@rule
def says_where_each_topic_is(nb, stem):
    if stem != TABLES:
        return
    text = "\n".join(cell.source for cell in section(nb, "Where each topic is"))
    rows = dict(re.findall(r"^\|[^|\n]*\| *([^|\n]+?) *\|([^|\n]*)\|$", text, re.M))
    to_come = " ".join(re.findall(r"^Still to come: .+?(?:\n\n|\Z)", text, re.M | re.S)).replace("*", "").lower()
    for topic in TOPICS:
        if "](" not in rows.get(topic, "") and topic.lstrip("0123456789 ").lower() not in to_come:
            yield f"{topic!r} has no place"


@rule
def lets_you_play_before_it_asks(nb, stem):
    if stem != START:
        return
    told = "\n".join(cell.source for cell in section(nb, "Your progress"))
    imports = ", ".join(re.findall(r"`from pooling_course import (.*?)`", told)).split(", ")
    imports += [name for cell in code(nb) for name in imported(cell)]
    for name in ("progress", "challenges", "review", "export_progress", "import_progress"):
        if f"`{name}(" not in told:
            yield f"{name}() is not explained"
        if name not in imports:
            yield f"what imports {name} is not said"
    kinds = [
        "picture" if re.search(r"figures\.", c.source) else "explorer" if re.search(EXPLORER, c.source) else ""
        for c in code(nb)
    ]
    if kinds[:2] != ["picture", "explorer"]:
        yield "the page does not begin with a picture and the explorer"
    how = next((i for i, c in enumerate(nb.cells) if c.source.startswith("## How to use")), len(nb.cells))
    if any(is_quiz(c) for c in code(nb) if nb.cells.index(c) < how):
        yield "it asks before it says how a question is answered"
    if "Fifteen minutes" not in "\n".join(cell.source for cell in markdown(nb)):
        yield "there is no path for fifteen minutes"
    stops = re.split(r"\n(?=\d\. )", "\n".join(cell.source for cell in markdown(nb) if "-short" in cell.id))[1:]
    said = [sum(map(int, re.findall(r": (\d+) minutes?\.", stop))) for stop in stops]
    if sum(said) != 15:
        yield f"the stops for fifteen minutes take {sum(said)}"
    for stop, minutes in zip(stops, said, strict=True):
        if (counted := sum(map(time_of, re.findall(r"\]\(([^)]*#[^)]+)\)", stop)))) > minutes:
            yield f"a stop says {minutes} minutes, and its places take {counted:.1f}: {stop}"


@rule
def offers_nine_ways(nb, stem):
    if stem != TABLES:
        return
    text = "\n".join(cell.source for cell in section(nb, "Nine ways"))
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\|.*\|$", text, re.M)]
    if not table or table[0] != ["Lesson", *links.WAYS]:
        yield "there is no table of the nine ways"
        return
    found = {re.sub(r"^\[.*\]\(|\)$", "", row[0]): row for row in table[2:]}
    for name in (f"{stem}.ipynb" for stem in STEMS if stem != START):
        row = found.get(name, [])
        led = [cell for cell in row[1:] if re.fullmatch(r"\[[^\]]+\]\([^)#]+#[^)]+\)", cell)]
        if len(row) != 1 + len(led) or len(led) != len(links.WAYS):
            yield f"{name} is not offered in nine ways"


@rule
def leads_on(nb, stem):
    for link in (link for cell in markdown(nb) for link in links_of(cell)):
        page, _, place = link.partition("#")
        if "://" in link:
            continue
        if page and not (links.NOTEBOOKS / page).is_file():
            yield f"the link to {link} leads nowhere"
        elif place and place not in places(read(page.removesuffix(".ipynb")) if page else nb):
            yield f"the link to {link} names no heading there"
    names = [f"{stem}.ipynb" for stem in STEMS]
    if stem == START:
        listed = [link for cell in section(nb, "The lessons") for link in links_of(cell)]
        yield from (f"{name} is not listed" for name in names if name != f"{START}.ipynb" and name not in listed)
    if stem in MAPPED:
        at = names.index(f"{stem}.ipynb")
        for name in (names[at - 1], *names[at + 1 : at + 2]):
            for cell in (nb.cells[0], nb.cells[-1]):
                if name not in links_of(cell):
                    yield f"{cell.id} does not link to {name}"


def places(nb):
    """What a link may name after its #: the headings, as JupyterLab writes them into the page."""
    return {re.sub(r"[`*]", "", text).replace(" ", "-") for _, text in headings(nb)}


def links_of(cell):
    return re.findall(r"\]\(([^)\s]+)\)", cell.source)


def time_of(link):
    """Minutes to read the place that a link leads to and to answer its questions, as tools/links.py counts them."""
    page, _, place = link.partition("#")
    inside, words, questions = 0, 0, 0
    for cell in read(page.removesuffix(".ipynb") if page else START).cells:
        if cell.cell_type == "code":
            questions += len(asked_in(cell)) if inside else 0
            continue
        for part in re.split(r"^(?=#)", cell.source, flags=re.M):
            if heading := re.match(r"(#+) +(.+)", part):
                named, level = re.sub(r"[`*]", "", heading[2]).strip().replace(" ", "-") == place, len(heading[1])
                inside = level if named else 0 if level <= inside else inside
            words += len(re.findall(r"\w+", re.sub(r"\]\([^)]*\)", "", part))) if inside else 0
    return words / 200 + questions


OF_TABLES = ("says_where_each_topic_is", "offers_nine_ways", "leads_on")


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("stem", STEMS)
def test_notebook(stem, name):
    assert RULES.broken(name, stem) == []


@pytest.mark.parametrize("name", OF_TABLES)
def test_tables(name):
    assert RULES.broken(name, TABLES) == []


# ---- Every rule is shown what it must refuse -------------------------------------------------------------------------


@refused_by("says_where_each_topic_is", "'Under the hood' has no place", TABLES)
def lost_topic(nb):
    nb.cells[2].source = nb.cells[2].source.replace("Under the hood |", "Elsewhere |")


@refused_by("says_where_each_topic_is", "'3 Human vision' has no place", TABLES)
def dropped_promise(nb):
    nb.cells[2].source = nb.cells[2].source.replace("3 Human vision |", "3 Sight |")


@refused_by("offers_nine_ways", "no table of the nine ways", TABLES)
def eight_ways(nb):
    nb.cells[1].source = nb.cells[1].source.replace(" Debug |", "")


@refused_by("offers_nine_ways", "06_padding.ipynb is not offered in nine ways", TABLES)
def way_without_a_link(nb):
    nb.cells[1].source = re.sub(r"\[[^]]*\]\(06_padding.ipynb#Predict\)", "soon", nb.cells[1].source)


@refused_by("offers_nine_ways", "09_expert_zone.ipynb is not offered in nine ways", TABLES)
def lesson_without_ways(nb):
    nb.cells[1].source = re.sub(r"\n\| \[09\].*", "", nb.cells[1].source)


@refused_by("lets_you_play_before_it_asks", "no path for fifteen minutes", START)
def no_short_path(nb):
    named(nb, "short").source = named(nb, "short").source.replace("Fifteen", "Sixty")


@refused_by("lets_you_play_before_it_asks", "the stops for fifteen minutes take 16", START)
def sixteen_minutes(nb):
    named(nb, "short-stops").source = named(nb, "short-stops").source.replace("1 minute.", "2 minutes.")


@refused_by("lets_you_play_before_it_asks", "a stop says 2 minutes, and its places take", START)
def stop_that_is_too_long(nb):
    stops = named(nb, "short-stops")
    stops.source = stops.source.replace("#The-rule,-for-every-size)", "#What-holds,-exactly)")


@refused_by("leads_on", "#The-idee names no heading there", TABLES)
def way_to_nowhere(nb):
    nb.cells[1].source = nb.cells[1].source.replace(
        "01_what_is_pooling.ipynb#The-idea", "01_what_is_pooling.ipynb#The-idee"
    )


@refused_by("says_where_each_topic_is", "'6 Padding' has no place", TABLES)
def topic_without_a_link(nb):
    nb.cells[2].source = nb.cells[2].source.replace("[06](06_padding.ipynb)", "06")


@refused_by("lets_you_play_before_it_asks", "review() is not explained", START)
def no_word_on_review(nb):
    named(nb, "progress-more").source = named(nb, "progress-more").source.replace("review()", "again")


@refused_by("lets_you_play_before_it_asks", "what imports challenges is not said", START)
def a_name_without_its_import(nb):
    named(nb, "progress-more").source = named(nb, "progress-more").source.replace("import challenges, ", "import ")


@refused_by("lets_you_play_before_it_asks", "before it says how a question is answered", START)
def asked_before_it_is_told_how(nb):
    nb.cells.append(nb.cells.pop(nb.cells.index(named(nb, "use"))))


@refused_by("lets_you_play_before_it_asks", "begin with a picture", START)
def asked_too_early(nb):
    nb.cells.insert(1, nb.cells.pop(nb.cells.index(named(nb, "six-quiz"))))


@refused_by("leads_on", "09_nowhere.ipynb#see leads nowhere")
def dead_link(nb):
    named(nb, "idea").source += " [More](09_nowhere.ipynb#see)"


@refused_by("leads_on", "02_max_versus_average.ipynb#see-it names no heading")
def wrong_place(nb):
    named(nb, "idea").source += " [More](02_max_versus_average.ipynb#see-it)"


@refused_by("leads_on", "#Nowhere names no heading")
def wrong_place_here(nb):
    named(nb, "idea").source += " [More](#Nowhere)"


@refused_by("leads_on", "links does not link to 00_start_here")
def no_way_back(nb):
    named(nb, "links").source = "Next: [02](02_max_versus_average.ipynb)"


@refused_by("leads_on", "title does not link to 02_max")
def no_way_on(nb):
    nb.cells[0].source = nb.cells[0].source.replace("02_max_versus_average", "00_start_here")


@refused_by("leads_on", "02_max_versus_average.ipynb is not listed", START)
def unlisted(nb):
    named(nb, "lessons").source = named(nb, "lessons").source.replace("02_max_versus_average", "01_what_is_pooling")


@pytest.mark.parametrize("name, problem, stem, change", RULES.plants)
def test_refuses(name, problem, stem, change):
    assert any(problem in found for found in RULES.broken_by(change, name, stem))
