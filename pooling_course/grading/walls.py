"""What keeps one student's process in: namespaces of its own, limits, no capabilities, and a filter of system calls.

bubblewrap builds the room around the whole server; these are the walls around one submission in it. The calls are
those of Linux and of libseccomp, by ctypes: every Debian and Ubuntu has both, and neither needs a package of Python.
"""

import ctypes
import os
import resource
import signal
import sys

NEW_NAMESPACES = {"mount": 0x00020000, "ipc": 0x08000000, "user": 0x10000000, "pid": 0x20000000}  # for unshare
NEVER_IN_CLONE = 0x7E020080  # every CLONE_NEW...: mount, time, cgroup, uts, ipc, user, pid and network
# What fcntl leaves on a file, read-only or not, where others see it: signals, leases, watchers and hints, which nobody
# needs; and locks, such as a database's: it is said that they are held, for nobody else is there.
NEVER_IN_FCNTL, LOCKS_IN_FCNTL = (10, 1024, 1026, 1036, 1038), (6, 7, 37, 38)
MOUNT_SETATTR = 442  # on every kind of processor
MOUNT_SAFELY = 0x1 | 0x2 | 0x4 | 0x8  # read-only, no set-uid, no devices, no programs
SET_DUMPABLE, SET_DEATH_SIGNAL, SET_NO_NEW_PRIVILEGES = 4, 1, 38  # for prctl

# Of seccomp: yes; EPERM; ENOSYS; not done, and said to be.
ALLOW, DENY, MISSING, PRETENDED = 0x7FFF0000, 0x00050000 | 1, 0x00050000 | 38, 0x00050000
NOT_EQUAL, MASKED_EQUAL = 1, 7
REFUSED = """
    execve execveat
    unshare setns mount umount2 pivot_root chroot mount_setattr move_mount open_tree fsopen fsconfig fsmount fspick
    ptrace process_vm_readv process_vm_writev kcmp pidfd_getfd process_madvise
    bpf perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register
    add_key request_key keyctl memfd_create memfd_secret shmget semget msgget mq_open
    open_by_handle_at name_to_handle_at fanotify_init quotactl quotactl_fd acct syslog personality
    init_module finit_module delete_module kexec_load kexec_file_load reboot swapon swapoff
    settimeofday clock_settime clock_adjtime adjtimex sethostname setdomainname ioperm iopl
    sched_setscheduler sched_setattr setpriority ioprio_set lookup_dcookie nfsservctl vhangup uselib
    setsid io_setup inotify_init inotify_init1
""".split()  # noqa: SIM905

libc = ctypes.CDLL(None, use_errno=True)


