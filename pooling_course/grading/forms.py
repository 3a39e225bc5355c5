"""Whose a file is: how learning platforms lay out what they give, as one table.

A platform writes a student's name into the part of a path that is its own, and leaves the rest to the student. So the
form of a whole download is found first, by what most of its files and folders have in common, and then every path is
read in that form and no other: a student who calls a file `bob_1_2_x.ipynb` has only called a file so.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NamedTuple

from .assignments import ASSIGNMENTS
from .files import Broken, is_notebook

# What browsers, systems and platforms add to the name of a second copy. A bare `-1` is one only after the name of the
# assignment: `group-1.ipynb` and `2026-101.ipynb` are names.
COPY = r"(?:[ _]?\(\d+\)|[-_ ]+(?:copy|copie|kopie|copia)(?:[ _-]?\(?\d+\)?)?)"
NUMBERED = rf"(?:{COPY}|-\d+)"
COPY_OF = re.compile(r"^(?:copy of|kopie von|copie de|copia de) ", re.IGNORECASE)


class Whose(NamedTuple):
    """What a form reads in a path.

    Attributes:
        student: the name.
        number: by which the platform goes, or "".
        own: the part that the student chose.
        late: the platform calls it late.
        upload: the number of the upload, which rises; or when it was, as nbgrader writes it.
    """

    student: str = ""
    number: str = ""
    own: str = ""
    late: bool = False
    upload: str = ""


@dataclass(frozen=True)
class Form:
    """How one platform names what it gives.

    Attributes:
        name: as `--form` takes it.
        title: where it comes from.
        pattern: of a path; ASSIGNMENT stands for the assignment's name.
        times: what in it says when work was handed in, beside what is called late.
        examples: paths for `ps1`, and what is read in each.
    """

    name: str
    title: str
    pattern: str
    times: str
    examples: tuple[tuple[str, Whose], ...]

    def read(self, path: str, assignment: str) -> Whose | None:
        """What this form reads in a path; None where the path has another.

        >>> FORM["canvas"].read("doeada_LATE_12_345_ps1-1.ipynb", "ps1")
        Whose(student='doeada', number='12', own='ps1-1.ipynb', late=True, upload='345')
        """
        found = re.fullmatch(self.pattern.replace("ASSIGNMENT", f"(?i:{re.escape(assignment)})"), path, re.DOTALL)
        if not found:
            return None
        said = {key: value or "" for key, value in found.groupdict().items()}
        late = bool(said.pop("late", ""))
        return Whose(**said, late=late)


# The first six are told by their names, in this order. A name that Moodle writes has no underscore of its own
# (mod/assign/locallib.php), and one that Canvas writes no number between two (app/models/content_zipper.rb), which is
# how Canvas reads them back, too. What lies in nbgrader's exchange, its own submit command has named.
FORMS = (
    Form(
        "exchange",
        "nbgrader's exchange, `inbound/`",
        r"(?P<student>[^/+]+)\+ASSIGNMENT\+(?P<upload>\d{4}-\d\d-\d\d [^/+]+)(?:\+[^/]*)?/(?P<own>.+)",
        "nbgrader's own time",
        (
            (
                "ada+ps1+2026-03-01 22:58:23.948203 UTC+b2RkOg/ps1.ipynb",
                Whose("ada", "", "ps1.ipynb", False, "2026-03-01 22:58:23.948203 UTC"),
            ),
        ),
    ),
    Form(
        "moodle",
        'Moodle, "Download all submissions"',
        r"(?P<student>[^/_]+)_(?P<number>\d+)_assignsubmission_(?:file|onlinetext)(?:_?/|_)(?P<own>.+)",
        "nothing: `--times` with the grading worksheet",
        (
            ("Ada Doe_4711_assignsubmission_file_/ps1.ipynb", Whose("Ada Doe", "4711", "ps1.ipynb")),
            ("Ada Doe_4711_assignsubmission_file/own/ps1.ipynb", Whose("Ada Doe", "4711", "own/ps1.ipynb")),
            ("Ada Doe_4711_assignsubmission_file_my work.ipynb", Whose("Ada Doe", "4711", "my work.ipynb")),
            ("Group 2-Ada Doe_4711_assignsubmission_file_/a.ipynb", Whose("Group 2-Ada Doe", "4711", "a.ipynb")),
            ("Participant_4711_assignsubmission_file_/a.ipynb", Whose("Participant", "4711", "a.ipynb")),
        ),
    ),
    Form(
        "anonymous",
        'Canvas, "Download Submissions" where names are hidden',
        r"anon_(?=(?:[A-Za-z0-9]{5}_)?(?P<late>(?i:late)_)?)(?:(?i:late)_)?(?P<student>[A-Za-z0-9]{5})_(?:(?i:late)_)?"
        r"(?P<upload>\d+)_(?P<own>.+)",
        "only `LATE`: `--times`",
        (
            ("anon_ada9X_67890_ps1.ipynb", Whose("ada9X", "", "ps1.ipynb", False, "67890")),
            ("anon_LATE_ada9X_67891_my work.ipynb", Whose("ada9X", "", "my work.ipynb", True, "67891")),
            ("anon_ada9X_LATE_67891_5_x.ipynb", Whose("ada9X", "", "5_x.ipynb", True, "67891")),
        ),
    ),
    Form(
        "canvas",
        'Canvas, "Download Submissions"',
        r"(?P<student>[^/]+?)(?P<late>_(?i:late))?_(?P<number>\d+)_(?:question_\d+_)?"  # of a question in a quiz
        r"(?:(?P<upload>\d+)_(?=.)|(?=(?:text|link)\.html$))(?P<own>.+)",  # what was typed there has no upload
        "only `LATE`; its zip has the time of zipping: `--times`",
        (
            ("doeada_12345_67890_ps1.ipynb", Whose("doeada", "12345", "ps1.ipynb", False, "67890")),
            ("doeada_LATE_12345_67890_ps1-2.ipynb", Whose("doeada", "12345", "ps1-2.ipynb", True, "67890")),
            ("de_la_cruz_12_34_5_6_x.ipynb", Whose("de_la_cruz", "12", "5_6_x.ipynb", False, "34")),
            ("doeada_12345_question_7_67890_ps1.ipynb", Whose("doeada", "12345", "ps1.ipynb", False, "67890")),
        ),
    ),
    Form(
        "clones",
        "GitHub Classroom and its like, a clone for each student",
        r"ASSIGNMENT[-_](?P<student>[^/]+)/(?P<own>.+)",
        "nothing: `--times`",
        (
            ("ps1-ada/ps1.ipynb", Whose("ada", "", "ps1.ipynb")),
            ("ps1-cy-d/notebooks/ps1.ipynb", Whose("cy-d", "", "notebooks/ps1.ipynb")),
        ),
    ),
    Form(
        "nbgrader",
        "nbgrader, `submitted/`",
        r"(?P<student>[^/]+)/ASSIGNMENT/(?P<own>.+)",
        "`timestamp.txt` beside the notebook",
        (
            ("ada/ps1/ps1.ipynb", Whose("ada", "", "ps1.ipynb")),
            ("ada/ps1/bob_1_2_x.ipynb", Whose("ada", "", "bob_1_2_x.ipynb")),
        ),
    ),
    Form(
        "folders",
        "a folder, or a .zip, for each student",
        r"(?P<student>[^/]+)/(?P<own>.+)",
        "nothing: `--times`",
        (
            ("ada/my work.ipynb", Whose("ada", "", "my work.ipynb")),
            ("bob.zip/homework/ps1.ipynb", Whose("bob", "", "homework/ps1.ipynb")),
        ),
    ),
    Form(
        "files",
        "a file for each student",
        r"(?:.*/)?(?P<own>[^/]+)",
        "nothing: `--times`",
        (
            ("ada.ipynb", Whose("ada", "", "ada.ipynb")),
            ("ada_lovelace-ps1.ipynb", Whose("ada_lovelace", "", "ada_lovelace-ps1.ipynb")),
            ("ps1_ada (1).ipynb", Whose("ada", "", "ps1_ada (1).ipynb")),
            ("group-1.ipynb", Whose("group-1", "", "group-1.ipynb")),
            ("2026-101_ps1-2.ipynb", Whose("2026-101", "", "2026-101_ps1-2.ipynb")),
        ),
    ),
)
FORM = {form.name: form for form in FORMS}


MOODLES_WORD = re.compile("Participant|Teilnehmer/?in", re.IGNORECASE)  # for everybody whose name it hides


def is_hidden(student: str, path: str, assignment: str) -> bool:
    """Whether the platform hid whose work lies there: what it calls them is no name.

    >>> is_hidden("aB3cD", "all/anon_aB3cD_678_ps1.ipynb", "ps1"), is_hidden("ada", "ada/anon_aB3cD_678_x.ipynb", "ps1")
    (True, False)
    """
    found = (FORM["anonymous"].read(part, assignment) for part in PurePosixPath(path).parts)
    return bool(MOODLES_WORD.fullmatch(student)) or any(each and each.student == student for each in found)


TELLING = FORMS[:6]
ASK = "Say which: --form folders (each folder is a person's) or --form files (each notebook is)."


# ---- The name that a student chose -----------------------------------------------------------------------------------


class Called(NamedTuple):
    """What a file's name says: `rest` without the assignment and marks of a copy, whether it `mentions` the assignment,
    and which `copy` it is, 0 for the first."""

    rest: str
    mentions: bool
    copy: int


def called(name: str, assignment: str) -> Called:
    """
    >>> called("ada_ps1-2.ipynb", "ps1"), called("PS1 (1).ipynb", "ps1")
    (Called(rest='ada', mentions=True, copy=2), Called(rest='', mentions=True, copy=1))
    >>> called("group-1.ipynb", "ps1"), called("ps1-Copy1.ipynb", "ps1")
    (Called(rest='group-1', mentions=False, copy=0), Called(rest='', mentions=True, copy=1))
    """
    stem, ended = _stem(name), name[len(_stem(name)) :]
    more = _number(re.search(r"\(\d+\)", ended))  # as in `ps1.ipynb (1)`
    if COPY_OF.match(stem):
        stem, more = COPY_OF.sub("", stem), more + 1
    word = re.escape(assignment)
    bare, copy = _without(NUMBERED, stem)
    if found := re.fullmatch(rf"(?:(.+?)[-_. ]+)?{word}", bare, re.IGNORECASE | re.DOTALL):
        return Called(found[1] or "", True, more + copy)
    bare, copy = _without(COPY, stem)
    if found := re.fullmatch(rf"{word}[-_. ]+(.+)", bare, re.IGNORECASE | re.DOTALL):
        return Called(found[1], True, more + copy)
    return Called(bare, False, more + copy)


def _stem(name):
    stem = re.sub(r"\.ipynb\b.*$", "", name, flags=re.IGNORECASE | re.DOTALL)
    return (stem if stem != name else re.sub(r"\.[A-Za-z0-9]{1,5}$", "", name)).strip()


def _without(mark, stem):
    """A name without marks of a copy at its end, and the number of the last one."""
    copy = 0
    while (found := re.search(rf"{mark}$", stem, re.IGNORECASE)) and found.start():
        stem, copy = stem[: found.start()], copy or _number(found)
    return stem, copy


def _number(found):
    return 0 if not found else int((re.findall(r"\d+", found[0]) or ["1"])[-1][:9]) or 1


# ---- The form of a whole download ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Layout:
    """How a download is laid out.

    Attributes:
        form: what most of it has in common; None where files and folders for people lie beside each other.
        root: the folders that lead to where people's work is.
        assignment: its name, as the names of clones write it.
        said: what the instructor should know about it.
        people_in: folders in which each notebook is a person's.
        several: files that seem to be copies by their names, and are not.
    """

    form: Form
    root: tuple[str, ...]
    assignment: str
    said: tuple[str, ...] = ()
    people_in: frozenset[str] = frozenset()
    several: frozenset[tuple[str, ...]] = frozenset()

    def whose(self, path: PurePosixPath) -> Whose | str:
        """Whose an entry is, or the reason why it is nobody's."""
        parts = path.parts
        if parts[: len(self.root)] != self.root:
            return f"it does not lie in {'/'.join(self.root)}, where the submissions are"
        parts = parts[len(self.root) :]
        found = self._read(parts)
        if isinstance(found, str):
            return found
        return found._replace(student=found.student.strip()) if found.student.strip() else "it has no name of a student"

    def _read(self, parts):
        path, name = "/".join(parts), self.form.name
        alone = name == "folders" and len(parts) > 1 and parts[0] not in self.people_in
        if alone and (found := self.form.read(path, self.assignment)):
            zipped = parts[0].casefold().endswith(".zip")
            return found._replace(student=called(parts[0], self.assignment).rest or parts[0]) if zipped else found
        if name in ("folders", "files"):
            return self._by_file(parts)
        if found := self.form.read(path, self.assignment):
            return found
        if name == "nbgrader" and len(parts) > 2:
            return f"it lies in {parts[0]}/{parts[1]}, and not in {parts[0]}/{self.assignment}"
        return f"its path is not as {self.form.title.partition(',')[0]} writes it"

    def _by_file(self, parts):
        says = called(parts[-1], self.assignment)
        if not is_notebook(parts[-1]) and not says.mentions:
            return "it is no notebook"
        if not says.rest:
            return "its name says nobody's: call it after its student"
        # Marks of a copy are believed where the file without them lies beside it, or where there is but one.
        rest = says.rest if not says.copy or parts not in self.several else _stem(parts[-1])
        return Whose(rest, "", parts[-1])


