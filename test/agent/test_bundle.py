import hashlib
import json
import os
import pathlib
import stat
import unittest
from unittest import mock

from support import AgentError, NodeTest

from silver import bytecode, listing, tree


def text(*entries):
    return "".join(json.dumps(entry, separators=(",", ":")) + "\n" for entry in entries)


def sha(content):
    return hashlib.sha256(content.encode()).hexdigest()


class Listings(unittest.TestCase):
    def refusal(self, *entries):
        words = text(*entries)
        with self.assertRaises(AgentError) as caught:
            listing.parse(words, sha(words))
        return caught.exception.message

    def test_a_listing_that_is_not_the_digest_s_is_refused(self):
        with self.assertRaises(AgentError) as caught:
            listing.parse(text(["a", "file", False, sha("")]), sha("another"))
        self.assertEqual(caught.exception.code, "bundle-differs")

    def test_nothing_stands_or_points_outside(self):
        for target in ("/etc/passwd", "../../x", "../../app/x", "a/../../../x"):
            self.assertIn("leads out of the app", self.refusal(["src/link", "link", target]))
        self.assertIn("does not stay inside", self.refusal(["../x", "file", False, sha("")]))
        self.assertIn("does not stay inside", self.refusal(["/x", "file", False, sha("")]))
        words = text(["src/link", "link", "../static/x"])
        self.assertEqual(listing.parse(words, sha(words))[0].target, "../static/x")

    def test_a_name_may_have_what_ends_a_line_elsewhere(self):
        words = "".join(json.dumps(["a\u2028b\u0085c", "file", False, sha("")], ensure_ascii=False) + "\n")
        self.assertEqual([entry.path for entry in listing.parse(words, sha(words))], ["a\u2028b\u0085c"])

    def test_what_is_neither_file_nor_link_is_refused(self):
        self.assertIn("neither a file nor a link", self.refusal(["x", "device", 1, 2]))


class Received(NodeTest):
    def setUp(self):
        super().setUp()
        self.tree = f"{self.root}/app"
        os.makedirs(f"{self.tree}/src")
        self.write("src/wsgi.py", "one = 1\n")
        os.symlink("src/wsgi.py", f"{self.tree}/link")
        self.words = text(["link", "link", "src/wsgi.py"], ["src/wsgi.py", "file", False, sha("one = 1\n")])
        self.entries = listing.parse(self.words, sha(self.words))

    def write(self, path, content):
        pathlib.Path(self.tree, path).write_text(content)

    def problems(self):
        try:
            listing.verify(self.tree, self.entries)
        except AgentError as error:
            return error.log
        return []

    def test_the_very_bundle_passes(self):
        self.assertEqual(self.problems(), [])

    def test_each_difference_is_named(self):
        for expected, change in [
            ("src/wsgi.py: other bytes", lambda: self.write("src/wsgi.py", "one = 2\n")),
            ("src/wsgi.py: missing", lambda: os.unlink(f"{self.tree}/src/wsgi.py")),
            ("more.py: not in the bundle", lambda: self.write("more.py", "")),
            ("empty/: not in the bundle", lambda: os.mkdir(f"{self.tree}/empty")),
            ("link: leads elsewhere", lambda: (os.unlink(f"{self.tree}/link"), os.symlink("src", f"{self.tree}/link"))),
            ("link: not a link", lambda: (os.unlink(f"{self.tree}/link"), self.write("link", ""))),
            ("src/wsgi.py: not a plain file", lambda: (os.unlink(f"{self.tree}/src/wsgi.py"), os.mkfifo(f"{self.tree}/src/wsgi.py"))),
        ]:
            with self.subTest(expected):
                self.doCleanups()
                self.setUp()
                change()
                self.assertIn(expected, self.problems())

    def test_times_follow_from_content_alone(self):
        tree.normalise(self.tree, self.entries)
        first = os.stat(f"{self.tree}/src/wsgi.py").st_mtime_ns
        os.utime(f"{self.tree}/src/wsgi.py")
        tree.normalise(self.tree, self.entries)
        self.assertEqual(os.stat(f"{self.tree}/src/wsgi.py").st_mtime_ns, first)
        self.assertNotEqual(tree.modified_nanoseconds(sha("a")), tree.modified_nanoseconds(sha("b")))
        self.assertGreater(first % 1_000_000_000, 0)

    def test_modes_follow_from_the_listing_alone(self):
        os.chmod(f"{self.tree}/src/wsgi.py", 0o4777)
        os.chmod(f"{self.tree}/src", 0o777)
        tree.normalise(self.tree, self.entries)
        self.assertEqual(stat.S_IMODE(os.stat(f"{self.tree}/src/wsgi.py").st_mode), 0o644)
        self.assertEqual(stat.S_IMODE(os.stat(f"{self.tree}/src").st_mode), 0o755)

    def test_bytecode_is_made_once_and_linked_after_that(self):
        bytecode.compile_tree(self.tree, "/srv/final", self.entries)
        compiled = next(pathlib.Path(self.tree, "src/__pycache__").iterdir())
        # PEP 552: bit 0 is "made from a hash", bit 1 "checked against the source".
        self.assertEqual(int.from_bytes(compiled.read_bytes()[4:8], "little"), 1)
        self.assertIn(b"/srv/final/src/wsgi.py", compiled.read_bytes())
        other = f"{self.root}/other"
        tree.link_from(self.tree, other, self.entries)
        self.assertEqual(bytecode.compile_tree(other, "/srv/other", self.entries, [self.tree]), 0)
        self.assertTrue(os.path.samefile(compiled, next(pathlib.Path(other, "src/__pycache__").iterdir())))

    def test_source_that_can_not_be_compiled_stops_nothing(self):
        self.write("src/wsgi.py", "def (:\n")
        self.assertEqual(bytecode.compile_tree(self.tree, "/srv/final", self.entries), 1)
        self.assertEqual(list(pathlib.Path(self.tree, "src/__pycache__").iterdir()), [])


class Compiler(unittest.TestCase):
    def test_it_runs_in_a_process_of_its_own(self):
        import tempfile

        with tempfile.TemporaryDirectory() as directory:
            pathlib.Path(directory, "one.py").write_text("one = 1\n")
            bytecode._in_a_child([(f"{directory}/one.py", f"{directory}/one.pyc", "/srv/one.py")], lambda: None)
            self.assertTrue(os.path.isfile(f"{directory}/one.pyc"))

    def test_a_source_that_takes_the_node_s_memory_is_left_and_the_others_are_compiled(self):
        import resource
        import tempfile

        with tempfile.TemporaryDirectory() as directory, mock.patch.object(bytecode, "MOST_BYTES", 128 * 1024**2):
            pathlib.Path(directory, "bomb.py").write_text(f"bomb = [{'a,' * 400_000}]\n")
            pathlib.Path(directory, "one.py").write_text("one = 1\n")
            todo = [(f"{directory}/{name}.py", f"{directory}/{name}.pyc", f"/srv/{name}.py") for name in ("bomb", "one")]
            bytecode._in_a_child(todo, lambda: None)
            self.assertEqual(sorted(name for name in os.listdir(directory) if name.endswith(".pyc")), ["one.pyc"])
        self.assertLess(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, 256 * 1024)
