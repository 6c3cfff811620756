import pathlib
import re
import unittest

import support  # noqa: F401

import silver
from silver.lines import lines_of

# It hides the lines of a secret, however whoever prints it ends them.
ALLOWED = {"lines.py", "redact.py"}


class Lines(unittest.TestCase):
    def test_they_end_at_line_feeds_alone(self):
        self.assertEqual(lines_of(""), [])
        self.assertEqual(lines_of("\n"), [""])
        self.assertEqual(lines_of("a\u2028b\n\nc"), ["a\u2028b", "", "c"])
        self.assertEqual(lines_of("a\n\n"), ["a", ""])

    def test_the_agent_ends_them_nowhere_in_another_way(self):
        sources = pathlib.Path(silver.__file__).parent.rglob("*.py")
        found = [path.name for path in sources if re.search(r"splitlines\b", path.read_text())]
        self.assertEqual(sorted(set(found) - ALLOWED), [])
