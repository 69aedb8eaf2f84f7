"""Build a container's root, then become ``lxc-start``: the program of every ``skerry-ID.service``.

Runs as ``python3 -I -S /usr/lib/skerry/launch FILE``, in a mount namespace of its own, so that every mount made here
vanishes with the unit and PID 1 never sees one. FILE holds, separated by NUL: the image's mount point, the folder of the
container's own files, where to mount its root, the first uid of its range, its LXC configuration, its name, how many
variables its program has, those as NAME=value, and its command.

``lxc-start`` is root of the host until the container's namespaces are there, so its own environment is fixed: LD_PRELOAD
of a container in it would be code of the container's as that root. The program's variables are in FILE for the engine
alone, which looks there for what it was started with; they reach the program by ``lxc.environment``.

Every start of a container waits for this program's own, so each import counts: ctypes is 3 of its 10 ms, contextlib
would be 2, and compiling this file 1, which is why ``/usr/lib/skerry/launch`` only imports it.

The overlay's lower layer is the image, the upper one the container's own files; both are reached through mounts
that shift ids 0..65535 to UID_BASE.., so that neither the image nor the container's files ever need a chown.
"""

import ctypes
import errno
import os
from stat import S_ISDIR, S_ISREG

IDS = 65536  # the ids of one container; the same number as model.addresses.IDS_PER_SLOT

# include/uapi/linux/{mount,fcntl,prctl,securebits}.h; the calls have no libc wrapper in every libc we meet
_SYS_OPEN_TREE, _SYS_MOVE_MOUNT, _SYS_MOUNT_SETATTR = 428, 429, 442
_OPEN_TREE_CLONE, _OPEN_TREE_CLOEXEC, _AT_EMPTY_PATH = 1, os.O_CLOEXEC, 0x1000
_MOVE_MOUNT_F_EMPTY_PATH = 4
_ATTR_NOSUID, _ATTR_NODEV, _ATTR_IDMAP = 2, 4, 0x00100000
_MS_NOSUID, _MS_NODEV, _MS_REC, _MS_SLAVE = 2, 4, 1 << 14, 1 << 19
_CLONE_NEWNS, _CLONE_NEWUSER = 0x20000, 0x10000000
_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP = 28, 4
_AT_FDCWD = -100

# Targets of the mounts that LXC makes; etc also gets /etc/resolv.conf.
_FOLDERS = ("dev", "etc", "proc", "sys")
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}

_libc = ctypes.CDLL(None, use_errno=True)


class _MountAttr(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("attr_set", "attr_clr", "propagation", "userns_fd")]


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def own_mounts() -> None:
    """Leave the host's mount namespace: what is mounted there arrives here, what is mounted here stays here.

    By systemd, ``PrivateMounts=`` takes 9 ms for the same.
    """
    _checked(_libc.unshare(_CLONE_NEWNS), "unshare")
    _checked(_libc.mount(None, b"/", None, _MS_REC | _MS_SLAVE, None), "mount / as slave")


def _user_namespace(uid_base: int) -> int:
    """A descriptor of a user namespace that maps 0..65535 to ``uid_base``..: it carries the shift of an idmapped mount."""
    ready_r, ready_w = os.pipe()
    done_r, done_w = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(done_w)
        os._exit(1) if _libc.unshare(_CLONE_NEWUSER) else os.write(ready_w, b"1")
        os.read(done_r, 1)
        os._exit(0)
    os.close(ready_w)
    os.read(ready_r, 1)
    for kind in ("uid", "gid"):
        with open(f"/proc/{child}/{kind}_map", "w", encoding="ascii") as file:
            file.write(f"0 {uid_base} {IDS}")
    descriptor = os.open(f"/proc/{child}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    os.close(done_w)
    os.waitpid(child, 0)
    os.close(ready_r)
    os.close(done_r)
    return descriptor


def _bind_shifted(source: str, target: str, userns: int) -> None:
    tree = _checked(
        _libc.syscall(_SYS_OPEN_TREE, _AT_FDCWD, source.encode(), _OPEN_TREE_CLONE | _OPEN_TREE_CLOEXEC),
        f"open_tree {source}",
    )
    attr = _MountAttr(attr_set=_ATTR_IDMAP | _ATTR_NODEV | _ATTR_NOSUID, userns_fd=userns)
    _checked(
        _libc.syscall(_SYS_MOUNT_SETATTR, tree, b"", _AT_EMPTY_PATH, ctypes.byref(attr), ctypes.sizeof(attr)),
        f"mount_setattr (idmap) {source}",
    )
    os.makedirs(target, mode=0o711, exist_ok=True)
    _checked(
        _libc.syscall(_SYS_MOVE_MOUNT, tree, b"", _AT_FDCWD, target.encode(), _MOVE_MOUNT_F_EMPTY_PATH),
        f"move_mount {target}",
    )
    os.close(tree)


def _become_root_inside(uid_base: int) -> None:
    """Make and mount as the container's root from here on, whose ids are the only ones that the shifted layer knows."""
    _checked(_libc.prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP, 0, 0, 0), "prctl securebits")
    _libc.setfsuid(uid_base)
    _libc.setfsgid(uid_base)


