"""An answer over HTTP from whoever may have something in mind with it: no part of it is read without an end."""

import http.client


class Answer(http.client.HTTPResponse):
    """Python takes a chunk of the size -1 for all that follows, and would hold it in memory."""

    def begin(self):
        super().begin()
        # None where it has no body.
        if self.fp is not None:
            self.fp = Bounded(self.fp)


class Bounded:
    """What is read of an answer, by nothing but sizes."""

    def __init__(self, source):
        self.source = source

    def __getattr__(self, name):
        return getattr(self.source, name)

    def read(self, size=-1):
        if size is None or size < 0:
            raise http.client.IncompleteRead(b"")
        return self.source.read(size)
