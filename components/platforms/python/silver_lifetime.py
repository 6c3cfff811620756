"""When a process ends, and how another takes its place before."""

import fcntl
import itertools
import os
import resource
import signal
import threading
import traceback


class Place:
    """One of the release's places, as many as it has processes that serve. Its Apache starts one process more, which waits without
    the app. A process that is due gives its place to the waiting one, and goes once that one has loaded the app: all places
    are served at any time, and one process is replaced after another.

    Locks on single bytes of one file tell who is what. The kernel frees them with their process, however it ends.
    """

    WAITING, TURN, FIRST = range(3)
    ENDING = (signal.SIGTERM, signal.SIGINT)
    LOOK_SECONDS = 0.5

    def __init__(self, places):
        self.places = range(self.FIRST, self.FIRST + places)
        path = os.path.join(os.environ["RUNTIME_DIRECTORY"], "places")
        self.file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.given = False
        own = self.take()
        self.waited = own is None
        self.own = self.wait() if self.waited else own

    def lock(self, byte):
        try:
            fcntl.lockf(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
        except (BlockingIOError, PermissionError):
            return False
        return True

    def unlock(self, byte):
        fcntl.lockf(self.file, fcntl.LOCK_UN, 1, byte)

    def take(self):
        return next((byte for byte in self.places if self.lock(byte)), None)

    def wait(self):
        """Looks for a free place. Until the app is loaded, mod_wsgi does not react to signals: this does."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, self.ENDING)
        own = None
        while own is None:
            self.lock(self.WAITING)
            if signal.sigtimedwait(self.ENDING, self.LOOK_SECONDS) is not None:
                os._exit(0)
            own = self.take()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return own

    def loaded(self):
        """From now on this process serves."""
        self.unlock(self.WAITING)

    def failed(self):
        """The app could not be loaded: whoever gave this place takes it back. At a release's start mod_wsgi tells the error instead."""
        if self.waited:
            traceback.print_exc()
            os._exit(1)

    def awaited(self):
        """Whether a process waits, or is loading the app."""
        if not self.lock(self.WAITING):
            return True
        self.unlock(self.WAITING)
        return False

    def give(self):
        """Gives the place to the process that waits: not when there is none, nor while another process gives its own."""
        if not self.lock(self.TURN):
            return
        self.given = self.awaited()
        self.unlock(self.own if self.given else self.TURN)

    def taken(self):
        """Whether the other process serves. Takes the place back when that one failed."""
        if self.awaited():
            return False
        if self.lock(self.own):
            self.given = False
            self.unlock(self.TURN)
        return self.given

    def share(self):
        """The part of its life that a process gets. The first ones of a release start together, and would be due together ever after."""
        first = os.pread(self.file, 1, self.own) != b"1"
        os.pwrite(self.file, b"1", self.own)
        return (self.own - self.FIRST + 1) / len(self.places) if first else 1


class Life:
    """How long the process may live: for its number of requests, and until its data nears the limit that mod_wsgi set (RLIMIT_DATA),
    from which no process recovers."""

    DUE, OVER = 0.9, 0.96

    def __init__(self, place, requests):
        self.share = place.share()
        self.place = place
        self.served = itertools.count(1)
        self.requests = requests * self.share
        self.page = resource.getpagesize()
        self.statm = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
        # Without a limit it is the largest of all numbers.
        self.limit = resource.getrlimit(resource.RLIMIT_DATA)[0] % (1 << 64)
        self.before = None
        self.turn = threading.Lock()
        self.sent = set()

    def used(self):
        return int(os.pread(self.statm, 128, 0).split()[5]) * self.page

    def check(self, errors):
        """Called after each request. A process that is due goes on until another serves in its place, and then until it is idle."""
        served, used = next(self.served), self.used()
        if self.before is None:
            # Now, and not at the start: the stacks of mod_wsgi's threads count, which start once the app is loaded.
            # `before` last: another thread takes it as the sign that both are there.
            self.due = used + (self.limit * self.DUE - used) * self.share
            self.before = used
        before, self.before = self.before, used
        # Near the limit the next request may take as much as this one; far from it an app may still be loading what it needs.
        if used > self.limit * self.DUE and max(used / self.OVER, 2 * used - before) > self.limit:
            self.end(signal.SIGTERM, errors, self.told(used))
        elif (used > self.due or served >= self.requests or self.place.given) and self.turn.acquire(blocking=False):
            try:
                if not self.place.given:
                    self.place.give()
                elif self.place.taken():
                    self.end(signal.SIGUSR1, errors, self.told(used) if used > self.due else None)
            finally:
                self.turn.release()

    def told(self, used):
        return f"uses {used >> 20} MB of the {self.limit >> 20} MB it may"

    def end(self, by, errors, why):
        """SIGUSR1: once idle; SIGTERM: takes no more requests, and gives those it has two seconds. An ordinary end needs no word."""
        if by in self.sent:
            return
        self.sent.add(by)
        if why is not None:
            print(f"silver: process {os.getpid()} {why}: replacing it", file=errors, flush=True)
        os.kill(os.getpid(), by)
