import errno
import os
import stat
import tempfile
import unittest
from unittest import mock

from support import AgentError

from silver import files


class Files(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = f"{directory.name}/file"

    def test_a_file_is_written_only_when_it_differs_and_says_why(self):
        self.assertEqual(files.write(self.path, "one"), "missing")
        before = os.stat(self.path).st_ino
        self.assertIsNone(files.write(self.path, "one"))
        self.assertEqual(os.stat(self.path).st_ino, before)
        self.assertEqual(files.write(self.path, "two"), "content differs")
        self.assertEqual(files.write(self.path, "two", 0o600), "mode 0644, should be 0600")
        self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o600)

    def test_two_processes_may_write_one_file_at_a_time(self):
        def other():
            with mock.patch("os.getpid", return_value=os.getppid()):
                files.write(self.path, "other")

        rename = os.rename

        def interrupted(new, path):
            renamed.side_effect = rename
            other()
            rename(new, path)

        with mock.patch("os.rename", side_effect=interrupted) as renamed:
            files.write(self.path, "own")
        with open(self.path) as file:
            self.assertEqual(file.read(), "own")
        self.assertEqual(os.listdir(os.path.dirname(self.path)), ["file"])

    def test_what_a_killed_process_left_half_written_is_cleared(self):
        left = f"{os.path.dirname(self.path)}/.file.4194305.new"
        files.write(left, "half")
        files.write(self.path, "whole")
        self.assertFalse(os.path.exists(left))

    def test_the_first_to_write_a_file_stays(self):
        self.assertTrue(files.write_first(self.path, "one"))
        self.assertFalse(files.write_first(self.path, "two"))
        with open(self.path) as file:
            self.assertEqual(file.read(), "one")
        self.assertEqual(os.listdir(os.path.dirname(self.path)), ["file"])

    def test_a_planted_link_is_replaced_and_not_followed(self):
        target = f"{self.path}.target"
        files.write(target, "precious")
        os.symlink(target, self.path)
        self.assertEqual(files.write(self.path, "new"), "not a plain file")
        with open(target) as file:
            self.assertEqual(file.read(), "precious")

    def test_a_failed_write_leaves_the_old_file_and_nothing_else(self):
        files.write(self.path, "old")
        with mock.patch("os.fsync", side_effect=OSError(errno.EIO, "I/O error")), self.assertRaises(OSError):
            files.write(self.path, "new")
        with open(self.path) as file:
            self.assertEqual(file.read(), "old")
        self.assertEqual(os.listdir(os.path.dirname(self.path)), ["file"])

    def test_the_reserve_is_given_up_when_the_disk_is_full(self):
        reserve = f"{self.path}.reserve"
        with mock.patch.object(files, "RESERVE_BYTES", 4096):
            self.assertTrue(files.keep_reserve(reserve))
            self.assertFalse(files.keep_reserve(reserve))
        real = files._replace

        def full(*words):
            if os.path.exists(reserve):
                raise OSError(errno.ENOSPC, "No space left on device")
            real(*words)

        with mock.patch.object(files, "_replace", full):
            files.write(self.path, "the end of a rollout")
        self.assertFalse(os.path.exists(reserve))
        with open(self.path) as file:
            self.assertEqual(file.read(), "the end of a rollout")

    def test_a_torn_line_spoils_no_other(self):
        files.append_line(self.path, {"n": 1})
        with open(self.path, "a") as file:
            file.write('{"n": 2, "to')
        self.assertEqual(files.read_lines(self.path), [{"n": 1}])
        files.append_line(self.path, {"n": 3})
        self.assertEqual(files.read_lines(self.path), [{"n": 1}, {"n": 3}])

    def test_a_damaged_record_is_told_by_its_name(self):
        files.write(self.path, "{")
        with self.assertRaises(AgentError) as caught:
            files.read_json(self.path)
        self.assertEqual(caught.exception.message, f"{self.path} is not JSON")

    def test_a_tree_goes_by_its_name_first(self):
        os.makedirs(f"{self.path}/deep")
        with mock.patch("shutil.rmtree", side_effect=KeyboardInterrupt), self.assertRaises(KeyboardInterrupt):
            files.remove_tree(self.path)
        self.assertEqual(os.listdir(os.path.dirname(self.path)), ["file.gone"])
        self.assertTrue(files.remove_tree(f"{self.path}.gone"))
        self.assertFalse(files.remove_tree(self.path))

    def test_a_directory_gets_its_mode(self):
        self.assertTrue(files.make_directory(self.path, 0o750))
        os.chmod(self.path, 0o777)
        self.assertTrue(files.make_directory(self.path, 0o750))
        self.assertFalse(files.make_directory(self.path, 0o750))
        self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o750)

    def test_a_file_in_the_place_of_a_directory_is_refused(self):
        files.write(self.path, "")
        with self.assertRaises(AgentError) as caught:
            files.make_directory(self.path)
        self.assertEqual(caught.exception.code, "file")
