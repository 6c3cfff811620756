import base64
import hashlib
import json
import os
import pathlib
import stat
from unittest import mock

from support import NodeTest

from silver import listing, units

CHECK = "[Service]\nType=oneshot\n"
FAILS = f"{CHECK}ExecStart=fails"


class Checker(NodeTest):
    def setUp(self):
        super().setUp()
        self.converge()

    def checked(self, version, check_text, **changes):
        release = self.release(self.app(), version)
        check = {"path": "conf/check.service", "mode": "0644", "content": check_text}
        return self.release(self.app(), version, files=[*release["files"], check], checker="bin/check-config", **changes)

    def test_a_content_checker_lets_the_release_start_and_leaves_nothing(self):
        release = self.checked("1.0.0", CHECK)
        held = self.lease(release)
        self.prepare(held, release, self.app())
        service = units.name("hello", release["id"], "check")
        starts = [call for call in self.machine.calls if call.startswith("systemctl start")]
        self.assertEqual(
            starts[-2:], [f"systemctl start --no-block {service}", f"systemctl start {units.name('hello', release['id'], 'web')}"]
        )
        self.assertFalse(os.path.exists(self.paths.unit(service)))

    def test_a_checker_that_refuses_stops_the_release_before_it_starts_and_its_words_are_told(self):
        first = self.roll_out()
        release = self.checked("1.1.0", FAILS, secrets={"KEY": 1})
        held = self.lease(release)
        self.upload(held, release, self.app())
        self.machine.calls.clear()
        words = {**held, "release": release, "listing": self.listing(self.app()), "secrets": {"KEY": "sesame-open"}, "startSeconds": 1}
        error = self.refused("config", "prepare", **words)
        self.assertEqual(error.message, "bin/check-config refuses the configuration (exit code 1)")
        self.assertEqual(error.fix, "correct the configuration of hello, or bin/check-config")
        self.assertEqual(error.log[-1], "ImportError: no module named nothing")
        self.assertNotIn(f"systemctl start {units.name('hello', release['id'], 'web')}", self.machine.calls)
        self.assertFalse(os.path.exists(self.paths.unit(units.name("hello", release["id"], "check"))))
        self.assertFalse(os.path.exists(self.paths.release("hello", release["id"])))
        self.assert_in_order(first)

    def test_its_words_hide_the_site_s_secrets(self):
        self.roll_out()
        release = self.checked("1.1.0", FAILS, secrets={"KEY": 1})
        held = self.lease(release)
        self.upload(held, release, self.app())
        start = self.machine.start

        def fails(name):
            done = start(name)
            self.machine.journal = ["KEY is sesame-open, which is too short"]
            return done

        self.machine.start = fails
        words = {**held, "release": release, "listing": self.listing(self.app()), "secrets": {"KEY": "sesame-open"}, "startSeconds": 1}
        self.assertEqual(self.refused("config", "prepare", **words).log, ["KEY is [secret], which is too short"])

    def test_how_a_checker_ended_is_told(self):
        for number, (result, message) in enumerate(
            [
                ("timeout", "did not end in time"),
                ("oom-kill", "used more memory than a process of the site may"),
                ("core-dump", "was ended (core-dump)"),
            ]
        ):
            with self.subTest(result):
                release = self.checked(f"1.{number}.0", f"{FAILS} {result}\n")
                held = self.lease(release)
                self.upload(held, release, self.app())
                words = {**held, "release": release, "listing": self.listing(self.app()), "secrets": {}, "startSeconds": 1}
                self.assertEqual(self.refused("config", "prepare", **words).message, f"bin/check-config {message}")
                self.die()

    def test_a_checker_that_a_dead_agent_left_is_ended_by_the_next(self):
        release = self.checked("1.0.0", CHECK)
        held = self.lease(release)
        self.upload(held, release, self.app())
        service = units.name("hello", release["id"], "check")
        self.machine.start = lambda name: self.machine.units.update({name: "activating"})
        self.node.gone = lambda: True
        from silver.errors import DriverGone

        with self.assertRaises(DriverGone):
            self.prepare(held, release, self.app())
        self.machine.units[service] = "activating"
        self.place(f"/etc/systemd/system/{service}", CHECK)
        self.die()
        self.lease(release)
        self.assertFalse(os.path.exists(self.paths.unit(service)))
        self.assertEqual(self.machine.units[service], "inactive")


