import contextlib
import os
import shutil
from unittest import mock

from support import NodeTest

from silver import log_files

MEGABYTE = 1024 * 1024


class LogFiles(NodeTest):
    def setUp(self):
        super().setUp()
        self.machine.users.add("site-hello")
        os.makedirs(self.paths.site("hello"))
        self.logs = self.paths.logs("hello")
        os.makedirs(self.logs)
        self.machine.find = self.find
        for name, bound in (("MOST_BYTES", MEGABYTE), ("MOST_FILES", 20), ("MOST_DEPTH", 3)):
            patched = mock.patch.object(log_files, name, bound)
            patched.start()
            self.addCleanup(patched.stop)

    def find(self, *words):
        self.assertEqual(words, ("-P", self.logs, "-xdev", "-mindepth", "1", "-delete"))
        for name in os.listdir(self.logs):
            shutil.rmtree(f"{self.logs}/{name}") if os.path.isdir(f"{self.logs}/{name}") else os.unlink(f"{self.logs}/{name}")

    def log(self, name, kilobytes):
        path = f"{self.logs}/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            if kilobytes > 0:
                os.posix_fallocate(file.fileno(), 0, kilobytes * 1024)
        return path

    def sizes(self):
        return {name: os.stat(f"{self.logs}/{name}").st_size // 1024 for name in os.listdir(self.logs)}

    def measure(self):
        return self.ask("measure")["changes"]

    def test_the_largest_are_emptied_until_half_is_free(self):
        for name, kilobytes in (("a", 300), ("b", 400), ("c", 200), ("d", 100)):
            self.log(name, kilobytes)
        self.assertEqual(self.measure(), [])
        self.log("deep/e", 100)
        (change,) = self.measure()
        self.assertEqual(change["why"], "log files of 2 MB, 1 MB may be kept: emptied 'b' and 1 more")
        self.assertEqual(self.node.told, [("hello", change["why"])])
        self.assertEqual({**self.sizes(), "deep": 0}, {"a": 0, "b": 0, "c": 200, "d": 100, "deep": 0})
        self.assertEqual(os.stat(f"{self.logs}/deep/e").st_size, 100 * 1024)

    def test_what_is_allocated_counts_once_a_file(self):
        with open(f"{self.logs}/sparse", "wb") as file:
            file.truncate(1 << 40)
        os.link(self.log("one", 700), f"{self.logs}/two")
        self.assertEqual(self.measure(), [])

    def test_a_link_leads_nowhere(self):
        self.place("/etc/shadow", "precious" * 200_000)
        os.symlink(self.paths.at("/etc/shadow"), f"{self.logs}/large")
        os.symlink(self.paths.at("/etc"), f"{self.logs}/directory")
        os.mkfifo(f"{self.logs}/pipe")
        self.assertEqual(self.measure(), [])
        self.log("own", 1500)
        self.assertEqual(len(self.measure()), 1)
        self.assertEqual(len(self.text("/etc/shadow")), 1_600_000)

    def test_a_link_that_comes_between_the_looks_leads_nowhere(self):
        self.place("/etc/shadow", "precious")
        for path in ("large", "deep/large"):
            self.log(path, 1500)
            scan = log_files.Logs.named

            def then_swap(logs, path=path, scan=scan):
                found = scan(logs)
                first = path.split("/")[0]
                os.rename(f"{self.logs}/{first}", f"{self.logs}/away")
                os.symlink(self.paths.at("/etc/shadow" if first == path else "/etc"), f"{self.logs}/{first}")
                os.path.lexists(f"{self.logs}/{path}") or os.link(self.paths.at("/etc/shadow"), self.paths.at("/etc/large"))
                return found

            with mock.patch.object(log_files.Logs, "named", then_swap):
                self.assertEqual(self.measure(), [])
            self.assertEqual(self.text("/etc/shadow"), "precious")
            shutil.rmtree(f"{self.logs}/away") if os.path.isdir(f"{self.logs}/away") else os.unlink(f"{self.logs}/away")
            os.unlink(f"{self.logs}/{path.split('/')[0]}")

    def test_what_is_another_user_s_is_not_touched(self):
        self.log("large", 1500)
        with mock.patch.object(self.node, "ids", lambda user: (os.geteuid() + 1, 0)):
            self.assertEqual(log_files.hold(self.node, "hello"), [])
        self.assertEqual(self.sizes(), {"large": 1500})

    def test_a_deleted_file_that_is_still_written_to_counts(self):
        directory = self.paths.at("/proc/7/fd")
        os.makedirs(directory)
        with open(self.log("gone", 1500), "rb") as held:
            os.unlink(f"{self.logs}/gone")
            os.symlink(f"/proc/{os.getpid()}/fd/{held.fileno()}", f"{directory}/3")
            (change,) = self.measure()
            self.assertIn("emptied 'a deleted file'", change["why"])
            self.assertEqual(os.fstat(held.fileno()).st_size, 0)

    def test_more_files_or_deeper_ones_than_logs_are_deleted(self):
        for made in ([f"{number}" for number in range(21)], ["a/b/c/d"]):
            for name in made:
                self.log(name, 0)
            (change,) = self.measure()
            self.assertIn("all were deleted", change["why"])
            self.assertEqual(os.listdir(self.logs), [])

    def test_a_directory_that_is_none_is_left_alone(self):
        os.rmdir(self.logs)
        self.assertEqual(self.measure(), [])
        os.symlink(self.paths.at("/etc"), self.logs)
        with contextlib.suppress(FileExistsError):
            os.makedirs(self.paths.at("/etc"))
        self.assertEqual(self.measure(), [])
