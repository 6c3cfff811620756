"""Python bytecode, made once when a release comes, so that no request pays for it and no process of the site needs to write.

`unchecked-hash`: Python takes it without looking at the source's time, which says nothing here (see tree.py).
"""

import importlib.util
import os
import time

# An app that keeps the compiler busy longer than this runs from source.
MOST_SECONDS = 120
POLL_SECONDS = 0.02


def sources(tree, entries):
    """(source, bytecode) of every Python file of a bundle."""
    for entry in entries:
        if entry.sha256 is not None and entry.path.endswith(".py"):
            path = f"{tree}/{entry.path}"
            yield path, importlib.util.cache_from_source(path)


def compile_tree(tree, final, entries, earlier=(), waiting=lambda: None):
    """Makes what is missing. Where a source is the very file of an earlier release, its bytecode is linked too.

    `final`: where the tree will stand, which is what tracebacks show. `waiting` is called while it is at work.
    """
    todo = []
    for source, compiled in sources(tree, entries):
        os.makedirs(os.path.dirname(compiled), mode=0o755, exist_ok=True)
        inside = os.path.relpath(source, tree)
        if not any(_link(old, inside, source, compiled) for old in earlier):
            todo.append((source, compiled, f"{final}/{inside}"))
    if todo:
        _in_a_child(todo, waiting)
    return len(todo)


def _link(old, inside, source, compiled):
    before = f"{old}/{inside}"
    try:
        if not os.path.samefile(before, source):
            return False
        os.link(importlib.util.cache_from_source(before), compiled)
        return True
    except OSError:
        return False


def _in_a_child(todo, waiting):
    """Source is an app's: one that crashes Python's compiler must not take the agent with it."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            import resource
            import signal

            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
            _compile(todo)
            code = 0
        finally:
            os._exit(code)
    while os.waitpid(child, os.WNOHANG)[0] == 0:
        time.sleep(POLL_SECONDS)
        waiting()


def _compile(todo):
    import contextlib
    import py_compile

    for source, compiled, shown in todo:
        # What does not compile is told by the app when it is imported, in its own words.
        with contextlib.suppress(py_compile.PyCompileError, OSError, ValueError, RecursionError, MemoryError):
            py_compile.compile(
                source,
                cfile=compiled,
                dfile=shown,
                doraise=True,
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )
