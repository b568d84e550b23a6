"""The start of a worker: ``python -m nn_from_scratch.verify.engines.wire.apart``, with its arguments.

Where the system allows it (Linux), the worker lives in a process namespace of its own: there is no number by
which the engine could end what asks it, and whatever it starts ends with it. Three processes make that up:

* the one that was started stays outside, and ends as the worker does, by the same status or signal;
* the namespace's first process does nothing: when it ends, the system ends all others in there;
* the worker is one of these others, for the first process of a namespace cannot be killed by itself.

Nothing that may start a thread is imported before: a process with threads enters no user namespace.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

_NEW_USERS, _NEW_PROCESSES = 0x10000000, 0x20000000  # CLONE_NEWUSER, CLONE_NEWPID of <sched.h>
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of <sys/prctl.h>


def live_apart(descriptors: tuple[int, ...]) -> None:
    """Go on in a process namespace of its own, if that is allowed; else here.

    Parameters
    ----------
    descriptors
        Those that only the worker is to hold.

    """
    die_with_parent()
    if not _enter_namespace():
        return
    first = os.fork()
    if not first:
        _stand_by(descriptors)
    worker = os.fork()
    if not worker:
        die_with_parent()
        return
    _close(descriptors)
    _, status = os.waitpid(worker, 0)
    os.kill(first, signal.SIGKILL)
    os.waitpid(first, 0)
    _end_as(status)


def die_with_parent() -> None:
    """Ask the system to end this process when its parent ends, where it can (Linux)."""
    _system("prctl", _DIE_WITH_PARENT, signal.SIGKILL.value)


def _enter_namespace() -> bool:
    """Whether the children of this process are in a namespace of their own from now on."""
    if _system("unshare", _NEW_PROCESSES):  # as root: its rights stay as they are
        return True
    return _works_in_a_child(_enter_as_user) and _enter_as_user()


def _enter_as_user() -> bool:
    """Enter a user namespace, too, in which this user is who he is."""
    user, group = os.getuid(), os.getgid()
    if not _system("unshare", _NEW_USERS | _NEW_PROCESSES):
        return False
    try:
        Path("/proc/self/setgroups").write_bytes(b"deny")
        Path("/proc/self/uid_map").write_bytes(b"%d %d 1" % (user, user))
        Path("/proc/self/gid_map").write_bytes(b"%d %d 1" % (group, group))
    except OSError:
        return False
    return True


def _works_in_a_child(enter: Callable[[], bool]) -> bool:
    """Try in a child what cannot be undone where it works by half."""
    child = os.fork()
    if not child:
        works = False
        try:
            works = enter() and _has_a_child()
        finally:
            os._exit(not works)
    return os.waitpid(child, 0)[1] == 0


def _has_a_child() -> bool:
    child = os.fork()
    if not child:
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def _stand_by(descriptors: tuple[int, ...]) -> None:
    """Be the first process of the namespace until the one outside ends."""
    die_with_parent()
    _close(descriptors)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system reaps what the engine has left behind
    while True:
        signal.pause()


def _close(descriptors: tuple[int, ...]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _end_as(status: int) -> None:
    """End as a child has ended that was waited for."""
    if not os.WIFSIGNALED(status):
        os._exit(os.WEXITSTATUS(status))
    import resource  # noqa: PLC0415  not there on every system

    number = os.WTERMSIG(status)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):  # as SIGKILL has no handler
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(128 + number)


def _system(name: str, *arguments: int) -> bool:
    """Call a function of C's library; whether there is one, and it succeeds."""
    if sys.platform != "linux":
        return False
    import ctypes  # noqa: PLC0415  nowhere else needed

    try:
        library: Any = ctypes.CDLL(None)
        return bool(library[name](*arguments) == 0)
    except (OSError, AttributeError):
        return False


if __name__ == "__main__":
    live_apart((int(sys.argv[3]), int(sys.argv[4])))
    from nn_from_scratch.verify.engines.wire.worker import main

    main(sys.argv[1:])