def layout(
    paths: Iterable[PurePosixPath],
    assignment: str,
    place: str = "",
    form: str | None = None,
    known: Callable[[str], bool] | None = None,
) -> Layout:
    """How a download is laid out.

    Args:
        paths: of all its files.
        assignment: its name.
        place: what the folder or .zip is called.
        form: the name of the one it has, where that is known.
        known: whether a name is that of one student of the class.

    Raises:
        Broken: it can be read in more than one way.
    """
    every = [path.parts for path in paths]
    books = [parts for parts in every if is_notebook(parts[-1])]
    telling = TELLING if form is None else [FORM[form]] if FORM[form] in TELLING else []
    root: tuple[str, ...] | None = ()
    while root is not None:
        for inner in ((*root, "submitted"), (*root, "inbound")):  # of nbgrader's course folder, and of its exchange
            for each in telling:
                if each.name in ("nbgrader", "exchange") and _people(each, every, inner, assignment):
                    return Layout(each, inner, assignment, _through(inner))
        if form is None:
            _refuse_side_by_side(every, books, root, assignment, known)
        for each in telling:
            for name in _names(assignment, (root or (place,))[-1]) if each.name == "clones" else [assignment]:
                people = _people(each, every, root, name)
                if people == 1 and not root and form is None and _is_around(each, every, books, name, known):
                    continue
                if people > (1 if root and form is None else 0):
                    return Layout(each, root, name, _through(root))
        root = _way_down(every, books, root, assignment)
    if telling and form is not None:
        raise Broken(f"This does not look like --form {form}: that is {FORM[form].examples[0][0]}, for example.")
    return _plain(every, books, assignment, form, known)


