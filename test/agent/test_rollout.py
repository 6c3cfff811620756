import os
import pathlib
import stat
from unittest import mock

from support import NodeTest

from silver import history, releases, state, unit, units


class Rollout(NodeTest):
    def setUp(self):
        super().setUp()
        self.converge()

    def test_a_first_release_is_received_started_and_let_in(self):
        app = self.app()
        release = self.release(app)
        held = self.lease(release)
        self.prepare(held, release, app)
        self.assertIsNone(self.machine.serves())
        self.assertEqual(self.site_state()["releases"][0]["units"], [{"name": f"silver-web-hello@{release['id']}.service", "active": True}])
        self.assertEqual(self.ask("flip", **held, release=release["id"], last=True)["previous"], None)
        self.assertEqual(self.finish(held, release)["live"], release["id"])
        self.assert_in_order(release)

    def test_a_release_s_files_are_filled_in_and_closed_to_others(self):
        release = self.roll_out(variables={"GREETING": "@PORT@"}, secrets={})
        directory = self.paths.release("hello", release["id"])
        place = self.site_state()["releases"][0]
        self.assertEqual(
            pathlib.Path(directory, "conf/site.vcl").read_text(), f"vcl 4.1; r_hello_{release['digest'][:8]} {place['address']}"
        )
        environ = pathlib.Path(directory, "environ.json")
        self.assertIn('"GREETING":"@PORT@"', environ.read_text())
        self.assertIn(f'"SILVER_INSTANCE_NAME":"{release["id"]}"', environ.read_text())
        self.assertEqual(stat.S_IMODE(environ.stat().st_mode), 0o640)
        self.assertEqual(stat.S_IMODE(os.stat(self.paths.site("hello")).st_mode), 0o750)

    def test_the_same_release_again_changes_nothing(self):
        release = self.roll_out()
        self.machine.calls.clear()
        held = self.lease(release)
        room = self.upload(held, release, self.app())
        self.assertEqual(room["directory"], None)
        self.assertEqual(self.prepare(held, release, self.app())["changes"], [])
        self.assertEqual(self.ask("flip", **held, release=release["id"], last=True)["changes"], [])
        self.assertEqual(self.finish(held, release, "unchanged")["serial"], 1)
        self.assertEqual([call for call in self.machine.calls if "systemctl start" in call], [])

    def test_a_live_release_that_died_is_started_again(self):
        release = self.roll_out()
        self.machine.stop(units.name("hello", release["id"], "web"))
        held = self.lease(release)
        changes = self.prepare(held, release, self.app())["changes"]
        self.assertEqual(changes, [{"what": units.name("hello", release["id"], "web"), "why": "did not run"}])

    def test_a_live_release_whose_label_was_lost_gets_it_back(self):
        release = self.roll_out()
        vcl = f"r_hello_{release['digest'][:8]}"
        self.machine.labels["site_hello"] = next(name for name in self.machine.vcls if name.startswith("s503_"))
        self.machine.vcls.pop(vcl)
        os.unlink(self.paths.vcl(vcl))
        self.prepare(self.lease(release), release, self.app())
        self.assert_in_order(release)

    def test_the_next_release_keeps_the_previous_one_warm(self):
        first = self.roll_out("1.0.0")
        second = self.roll_out("1.1.0")
        self.assert_in_order(second)
        seen = self.site_state()
        self.assertEqual((seen["previous"], seen["serial"]), (first["id"], 2))
        self.assertEqual([release["units"][0]["active"] for release in seen["releases"]], [True, True])
        self.assertEqual(self.machine.timers, {f"silver-retire-hello@{first['id']}": 600})
        line = history.last(self.node, "hello")
        self.assertEqual((line["who"], line["from"], line["to"], line["verdict"]), ("anna@laptop", first["id"], second["id"], "live"))

    def test_a_retired_release_is_drained_stopped_and_comes_back_when_asked_for(self):
        from silver.retire import retire

        first, second = self.roll_out("1.0.0"), self.roll_out("1.1.0")
        retire(self.node, "hello", first["id"])
        self.assertEqual([release["units"][0]["active"] for release in self.site_state()["releases"]], [True, False])
        self.assertFalse(unit.enabled(self.node, units.name("hello", first["id"], "web")))
        self.assertEqual(self.roll_out("1.0.0"), first)
        self.assert_in_order(first)
        self.assertEqual(self.site_state()["previous"], second["id"])

    def test_a_release_that_serves_again_is_not_retired(self):
        from silver.retire import retire

        first = self.roll_out("1.0.0")
        self.roll_out("1.1.0")
        self.roll_out("1.0.0")
        retire(self.node, "hello", first["id"])
        self.assert_in_order(first)

    def test_what_is_beyond_retain_goes_with_its_vcl_address_and_files(self):
        from silver.retire import retire

        released = [self.roll_out(f"1.{number}.0") for number in range(4)]
        for release in released[:3]:
            retire(self.node, "hello", release["id"])
        self.assertEqual([release["id"] for release in self.site_state()["releases"]], [release["id"] for release in released[:0:-1]])
        gone = released[0]
        self.assertFalse(os.path.exists(self.paths.release("hello", gone["id"])))
        self.assertFalse(os.path.exists(self.paths.unit(units.name("hello", gone["id"], "web"))))
        self.assertNotIn(f"r_hello_{gone['digest'][:8]}", self.machine.vcls)
        self.assertNotIn(f"hello/{gone['id']}", self.text("/var/lib/silver/addresses.json"))

    def test_equal_files_of_releases_are_one_file_and_modes_of_older_ones_stay(self):
        self.roll_out("1.0.0", self.app(src__wsgi_py="one = 1\n", bin__run="#!/bin/sh\n"))
        app = self.app(src__wsgi_py="two = 2\n", bin__run="#!/bin/sh\n")
        release = self.release(app, "1.1.0")
        held = self.lease(release)
        room = self.upload(held, release, {"src/wsgi.py": "two = 2\n"})
        old = pathlib.Path(room["linkFrom"][0], "bin/run")
        new = pathlib.Path(room["directory"], "bin/run")
        new.parent.mkdir()
        new.hardlink_to(old)
        listing = self.listing(app).replace('["bin/run","file",false', '["bin/run","file",true')
        import hashlib

        release["bundle"]["digest"] = hashlib.sha256(listing.encode()).hexdigest()
        self.ask("prepare", **held, release=release, listing=listing, secrets={}, startSeconds=5)
        modes = [stat.S_IMODE(os.stat(path).st_mode) for path in (old, f"{self.paths.release('hello', release['id'])}/app/bin/run")]
        self.assertEqual(modes, [0o644, 0o755])

    def test_other_config_for_the_same_bundle_needs_no_upload(self):
        self.roll_out("1.0.0")
        app = self.app(src__wsgi_py="version = '1.0.0'\n")
        release = self.release(app, "1.0.0", variables={"GREETING": "ho"})
        held = self.lease(release)
        self.assertIsNone(self.upload(held, release, app)["directory"])
        self.prepare(held, release, app)
        self.ask("flip", **held, release=release["id"], last=True)
        self.finish(held, release)
        self.assert_in_order(release)

    def test_a_release_that_does_not_start_is_taken_away_and_its_last_words_are_told(self):
        first = self.roll_out()
        app = self.app(src__wsgi_py="broken\n")
        release = self.release(app, "1.1.0", unit_text="[Service]\nExecStart=fails\n")
        held = self.lease(release)
        self.upload(held, release, app)
        error = self.refused("start", "prepare", **held, release=release, listing=self.listing(app), secrets={}, startSeconds=5)
        self.assertIn("ImportError: no module named nothing", error.log)
        self.assert_in_order(first)
        self.assertFalse(os.path.exists(self.paths.release("hello", release["id"])))
        self.finish(held, release, "reverted", "it did not start")
        self.assertEqual(history.last(self.node, "hello")["reason"], "it did not start")

    def test_a_release_that_does_not_start_on_a_full_node_is_not_blamed(self):
        app = self.app(src__wsgi_py="broken\n")
        release = self.release(app, unit_text="[Service]\nExecStart=fails\n")
        held = self.lease(release)
        self.upload(held, release, app)
        with mock.patch.object(releases, "LEAST_BYTES", 2**62):
            error = self.refused("no-space", "prepare", **held, release=release, listing=self.listing(app), secrets={}, startSeconds=5)
        self.assertRegex(error.message, r"did not start; \d+ MB are free below /srv/silver")
        self.assertEqual(error.fix, "free some space")
        self.assertIn("ImportError: no module named nothing", error.log)
        self.assert_in_order(None)

    def test_a_release_that_never_listens_is_given_up_in_time(self):
        app = self.app()
        release = self.release(app, unit_text="[Service]\nExecStart=sleeps\n")
        held = self.lease(release)
        self.upload(held, release, app)
        error = self.refused("start", "prepare", **held, release=release, listing=self.listing(app), secrets={}, startSeconds=0.1)
        self.assertIn("did not listen", error.message)
        self.assert_in_order(None)

    def test_a_vcl_that_does_not_compile_is_found_before_anyone_sees_it(self):
        first = self.roll_out()
        app = self.app(src__wsgi_py="x = 2\n")
        release = self.release(app, "1.1.0", vcl="does not compile")
        held = self.lease(release)
        self.upload(held, release, app)
        error = self.refused("vcl", "prepare", **held, release=release, listing=self.listing(app), secrets={}, startSeconds=5)
        self.assertIn("Message from VCC-compiler: Expected an action", error.log)
        self.assert_in_order(first)

    def test_undo_after_the_flip_goes_back_and_lets_requests_end(self):
        first = self.roll_out()
        app = self.app(src__wsgi_py="x = 2\n")
        release = self.release(app, "1.1.0")
        held = self.lease(release)
        self.prepare(held, release, app)
        self.ask("flip", **held, release=release["id"], last=True)
        self.assertEqual(self.ask("undo", **held, reason="the watch failed")["live"], first["id"])
        self.assert_in_order(first)
        self.assertIn(f"silver-retire-hello@{release['id']}", self.machine.timers)
        from silver.retire import retire

        self.finish(held, release, "reverted", "the watch failed")
        retire(self.node, "hello", release["id"])
        self.assertFalse(os.path.exists(self.paths.release("hello", release["id"])))

    def test_undo_of_a_way_back_leaves_the_older_release_as_it_was(self):
        from silver.retire import retire

        first, second = self.roll_out("1.0.0"), self.roll_out("1.1.0")
        retire(self.node, "hello", first["id"])
        held = self.lease(first)
        self.prepare(held, first, self.app(src__wsgi_py="version = '1.0.0'\n"))
        self.ask("undo", **held, reason="the check failed")
        self.assert_in_order(second)
        self.assertTrue(os.path.isdir(self.paths.release("hello", first["id"])))
        self.assertEqual(self.machine.units[units.name("hello", first["id"], "web")], "inactive")

    def test_finish_undoes_what_was_not_let_in(self):
        first = self.roll_out()
        app = self.app(src__wsgi_py="x = 2\n")
        release = self.release(app, "1.1.0")
        held = self.lease(release)
        self.prepare(held, release, app)
        self.finish(held, release, "refused", "another node has no space")
        self.assert_in_order(first)
        self.assertEqual(history.last(self.node, "hello")["verdict"], "refused")

    def test_flip_refuses_what_was_not_prepared_and_what_varnish_can_not_take(self):
        app = self.app()
        release = self.release(app)
        held = self.lease(release)
        self.refused("usage", "flip", **held, release=release["id"], last=True)
        self.prepare(held, release, app)
        self.machine.units["varnish.service"] = "failed"
        self.refused("vcl", "flip", **held, release=release["id"], last=True)

    def test_a_changed_secret_under_the_same_version_is_refused_by_name_alone(self):
        app = self.app()
        release = self.release(app, secrets={"KEY": 1})
        held = self.lease(release)
        self.prepare(held, release, app, {"KEY": "first value"})
        self.ask("flip", **held, release=release["id"], last=True)
        self.finish(held, release)
        held = self.lease(release)
        error = self.refused(
            "usage", "prepare", **held, release=release, listing=self.listing(app), secrets={"KEY": "second value"}, startSeconds=5
        )
        self.assertIn("KEY", error.message)
        self.assertNotIn("value", f"{error.message} {error.log}".replace("a different value", ""))

    def test_a_removed_site_stops_is_archived_and_gets_its_data_back(self):
        release = self.roll_out(secrets={})
        data = pathlib.Path(self.paths.site("hello"), "data/g1")
        data.mkdir(parents=True)
        data.joinpath("picture").write_text("dear")
        self.converge(sites=())
        held = self.lease(release)
        removed = self.ask("remove", **held)
        self.session.give_back("hello")
        self.assertEqual(removed["archive"], f"{self.paths.archive()}/hello-1")
        self.assertTrue(os.path.isfile(f"{removed['archive']}/{release['id']}/app/src/wsgi.py"))
        self.assertFalse(os.path.exists(f"{removed['archive']}/{release['id']}/environ.json"))
        self.assertNotIn("site_hello", self.machine.labels)
        self.assertNotIn(f"r_hello_{release['digest'][:8]}", self.machine.vcls)
        self.assertEqual([name for name in os.listdir(self.paths.vcl_directory()) if name.startswith("r_")], [])
        self.assertEqual(self.machine.units[units.name("hello", release["id"], "web")], "inactive")
        self.assertEqual(state.read(self.node, "hello")["releases"], [])
        self.converge()
        self.assertEqual(self.roll_out("1.0.0"), release)
        self.assert_in_order(release)
        self.assertEqual(data.joinpath("picture").read_text(), "dear")

    def test_a_removed_site_that_is_still_routed_answers_503(self):
        release = self.roll_out()
        held = self.lease(release)
        self.ask("remove", **held)
        self.assertTrue(self.machine.labels["site_hello"].startswith("s503_"))

    def test_removing_a_site_that_never_served_archives_nothing(self):
        held = self.lease(self.release(self.app()))
        self.assertEqual(self.ask("remove", **held), {"changes": [], "archive": None})
