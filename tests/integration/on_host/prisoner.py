"""The program inside a container that tries the walls, one operation a connection. Standard library of python3-minimal.

It listens on port 1071; a line names the operation, the answer is one line of JSON. What an operation does to itself
happens in a child, so that the program lives to tell.
"""

import ctypes
import json
import os
import socket

LIBC = ctypes.CDLL(None, use_errno=True)
# Calls by their x86_64 numbers, with arguments that would be harmless if they went through.
CALLS = {
    "mount": (165, b"none", b"/mnt", b"tmpfs", 0, 0),
    "unshare(CLONE_NEWUSER)": (272, 0x10000000),
    "clone(CLONE_NEWUSER)": (56, 0x10000000, 0, 0, 0, 0),
    "bpf": (321, 0, 0, 0),
    "keyctl": (250, 0, 0, 0, 0, 0),
    "add_key": (248, b"user", b"x", b"y", 1, -3),
    "io_uring_setup": (425, 1, 0),
    "perf_event_open": (298, 0, 0, -1, -1, 0),
    "userfaultfd": (323, 0),
    "kexec_load": (246, 0, 0, 0, 0),
    "init_module": (175, 0, 0, 0),
    "ptrace": (101, 0, 0, 0, 0),
    "setns": (308, -1, 0),
    "reboot": (169, 0, 0, 0, 0),
    "swapon": (167, b"/x", 0),
    "pivot_root": (155, b"/", b"/"),
    "open_by_handle_at": (304, -1, 0, 0),
    "process_vm_readv": (310, 1, 0, 0, 0, 0, 0),
    "clone3": (435, 0, 0),
    "a call of tomorrow": (470, 0),
}


def syscalls() -> dict:
    """What each dangerous call answers: the name of its errno, or "went through"."""
    found = {}
    for name, (number, *arguments) in CALLS.items():
        result = LIBC.syscall(number, *[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments])
        if result == 0 and "clone" in name:
            os._exit(0)  # the child of a clone that went through
        found[name] = "went through" if result >= 0 else errno_name(ctypes.get_errno())
    return found


def errno_name(number: int) -> str:
    names = {1: "EPERM", 38: "ENOSYS", 13: "EACCES", 14: "EFAULT", 22: "EINVAL", 97: "EAFNOSUPPORT"}
    return names.get(number, str(number))


SOCKET, SOCKETPAIR = 41, 53
SOCKET_32, SOCKETCALL_32 = 359, 102
STREAM, DATAGRAM, NETLINK = 1, 2, 16
FAMILIES = [
    *range(46),
    *(2**32 + n for n in (1, 10, 16, 38, 40)),
]  # the kernel looks at the lower 32 bits only


def families() -> dict:
    """What a socket of each address family answers, by both entries into the kernel."""
    return {
        "socket": {n: answer(SOCKET, n, DATAGRAM, 0) for n in FAMILIES},
        "socketpair": {n: answer(SOCKETPAIR, n, STREAM, 0, ctypes.create_string_buffer(8)) for n in FAMILIES},
        "netlink": {n: answer(SOCKET, NETLINK, DATAGRAM, n) for n in range(32)},
        "32-bit": in_32_bits(),
    }


def answer(number: int, *arguments) -> str:
    """What a system call answers: the name of its errno, or "went through"."""
    result = LIBC.syscall(number, *[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments])
    if result < 0:
        return errno_name(ctypes.get_errno())
    if number == SOCKET:
        os.close(result)
    return "went through"