def _become_root_outside() -> None:
    _libc.setfsuid(0)
    _libc.setfsgid(0)
    _checked(_libc.prctl(_PR_SET_SECUREBITS, 0, 0, 0, 0), "prctl securebits")


def _mount_overlay(lower: str, upper: str, target: str) -> None:
    """Mount the root. By fsuid 0 the kernel would make the overlay read-only without a word."""
    options = f"lowerdir={lower},upperdir={upper}/upper,workdir={upper}/work,xino=on"
    flags = _MS_NODEV | _MS_NOSUID
    _checked(
        _libc.mount(b"overlay", target.encode(), b"overlay", flags, options.encode()),
        f"mount overlay {target}",
    )
    # Asked and not tried: a name in there may be a link of the container's, which root would follow out of it.
    if os.statvfs(target).f_flag & os.ST_RDONLY:
        raise OSError(errno.EROFS, f"mount overlay {target}: it is read-only, as where its disk is full")


def mount_root(image: str, files: str, rootfs: str, uid_base: int) -> None:
    """Mount the container's root at ``rootfs``: the image at ``image``, and above it what lies in ``files``."""
    folder, userns = os.path.dirname(rootfs), _user_namespace(uid_base)
    _bind_shifted(image, f"{folder}/lower", userns)
    _bind_shifted(files, f"{folder}/files", userns)
    os.close(userns)
    os.makedirs(rootfs, mode=0o711, exist_ok=True)
    _become_root_inside(uid_base)
    _mount_overlay(f"{folder}/lower", f"{folder}/files", rootfs)
    _prepare_targets(rootfs)
    _become_root_outside()


def _prepare_targets(rootfs: str) -> None:
    """Have what LXC mounts upon be what it must be: folders, and a plain file /etc/resolv.conf.

    LXC follows the container's links as the host's root, or refuses them. That file is a link in many images (of
    systemd-resolved, of resolvconf), so it gives way. Where nothing is wrong, nothing is written: the disk may be full.

    Raises:
        OSError: one of the folders is something else, or there is no room for what is missing.
    """
    root = os.open(rootfs, os.O_PATH | os.O_DIRECTORY)
    for name in _FOLDERS:
        mode = _mode(name, root)
        if mode is None:
            os.mkdir(name, 0o755, dir_fd=root)
        elif not S_ISDIR(mode):
            raise OSError(errno.ENOTDIR, f"/{name} of the container must be a folder, and is none")
    etc = os.open("etc", os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=root)
    mode = _mode("resolv.conf", etc)
    if mode is None or not S_ISREG(mode):
        if mode is not None:
            (os.rmdir if S_ISDIR(mode) else os.unlink)("resolv.conf", dir_fd=etc)
        os.close(os.open("resolv.conf", os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644, dir_fd=etc))
    os.close(etc)
    os.close(root)


def _mode(name: str, folder: int) -> int | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return None


def main(path: str) -> None:
    """Mount the root of the container that ``path`` describes and become its ``lxc-start``. Never returns."""
    with open(path, encoding="utf-8", newline="") as file:
        image, files, rootfs, uid_base, config, name, count, *rest = file.read().split("\0")
    own_mounts()
    mount_root(image, files, rootfs, int(uid_base))
    argv = ["lxc-start", "-F", "-n", name, "-f", config, "--", "/dev/skerry/init", "--", *rest[int(count) :]]
    os.execve("/usr/bin/lxc-start", argv, _ENVIRONMENT)
