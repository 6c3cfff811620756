"""Python bytecode, compiled once when a release arrives, so that no request pays for it and no process of the site needs to write.

`unchecked-hash`: Python uses it without checking the source's time, which means nothing here (see tree.py).
"""

import importlib.util
import os
import time

# An app that takes longer than this to compile runs from source.
MOST_SECONDS = 120
# Memory of the compiler, which is root's and in no site's limits: it takes a gigabyte for some 2 MB of source. A file for which this is
# not enough runs from source, too, and is compiled by the app's own processes.
MOST_BYTES = 512 * 1024**2
POLL_SECONDS = 0.02


def sources(tree, entries):
    """(source, bytecode) of every Python file of a bundle."""
    for entry in entries:
        if entry.sha256 is not None and entry.path.endswith(".py"):
            path = f"{tree}/{entry.path}"
            yield path, importlib.util.cache_from_source(path)


def compile_tree(tree, final, entries, earlier=(), waiting=lambda: None):
    """Compiles what is missing. Where a source file is linked from an earlier release, so is its bytecode.

    `final`: where the tree will end up, which tracebacks show. `waiting` is called while it works.
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
    """Compiles in another process: an app's source may crash Python's compiler, but not the agent."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            import resource
            import signal

            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
            resource.setrlimit(resource.RLIMIT_DATA, (MOST_BYTES, MOST_BYTES))
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
        # Skip what does not compile: importing it will raise the app's own error.
        with contextlib.suppress(py_compile.PyCompileError, OSError, ValueError, RecursionError, MemoryError):
            py_compile.compile(
                source,
                cfile=compiled,
                dfile=shown,
                doraise=True,
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )
