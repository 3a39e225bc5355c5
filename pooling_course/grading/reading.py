"""What a notebook says, read as text: its code, its author's name, and words that an instructor should look at.

Nothing here runs or parses what a student wrote: text can be made to bring Python's own parser down.
"""

import ast
import io
import json
import re
import subprocess
import sys
import tokenize

from ..exercises.definition import nobodys
from . import cells
from .files import Broken

SMALL = 2 << 20  # bytes: what is read here; the objects of larger ones are left to a process with limits
TOO_MUCH = f"The notebook takes more than {cells.MEMORY >> 20} MB or {cells.SECONDS} s to read: clear its outputs."

NAME = re.compile(r"\bSTUDENT\b")
LEAD = re.compile(r"\A(?:[ \t]|\\\n)+")  # Python 3.12 and newer take what follows for a line of its own, indented
BEFORE = re.compile(r"(?:>>>|In \[\d+\]:)?|[^#]*[;=]|[^#]*\((?P<inside>)")  # what may stand before it in its line
AFTER = re.compile(r"[ \t]{0,9}(?::[ \t]{0,9}\w{1,30}[ \t]{0,9})?(?P<walrus>:?)=(?!=)")
LONGEST = 1000  # characters of a name with its quotes, over all its lines
LITERAL = {"STRING", "NUMBER", "FSTRING_START", "FSTRING_MIDDLE", "FSTRING_END"}  # kinds of tokens
DIGITS = 100
NO_NAME = {
    "missing": "There is no STUDENT = ... in your notebook",
    "unread": "STUDENT is empty or could not be read",
    "example": "STUDENT was left as it was",
}
FROM_FILE = (
    '{}: write STUDENT = "Ada Lovelace", a text in quotes, or a whole number. Numbers of your own were drawn from the '
    "name that your work came under, so what was worked out for other numbers has no points."
)
STRANGE = re.compile(
    r"\b(?:_getframe|currentframe|f_back|f_locals|get_objects|get_referrers|settrace|setprofile|ctypes|NoTorch"
    r"|__torch_dispatch__|_python_dispatch|os\.write|os\.dup2?|os\.fork|os\._exit|/proc/\w+|/dev/fd"
    r"|pooling_course\.(?:grading|exercises)\.\w+)\b"
)


def code_of(data: bytes) -> list[str]:
    """The code cells of a notebook.

    Raises:
        Broken: it is no notebook, or holds more than anybody writes.
    """
    try:
        return cells.code_cells(data) if len(data) <= SMALL else _apart(data)
    except ValueError as sentence:
        raise Broken(str(sentence)) from None


def _apart(data):
    """What `cells` says as a program of its own."""
    line = [sys.executable, "-I", "-S", cells.__file__, str(cells.MEMORY), str(cells.SECONDS)]
    done = subprocess.run(line, input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    said = json.loads(done.stdout) if done.returncode == 0 and done.stdout else {"why": TOO_MUCH}
    if "why" in said:
        raise ValueError(said["why"])
    return said["cells"]


def named_in(code: list[str]) -> str | int | None:
    """What the notebook says its author is called: the last `STUDENT = ...`, text or a whole number.

    "" where something stands there that cannot be read, None where nothing does.

    >>> named_in(['STUDENT = ("Ada " "Lovelace")']), named_in(["STUDENT = 1_234"])
    ('Ada Lovelace', 1234)
    >>> named_in(["STUDENT = input()"]), named_in(["x = 1"])
    ('', None)
    """
    places = [(cell, at) for cell in code for at in _assigned(cell)]
    if not places:
        return None
    cell, at = places[-1]
    value = _literal(cell[at : at + LONGEST])
    return value if isinstance(value, str) or type(value) is int and 0 <= value < 10**DIGITS else ""


def no_name(says: str | int | None) -> str:
    """Why what `named_in` found is nobody's name, in a sentence for the student; "" where it is somebody's.

    What stood there before anybody wrote is as good as nothing: the whole class has those numbers, and the course's own
    notebooks with solutions hold the answers.

    >>> no_name("Ada")
    ''
    """
    if says is None or says == "":
        return FROM_FILE.format(NO_NAME["missing" if says is None else "unread"])
    return FROM_FILE.format(NO_NAME["example"]) if nobodys(says) else ""


def _assigned(cell):
    """Where in a cell the values begin that STUDENT gets."""
    for found in NAME.finditer(cell):
        line = cell[max(cell.rfind("\n", 0, found.start()) + 1, found.start() - LONGEST) : found.start()].strip()
        before, after = BEFORE.fullmatch(line), AFTER.match(cell, found.end())
        if before and after and (before["inside"] is None or after["walrus"]):
            yield after.end()


def _literal(text):
    """The value of the literal that text begins with, else None. What is parsed is a few tokens of literals."""
    kept, deep = [], 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(LEAD.sub("", text)).readline):
            deep += (token.string == "(") - (token.string == ")")
            if token.type in (tokenize.NEWLINE, tokenize.ENDMARKER) or token.string == ";" or deep < 0:
                break
            kind = tokenize.tok_name[token.type]
            if kind not in ("NL", "COMMENT"):
                if kind not in LITERAL and token.string not in ("(", ")", "+"):
                    return None
                kept.append(token.string + " " * (not kind.startswith("FSTRING") or kind == "FSTRING_END"))
    except (tokenize.TokenError, SyntaxError):
        return None
    try:
        return _folded(ast.parse("".join(kept) if len(kept) <= 40 else "", mode="eval").body)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return None


def _folded(node):
    """What texts are that are added up, and numbers or texts as they are."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _folded(node.left), _folded(node.right)
        return left + right if isinstance(left, str) and isinstance(right, str) else None
    if isinstance(node, ast.JoinedStr):  # f"" without a field; with one it was no literal
        return "".join(_folded(part) for part in node.values)
    return ast.literal_eval(node)


def strange(code: list[str]) -> list[str]:
    """Words that no answer needs: they lead to the grader's own code, or past what watches for torch.

    >>> strange(["import os; os.write(3, b'')", "x = 1"])
    ['os.write']
    """
    return sorted({word for cell in code for word in STRANGE.findall(cell)})
