import hashlib
import os
import pathlib
from types import SimpleNamespace
from unittest import mock

from support import AgentError, NodeTest


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
        self.assertEqual(error.message, "4 MB are free below /srv/silver, but 128 are needed")

    def test_inodes_count_as_room(self):
        self.assertEqual(self.refused_with(f_favail=3).message, "3 inodes are free below /srv/silver, but 2000 are needed")

    def test_what_a_dead_upload_left_goes_with_the_next(self):
        self.converge()
        for version in ("1.0.0", "1.1.0"):
            release = self.release(self.app(), version)
            held = self.lease(release)
            self.upload(held, release, self.app())
            self.die()
        self.assertEqual(os.listdir(self.paths.releases("hello")), [f"{release['id']}.partial"])
        self.assertEqual(held["token"], 2)


class Wheels(NodeTest):
    LIBRARIES = {"requirements": "a" * 64, "targets": [{"python": "3.11.2", "platform": "x86_64-manylinux_2_36"}]}

    def bring(self, version, wheels, arrived=None):
        """Prepares and lets in a release with libraries; which parts it sent."""
        app = self.app(src__wsgi_py=f"version = {version!r}\n")
        release = self.release(app, version, libraries=self.LIBRARIES)
        held = self.lease(release)
        listed = self.listing(wheels)
        digest = hashlib.sha256(listed.encode()).hexdigest()
        room = self.ask("receive", **held, release=release["id"], bundle=release["bundle"]["id"], wheels=digest)
        sent = []
        for name, place, files in (("app", room, app), ("wheels", room["wheels"], arrived or wheels)):
            if place["directory"] is None:
                continue
            sent.append(name)
            for path, content in files.items():
                target = pathlib.Path(place["directory"]) / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(content)
        arguments = {"release": release, "listing": self.listing(app), "secrets": {}, "startSeconds": 5}
        self.arguments = {**held, **arguments, "wheels": {"listing": listed, "digest": digest}}
        self.ask("prepare", **self.arguments)
        self.ask("flip", **held, release=release["id"], last=True)
        self.finish(held, release)
        return sent, f"{self.paths.release('hello', release['id'])}/wheels", room["wheels"]["linkFrom"]

    def test_they_are_held_against_their_listing_and_compiled(self):
        self.converge()
        sent, directory, _ = self.bring("1.0.0", {"six.py": "one = 1\n"})
        self.assertEqual(sent, ["app", "wheels"])
        self.assertEqual(len(os.listdir(f"{directory}/__pycache__")), 1)

    def test_the_same_set_is_not_sent_again_and_takes_no_room(self):
        self.converge()
        _, first, _ = self.bring("1.0.0", {"six.py": "one = 1\n"})
        sent, second, _ = self.bring("1.1.0", {"six.py": "one = 1\n"})
        self.assertEqual(sent, ["app"])
        self.assertTrue(os.path.samefile(f"{first}/six.py", f"{second}/six.py"))
        compiled = os.listdir(f"{first}/__pycache__")[0]
        self.assertTrue(os.path.samefile(f"{first}/__pycache__/{compiled}", f"{second}/__pycache__/{compiled}"))

    def test_another_set_is_linked_from_the_earlier_one(self):
        self.converge()
        _, first, _ = self.bring("1.0.0", {"six.py": "one = 1\n"})
        sent, _, link_from = self.bring("1.1.0", {"six.py": "one = 2\n"})
        self.assertEqual((sent, link_from), (["app", "wheels"], [first]))

    def test_a_set_that_arrived_altered_is_refused(self):
        self.converge()
        with self.assertRaises(AgentError) as caught:
            self.bring("1.0.0", {"six.py": "one = 1\n"}, {"six.py": "one = 2\n"})
        self.assertEqual((caught.exception.code, caught.exception.log), ("bundle-differs", ["six.py: other bytes"]))

    def test_a_release_with_libraries_needs_its_set(self):
        self.converge()
        self.bring("1.0.0", {"six.py": "one = 1\n"})
        held = self.lease(self.arguments["release"])
        del self.arguments["wheels"]
        self.refused("usage", "prepare", **{**self.arguments, **held})