def in_32_bits() -> dict:
    """The same by int 0x80; None where the kernel has no such entry and ends the process."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, json.dumps(ask_in_32_bits()).encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as stream:
        return json.loads(stream.read() or "null")


def ask_in_32_bits() -> dict:
    LIBC.mmap.restype = ctypes.c_void_p
    low = LIBC.mmap(None, 4096, 7, 0x62, -1, 0)  # private, anonymous, below 2 GiB; written to and executed
    # push rbx; mov eax, edi; mov ebx, esi; xchg ecx, edx; int 0x80; pop rbx; ret
    ctypes.memmove(low, bytes.fromhex("53 89f8 89f3 87d1 cd80 5b c3"), 11)
    call = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_uint] * 4)(low)

    def say(number: int, *arguments: int) -> str:
        result = call(number, *arguments)
        if result < 0:
            return errno_name(-result)
        os.close(result)
        return "went through"

    def packed(*arguments: int) -> int:
        ctypes.memmove(low + 2048, (ctypes.c_uint * 3)(*arguments), 12)
        return low + 2048

    return {
        "socket": {n: say(SOCKET_32, n, DATAGRAM, 0) for n in range(46)},
        "netlink": {n: say(SOCKET_32, NETLINK, DATAGRAM, n) for n in range(32)},
        "socketcall": {n: say(SOCKETCALL_32, 1, packed(n, DATAGRAM, 0), 0) for n in (1, 2, 38, 40)},
    }


def who() -> dict:
    status = dict(line.split(":", 1) for line in read("/proc/self/status").splitlines())
    fields = ("Uid", "CapEff", "CapBnd", "NoNewPrivs", "Seccomp")
    return {name: status[name].split()[0] for name in fields} | {
        "uid_map": open("/proc/self/uid_map").read().split(),
        "apparmor": read("/proc/self/attr/current"),
        "devices": sorted(os.listdir("/dev")),
        "root": next(line.split()[3] for line in open("/proc/self/mounts") if line.split()[1] == "/"),
        "environment": dict(os.environ),
    }


def read(path: str) -> str:
    try:
        return open(path).read().strip("\0\n")
    except OSError as error:
        return errno_name(error.errno or 0)


def in_child(operation) -> dict:
    """How a child that does ``operation`` ends."""
    child = os.fork()
    if child == 0:
        operation()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return {"signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0, "code": os.WEXITSTATUS(status)}


def hog() -> dict:
    return in_child(lambda: [bytearray(b"x" * 1024 * 1024) for _ in range(400)])


def forks() -> dict:
    children = []
    try:
        while len(children) < 2000:
            child = os.fork()
            if child == 0:
                LIBC.pause()
                os._exit(0)
            children.append(child)
    except OSError as error:
        problem = os.strerror(error.errno or 0)
    else:
        problem = ""
    for child in children:
        os.kill(child, 9)
        os.waitpid(child, 0)
    return {"forked": len(children), "problem": problem}


def fill() -> dict:
    """Write until nothing more goes in; the bytes that did."""
    written, block = 0, os.urandom(1024 * 1024)
    handle = os.open("/fill", os.O_CREAT | os.O_WRONLY)
    try:
        while written < 4 * 1024**3:
            written += os.write(handle, block)
            os.fsync(handle)
    except OSError as error:
        problem = os.strerror(error.errno or 0)
    else:
        problem = ""
    os.close(handle)
    os.unlink("/fill")
    return {"bytes": written, "problem": problem}


def inodes() -> dict:
    """Files of the image and of the upper layer that show the same (st_dev, st_ino) without being the same file."""
    for number in range(200):
        with open(f"/root/new-{number}", "w") as file:
            file.write("upper")
    os.chmod("/etc/passwd", 0o644)  # copied up
    seen, doubles, count = {}, [], 0
    for folder, _, names in os.walk("/"):
        if folder.startswith(("/proc", "/sys", "/dev")):
            continue
        for name in names:
            path = f"{folder}/{name}"
            found = os.lstat(path)
            key = (found.st_dev, found.st_ino)
            if key in seen and found.st_nlink == 1:
                doubles.append([seen[key], path])
            seen[key], count = path, count + 1
    return {"files": count, "doubles": doubles[:10]}


OPERATIONS = {
    operation.__name__: operation for operation in (syscalls, families, who, hog, forks, fill, inodes)
}


def main() -> None:
    server = socket.create_server(("", 1071))
    while True:
        connection, _ = server.accept()
        with connection, connection.makefile("rw") as stream:
            operation = OPERATIONS.get(stream.readline().strip())
            if operation is not None:
                stream.write(json.dumps(operation()) + "\n")


main()