def _is_around(form, every, books, assignment, known) -> bool:
    """Whether what a form reads as the one person is a folder around others' work, such as `ps1-submissions/` or
    `ps1_2026_03_01/`; where that cannot be told, it asks. Nobody calls a folder as Moodle or the exchange does."""
    read = {parts: whose for parts in every if (whose := form.read("/".join(parts), assignment))}
    deep = 2 if form.name == "nbgrader" else 1
    folders = {parts[:deep] for parts in read}
    if form.name in ("exchange", "moodle") or len(folders) > 1 or any(len(parts) <= deep for parts in read):
        return False
    (inner,) = folders
    held = next((each for each in TELLING if _people(each, every, inner, assignment) > 1), None)
    if held and form.name != "nbgrader":  # in whose folder for a student anything may lie
        return True
    if not held and not _branches(books, inner, assignment, None):
        return False
    student = next(iter(read.values())).student
    if known and not held:
        return not known(student)
    what = f"a download from {held.title}" if held else "the work of several people"
    raise Broken(
        f"Whose are they? {'/'.join(inner)} holds what looks like {what}: give that folder. {'' if held else ASK + ' '}"
        f"Or say --form {form.name}, if all in it is one student's, called {student}."
    )


def _refuse_side_by_side(every, books, root, assignment, known) -> None:
    """Folders which all hold several people's work, such as the downloads of two groups, are no people: it asks."""
    files, notebooks = _by_folder(every, root), _by_folder(books, root)
    form = next((each for each in TELLING if _people(each, every, root, assignment)), None)
    if len(notebooks) < 2 or assignment in notebooks or (form and form.name in ("exchange", "moodle", "nbgrader")):
        return

    def is_download(folder):
        return any(_people(each, files[folder], (*root, folder), assignment) > 1 for each in TELLING)

    def is_split(folder):
        return _branches(notebooks[folder], (*root, folder), assignment, None)

    names = Counter(name for those in notebooks.values() for name in {parts[-1] for parts in those})
    is_several = is_split if form and max(names.values()) == 1 else is_download  # what all hold was handed out to them
    if not all(is_several(folder) or is_download(folder) for folder in notebooks):
        return
    whose = [found.student for folder in notebooks if form and (found := form.read(f"{folder}/x", assignment))]
    if known and any(map(known, whose or notebooks)):
        return
    raise Broken(
        f"Whose are they? Each of {', '.join(sorted(notebooks)[:4])} holds what looks like the work of several people. "
        f"Give one of them, or put what they hold together into one folder. Or say --form "
        f"{form.name if form else 'folders'}, if each is one student's."
    )


