import os
from types import SimpleNamespace
from unittest import mock

from support import NodeTest


class Room(NodeTest):
    def refused_with(self, **room):
        self.converge()
        release = self.release(self.app())
        held = self.lease(release)
        plenty = {"f_bavail": 10**9, "f_frsize": 4096, "f_files": 10**6, "f_favail": 10**6}
        with mock.patch.object(os, "statvfs", lambda path: SimpleNamespace(**{**plenty, **room})):
            return self.refused("no-space", "receive", **held, release=release["id"], bundle=release["bundle"]["id"])

    def test_an_upload_with_no_room_for_it_is_refused_before_it_begins(self):
        error = self.refused_with(f_bavail=1024)
        self.assertEqual(error.message, "4 MB are free below /srv/silver, 128 are needed")

    def test_inodes_count_as_room(self):
        self.assertEqual(self.refused_with(f_favail=3).message, "3 inodes are free below /srv/silver, 2000 are needed")

    def test_what_a_dead_upload_left_goes_with_the_next(self):
        self.converge()
        for version in ("1.0.0", "1.1.0"):
            release = self.release(self.app(), version)
            held = self.lease(release)
            self.upload(held, release, self.app())
            self.die()
        self.assertEqual(os.listdir(self.paths.releases("hello")), [f"{release['id']}.partial"])
        self.assertEqual(held["token"], 2)
