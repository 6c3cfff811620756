import errno
import os
from unittest import mock

from support import PNG, BookTest

from guestbook import pictures


class Picture(BookTest):
    def test_is_kept_under_the_digest_of_its_bytes_once(self):
        name = pictures.keep(PNG + b"one")
        self.assertRegex(name, r"^[0-9a-f]{64}\.png$")
        self.assertEqual(pictures.keep(PNG + b"one"), name)
        self.assertEqual([file.name for file in self.files.iterdir()], [name])
        path, kind = pictures.find(name)
        self.assertEqual((path.read_bytes(), kind), (PNG + b"one", "image/png"))

    def test_none_is_none(self):
        self.assertIsNone(pictures.keep(b""))

    def test_its_kind_is_told_by_its_bytes(self):
        kinds = {PNG: ".png", b"\xff\xd8\xff\xe0": ".jpg", b"GIF87a": ".gif", b"GIF89a": ".gif", b"RIFF\0\0\0\0WEBP": ".webp"}
        self.assertEqual({start: pictures.ending_of(start + b"...") for start in kinds}, kinds)
        for content in [b"<svg/>", b"<!doctype html>", b"RIFF\0\0\0\0WAVE", b"\x89PN"]:
            self.assertIsNone(pictures.ending_of(content))

    def test_one_byte_above_the_most_is_refused(self):
        self.assertIsNotNone(pictures.keep(PNG.ljust(pictures.MOST_BYTES, b"\0")))
        with self.assertRaisesRegex(pictures.Refused, "too large"):
            pictures.keep(PNG.ljust(pictures.MOST_BYTES + 1, b"\0"))

    def test_a_full_directory_is_told_in_words_and_leaves_nothing_behind(self):
        full = mock.patch("os.fsync", side_effect=OSError(errno.ENOSPC, "full"))
        with full, self.assertRaisesRegex(pictures.Refused, "no room"):
            pictures.keep(PNG)
        self.assertEqual(list(self.files.iterdir()), [])

    def test_another_failure_of_the_disk_is_no_mistake_of_a_person(self):
        with mock.patch("os.fsync", side_effect=OSError(errno.EIO, "broken")), self.assertRaises(OSError):
            pictures.keep(PNG)
        self.assertEqual(list(self.files.iterdir()), [])

    def test_no_name_leads_to_another_file(self):
        (self.files / "secret").write_text("no picture")
        for name in ["secret", "../secret", "", ".", "a" * 64 + ".png", "A" * 64 + ".png", "a" * 64 + ".html"]:
            self.assertIsNone(pictures.find(name))
            self.assertIsNone(pictures.find_thumbnail(name))


class Work(BookTest):
    """What is done beside the requests."""

    def made(self, content):
        name = pictures.keep(PNG + content)
        pictures.keep_thumbnail(name, b"small")
        return name

    def age(self):
        for file in self.files.rglob("*"):
            os.utime(file, (1000, 1000))

    def left(self):
        return sorted(file.name for file in self.files.rglob("*") if file.is_file())

    def test_what_has_no_thumbnail_is_to_be_done_once(self):
        name = pictures.keep(PNG)
        (self.files / "tmpabc").write_bytes(b"half")
        self.assertEqual(pictures.without_thumbnail(), [name])
        pictures.keep_thumbnail(name, b"small")
        self.assertEqual(pictures.without_thumbnail(), [])

    def test_what_no_entry_shows_is_taken_away_once_it_is_old(self):
        shown, lost = self.made(b"shown"), self.made(b"lost")
        for name in ("tmpabc", "note", "thumbnails/tmpdef"):
            (self.files / name).write_bytes(b"")
        self.age()
        fresh = self.made(b"fresh")
        half, other = "tmpabc", "tmpdef"
        self.assertEqual(sorted(pictures.tidy([shown], 2000)), sorted([lost, half, other, f"{lost[:64]}.webp"]))
        self.assertEqual(self.left(), sorted(["note", shown, fresh, f"{shown[:64]}.webp", f"{fresh[:64]}.webp"]))

    def test_a_picture_that_is_sent_once_more_is_new_again(self):
        name = self.made(b"again")
        self.age()
        pictures.keep(PNG + b"again")
        pictures.tidy([], 2000)
        self.assertEqual(self.left(), [name])