def _by_folder(paths, root) -> dict[str, list]:
    """What lies in the folders of a folder."""
    found: dict[str, list] = {}
    for parts in paths:
        if parts[: len(root)] == root and len(parts) > len(root) + 1:
            found.setdefault(parts[len(root)], []).append(parts)
    return found


def _names(assignment, folder):
    """What clones may begin with: `gh classroom clone` puts them into `<name>-submissions`."""
    slug = re.sub(r"-submissions$", "", folder)
    return [assignment, slug] if slug and slug != folder else [assignment]


def _through(root):
    return (f"All submissions are in {'/'.join(root)}.",) if root else ()


def _people(form, every, root, assignment) -> int:
    """How many people a form finds below a folder; 0 where it reads less than half of what lies there."""
    deep = len(root)
    inside = [parts[deep:] for parts in every if parts[:deep] == root and len(parts) > deep]
    units = {parts[0] for parts in inside}
    names = {assignment, *ASSIGNMENTS} if form.name in ("nbgrader", "exchange") else {assignment}  # of others, too
    fits: dict[str, set] = {}
    mine = False
    for parts in inside:
        for name in names:
            if whose := form.read("/".join(parts), name):
                fits.setdefault(parts[0], set()).add((whose.student, whose.number))
                mine |= name == assignment
    people = set().union(*fits.values()) if fits else set()
    return len(people) if mine and 2 * len(fits) > len(units) else 0


