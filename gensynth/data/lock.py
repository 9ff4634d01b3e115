"""One writer at a time: every verb locks what it writes, and a second process is told which one is writing.

The operating system holds the lock, on a hidden file beside the output, `.NAME.lock`. It ends with its process, however
that ends; a killed one leaves a file that nothing locks, which the next run takes over and removes.
"""

from __future__ import annotations

import errno
import os
import shlex
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from gensynth.data.files import explained

if sys.platform == "win32":
    import msvcrt

    def _hold(file: int) -> None:
        os.lseek(file, 1 << 20, os.SEEK_SET)  # behind the text, which others may then still read
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _hold(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


BUSY = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
"""What a network drive without locks answers."""

_held: set[int] = set()
"""Descriptors of the locks that this process holds."""


@contextmanager
def locked(*paths: Path | None) -> Iterator[None]:
    """Keep other processes from writing the same files or folders until the block ends.

    Of the processes that share the work of one command, the first one holds the lock.

    Args:
        paths: What will be written; None for nothing. Of a folder that is written into for long, name a file in it.

    Raises:
        BlockingIOError: if another process writes one of them; the sentence says which.
        OSError: if they cannot be written.
    """
    with ExitStack() as stack:
        for path in paths if first_process() else ():
            if path is not None:
                stack.enter_context(_locked(path))
        yield


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    lock = path.resolve().with_name(f".{path.resolve().name}.lock")
    made = [folder for folder in lock.parents if not folder.exists()]
    try:
        with explained(path):
            if lock.parent.is_file():
                raise OSError(errno.ENOTDIR, "Not a directory")
            lock.parent.mkdir(parents=True, exist_ok=True)
            file = _take(lock, path)
        try:
            yield
        finally:
            if file in _held:
                _release(file, lock)
    finally:
        for folder in made:
            with suppress(OSError):  # it is no longer empty
                folder.rmdir()


def _take(lock: Path, path: Path) -> int:
    """Return the descriptor of a lock that is now held."""
    while True:
        file = os.open(lock, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        _held.add(file)
        try:
            _hold(file)
        except OSError as error:
            if error.errno not in NO_LOCKS:
                os.lseek(file, 0, os.SEEK_SET)
                holder = "".join(filter(str.isprintable, os.read(file, 500).decode(errors="replace")))
                _close(file)
                if error.errno not in BUSY:
                    raise
                raise BlockingIOError(
                    f"{path} is being written by {holder or 'another process'}; wait for it, or write elsewhere."
                ) from None
            print(f"{lock.parent} cannot lock files: start no second run that writes {path}.", file=sys.stderr)
        # Whoever held it may have removed it since it was opened: then it is no longer the file of that name.
        if _is_there(file, lock):
            with suppress(OSError):  # what it says is a courtesy, and the disk may be full
                os.ftruncate(file, 0)
                os.lseek(file, 0, os.SEEK_SET)
                since = time.strftime("%Y-%m-%d %H:%M:%S")
                os.write(file, f"process {os.getpid()} on {socket.gethostname()} since {since} ({command()})".encode())
            return file
        _close(file)


def _is_there(file: int, lock: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), lock.stat())
    except FileNotFoundError:
        return False


def _release(file: int, lock: Path) -> None:
    if sys.platform == "win32":  # which removes no open file
        _close(file)
        with suppress(OSError):
            lock.unlink()
    else:
        lock.unlink(missing_ok=True)  # while it is held, so that nobody can take it in between
        _close(file)


def _close(file: int) -> None:
    _held.discard(file)
    os.close(file)


def command() -> str:
    """Return the command line of this process."""
    return shlex.join(["gensynth", *sys.argv[1:]])


def first_process() -> bool:
    """Whether this is the process that does what is done once; launchers tell through the environment."""
    environment = os.environ
    rank = environment.get("RANK", environment.get("SLURM_PROCID"))
    if rank is None:
        rank = environment.get("LOCAL_RANK", "0") if environment.get("NODE_RANK", "0") == "0" else "1"
    return int(rank) == 0


def _let_go() -> None:
    """In a child that was forked: it may outlive a killed parent, whose lock it must not keep."""
    for file in list(_held):
        _close(file)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)
