"""Runs the tests of a folder and tells each result as one JSON line, so that the project's own runner counts and names them."""

import json
import sys
import unittest


class Report(unittest.TestResult):
    def tell(self, test, outcome, words=""):
        sys.stdout.write(json.dumps({"name": name(test), "outcome": outcome, "words": words}) + "\n")

    def addSuccess(self, test):
        super().addSuccess(test)
        self.tell(test, "passed")

    def addError(self, test, err):
        super().addError(test, err)
        self.tell(test, "failed", self._exc_info_to_string(err, test))

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.tell(test, "failed", self._exc_info_to_string(err, test))

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.tell(subtest, "failed", self._exc_info_to_string(err, test))


def name(test):
    """`Rollout: a first release is received`."""
    kind = type(test).__name__
    method = getattr(test, "_testMethodName", str(test))
    return f"{kind}: {method.removeprefix('test_').replace('_', ' ')}"


if __name__ == "__main__":
    suite = unittest.defaultTestLoader.discover(sys.argv[1])
    sys.exit(0 if suite.run(Report()).wasSuccessful() else 1)