def _way_down(every, books, root, assignment):
    """The folder to look in next, if there is but one to choose."""
    deep = len(root)
    inside = [parts[deep:] for parts in every if parts[:deep] == root and len(parts) > deep]
    folders = {parts[0] for parts in inside if len(parts) > 1}
    holding = {parts[deep] for parts in books if parts[:deep] == root and len(parts) > deep + 1}
    if any(len(parts) == deep + 1 and parts[:deep] == root for parts in books):
        return None
    if holding and len(folders) == 1:
        return (*root, *holding)
    same = [name for name in holding if name.casefold() == assignment.casefold()]
    return (*root, *same) if len(same) == 1 else None


def _plain(every, books, assignment, form, known) -> Layout:
    """Folders and files that no platform has named: where they lie, and which are people."""
    if form == "files":
        return Layout(FORM["files"], (), assignment, several=_several(books, assignment))
    root: tuple[str, ...] = ()
    while inner := _way_down(every, books, root, assignment):
        if not _branches(books, inner, assignment, form):
            break  # one person's
        root = inner
    deep = len(root)
    inside = [parts[deep:] for parts in books if parts[:deep] == root and len(parts) > deep]
    if form != "folders" and all(len(parts) == 1 for parts in inside):
        return Layout(FORM["files"], root, assignment, _through(root), several=_several(inside, assignment))
    people_in, asked = set(), []
    units: dict[str, list] = {}
    for parts in inside:
        if len(parts) > 1:
            units.setdefault(parts[0], []).append(parts[1:])
    for unit in sorted(units) if form is None else ():
        names = _top(units[unit])
        after = _after(names, assignment)
        if not after:
            continue
        if known and all(map(known, after)) and not known(unit):
            people_in.add(unit)
        elif not (known and known(unit) and not any(map(known, after))):
            asked.append(f"{'/'.join((*root, unit))} holds {len(names)} notebooks ({', '.join(names[:4])}, ...)")
    if asked:
        more = f", and {len(asked) - 1} more folders are like it" if len(asked) > 1 else ""
        raise Broken(f"Whose are they? {asked[0]}{more}. {ASK} Or give the one folder that holds {assignment}.")
    own = _several(inside, assignment)
    return Layout(FORM["folders"], root, assignment, _through(root), frozenset(people_in), own)