class Directory(NodeTest):
    def setUp(self):
        super().setUp()
        self.converge()

    def config(self, **contents):
        contents = {name.replace("__", "/"): text.encode() for name, text in contents.items()}
        entries = [[path, "file", path == "run", hashlib.sha256(contents[path]).hexdigest()] for path in sorted(contents)]
        listing = "".join(json.dumps(entry, separators=(",", ":")) + "\n" for entry in [*entries, ["z", "link", "blog"]])
        files = {path: base64.b64encode(content).decode() for path, content in contents.items()}
        return {"listing": listing, "files": files}, {"path": "config", "digest": hashlib.sha256(listing.encode()).hexdigest()}

    def bring(self, release, config):
        held = self.lease(release)
        self.upload(held, release, self.app())
        listing = self.listing(self.app())
        return {**held, "release": release, "listing": listing, "secrets": {}, "startSeconds": 5, **({"config": config} if config else {})}

    def test_it_is_put_beside_the_app_for_the_site_alone_and_named_in_the_environment(self):
        config, place = self.config(blog="a = 1\n", sub__deep="b\n", run="#!/bin/sh\n")
        release = self.release(self.app(), configDirectory=place)
        self.ask("prepare", **self.bring(release, config))
        directory = pathlib.Path(self.paths.release("hello", release["id"]), "config")
        self.assertEqual((directory / "z").read_text(), "a = 1\n")
        modes = [stat.S_IMODE((directory / name).stat().st_mode) for name in (".", "blog", "run", "sub", "sub/deep")]
        self.assertEqual(modes, [0o750, 0o640, 0o750, 0o750, 0o640])
        self.assertIn(f'"SILVER_APP_CONFIG":"{directory}"', (directory / "../environ.json").read_text())

    def test_one_of_the_app_is_named_where_it_stands(self):
        release = self.release(self.app(), configDirectory={"path": "app/src"})
        self.ask("prepare", **self.bring(release, None))
        directory = self.paths.release("hello", release["id"])
        self.assertIn(f'"SILVER_APP_CONFIG":"{directory}/app/src"', pathlib.Path(directory, "environ.json").read_text())

    def test_other_bytes_than_the_listing_s_are_refused(self):
        config, place = self.config(blog="a = 1\n")
        release = self.release(self.app(), configDirectory=place)
        config["files"]["blog"] = base64.b64encode(b"other").decode()
        self.assertIn("blog: other bytes", self.refused("bundle-differs", "prepare", **self.bring(release, config)).message)

    def test_files_without_a_directory_in_the_release_are_refused_and_the_other_way_round(self):
        config, place = self.config(blog="a = 1\n")
        self.refused("usage", "prepare", **self.bring(self.release(self.app()), config))
        self.die()
        self.refused("usage", "prepare", **self.bring(self.release(self.app(), configDirectory=place), None))

    def test_another_configuration_is_another_release_of_the_same_files(self):
        app = self.app()
        first = self.roll_out("1.0.0", app)
        config, place = self.config(blog="a = 2\n")
        second = self.release(app, configDirectory=place)
        words = self.bring(second, config)
        held = {"site": "hello", "token": words["token"]}
        room = self.ask("receive", **held, release=second["id"], bundle=second["bundle"]["id"])
        self.assertEqual(room["directory"], None)
        with mock.patch.object(listing, "digest_of", wraps=listing.digest_of) as read:
            self.ask("prepare", **words)
        self.assertEqual([os.path.basename(call.args[0]) for call in read.call_args_list], ["blog"])
        inodes = [os.stat(f"{self.paths.release('hello', release['id'])}/app/src/wsgi.py").st_ino for release in (first, second)]
        self.assertEqual(inodes[0], inodes[1])

    def test_a_file_that_somebody_changed_on_the_node_is_read_again_and_refused(self):
        app = self.app()
        first = self.roll_out("1.0.0", app)
        path = pathlib.Path(self.paths.release("hello", first["id"]), "app/src/wsgi.py")
        path.write_text("two = 2\n")
        config, place = self.config(blog="a = 2\n")
        words = self.bring(self.release(app, configDirectory=place), config)
        self.assertIn("src/wsgi.py: other bytes", self.refused("bundle-differs", "prepare", **words).message)