class Comparison(ctypes.Structure):
    """scmp_arg_cmp of libseccomp: which argument of a call, how it is compared, and with what."""

    _fields_ = [("argument", ctypes.c_uint), ("how", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


class Filter:
    """A filter of system calls, made once in the server; `load` shuts it around the process that calls it.

    It refuses what leads out of the sandbox or around its limits: other programs, new namespaces, mounts, sockets other
    than local ones, other processes' memory, and memory that no limit counts. All else is allowed, because torch and
    NumPy need much of it.
    """

    def __init__(self):
        self.library = ctypes.CDLL("libseccomp.so.2")
        self.library.seccomp_init.restype = ctypes.c_void_p
        self.library.seccomp_load.argtypes = [ctypes.c_void_p]
        self.rules = ctypes.c_void_p(self.library.seccomp_init(ALLOW))
        self.add_rules()

    def add_rules(self):
        for name in REFUSED:
            self.refuse(name)
        self.refuse("socket", Comparison(0, NOT_EQUAL, 1, 0))  # 1: AF_UNIX, between processes of one student
        self.refuse("clone3", action=MISSING)  # no filter sees its flags, which lie in memory; libc then uses clone
        for bit in range(32):
            if NEVER_IN_CLONE >> bit & 1:
                self.refuse("clone", Comparison(0, MASKED_EQUAL, 1 << bit, 1 << bit))
        self.refuse("flock", action=PRETENDED)
        for what in (*NEVER_IN_FCNTL, *LOCKS_IN_FCNTL):  # an int: the kernel reads no more
            action = PRETENDED if what in LOCKS_IN_FCNTL else DENY
            self.refuse("fcntl", Comparison(1, MASKED_EQUAL, 0xFFFFFFFF, what), action=action)

    def refuse(self, name, *comparisons, action=DENY):
        number = self.library.seccomp_syscall_resolve_name(name.encode())
        if number == -1:  # this machine has no such call
            return
        array = (Comparison * len(comparisons))(*comparisons)
        code = self.library.seccomp_rule_add_array(self.rules, action, number, len(comparisons), array)
        if code not in (0, -33):  # EDOM: a call that this kind of processor does not have
            raise OSError(-code, f"libseccomp refuses a rule for {name}")

    def load(self):
        code = self.library.seccomp_load(self.rules)
        if code:
            raise OSError(-code, "the kernel refuses the seccomp filter")


def call(name, *arguments):
    """One call of libc, with its error as an OSError."""
    if getattr(libc, name)(*arguments) == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def become_nobody(number=65534):
    """Root gives up being root: the limit on processes binds everyone else only."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(number, number, number)
        os.setresuid(number, number, number)
        call("prctl", SET_DUMPABLE, 1, 0, 0, 0)  # or /proc/self would still be root's, and with it uid_map


def own_namespaces():
    """From here on a process forked is the first of its own: it sees and signals none but its descendants."""
    uid, gid = os.getuid(), os.getgid()
    call("unshare", sum(NEW_NAMESPACES.values()))
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


class MountAttributes(ctypes.Structure):
    """mount_attr of Linux."""

    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "user_namespace")]


def own_files(scratch, megabytes):
    """An empty folder of its own, all else read-only, and no /proc to look at others through.

    Without it, what an ordinary user's submission writes to the sandbox would stay there for the next one.
    """
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")  # where memory runs out, the kernel ends this before anything of the instructor's
    read_only = MountAttributes(set=0x1)
    call("syscall", MOUNT_SETATTR, -100, b"/", 0x8000, ctypes.byref(read_only), ctypes.sizeof(read_only))
    for folder, size in ((scratch, megabytes), ("/dev/shm", 1)):
        call("mount", b"tmpfs", folder.encode(), b"tmpfs", MOUNT_SAFELY & ~1, b"size=%dm,nr_inodes=4096" % size)
    for folder in (b"/proc", b"/dev/pts"):
        call("mount", b"tmpfs", folder, b"tmpfs", MOUNT_SAFELY, b"size=4k")


class Memory:
    """The memory of all processes of one student together, beyond what the server had already: limits count each alone.

    Made by the keeper before the fork, with a /proc that no student can cover.
    """

    def __init__(self, megabytes):
        self.most = megabytes << 20
        self.folder = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
        self.before = self.of("self")
        self.ours = {"1", str(os.getpid()), str(os.getppid())}  # bubblewrap, the keeper and the server

    def is_spent(self):
        theirs = [name for name in os.listdir(self.folder) if name.isdecimal() and name not in self.ours]
        return sum(max(0, self.of(name) - self.before) for name in theirs) > self.most

    def of(self, process):
        """Bytes that are of no file."""
        try:
            file = os.open(f"{process}/status", os.O_RDONLY, dir_fd=self.folder)
        except OSError:  # it is gone
            return 0
        with open(file) as status:
            found = dict(line.split(":", 1) for line in status)
        return sum(int(found[name].split()[0]) << 10 for name in ("RssAnon", "RssShmem") if name in found)


def limits(seconds, megabytes, disk, processes=None):
    """Limits that a process and its forks cannot lift; on processes only where it is alone in its namespace."""
    most = {"CPU": seconds, "FSIZE": disk << 20, "CORE": 0, "NOFILE": 64}
    if sys.platform == "linux":
        most |= {"AS": address_space() + (megabytes << 20), "MEMLOCK": 0, "MSGQUEUE": 0}
    if processes:
        most |= {"NPROC": processes}
    for name, value in most.items():
        number = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(number)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(number, (value, value))


def address_space():
    """Bytes that this process has mapped: torch alone is some hundred megabytes, which no student should pay for."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def let_end(number):
    """Let a signal end this process, with its number as the exit status.

    The first process of a namespace is deaf to what it does not handle.
    """
    call("signal", number, libc._exit)


def no_way_back(rules):
    """Without capabilities, without a way to new ones, under the filter; the last thing before a student's code."""
    header, nothing = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    call("capset", header, nothing)
    call("prctl", SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    call("prctl", SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    rules.load()