def _branches(books, root, assignment, form) -> bool:
    """Whether below a folder lies the work of several people, as far as names can tell."""
    deep = len(root)
    inside = [parts[deep:] for parts in books if parts[:deep] == root and len(parts) > deep]
    direct = [parts[0] for parts in inside if len(parts) == 1]
    if direct:
        return form != "folders" and bool(_after(direct, assignment, alone=True))
    units = {parts[0] for parts in inside}
    return len(units) > 1 or (len(units) == 1 and _branches(books, (*root, *units), assignment, form))


def _top(paths):
    """The names of those that lie least deep."""
    least = min(map(len, paths))
    return sorted(parts[-1] for parts in paths if len(parts) == least)


def _after(names, assignment, alone=False) -> set[str]:
    """The people that notebooks in one folder seem to be called after; none where it may be one person's folder.

    One that is called like the assignment makes it a person's, and the others notes; but in a folder that is `alone`,
    it may be what was handed out, and what is called like a copy may be another person.
    """
    says = {name: called(name, assignment) for name in names}
    apart = {name for (name,) in _several([(name,) for name in names], assignment)} if alone else set()
    after = {_stem(name) if name in apart and each.rest else each.rest for name, each in says.items()}
    mentioned = any(each.rest and each.mentions for each in says.values())
    return after - {""} if len(after) > 1 and ("" not in after or (alone and mentioned)) else set()


def _several(books, assignment) -> frozenset[tuple[str, ...]]:
    """Files with marks of a copy that are no copies: there are more of them, and none without a mark.

    Windows calls files that are renamed together `group (1)`, `group (2)`; a browser a second download `ada (1)`.
    """
    families: dict[tuple, Counter] = {}
    for parts in books:
        says = called(parts[-1], assignment)
        families.setdefault((parts[:-1], says.rest.casefold()), Counter())[bool(says.copy)] += 1
    return frozenset(
        parts
        for parts in books
        if (family := families[parts[:-1], called(parts[-1], assignment).rest.casefold()])[True] > 1
        and not family[False]
    )
