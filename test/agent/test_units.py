import os
import time
from fnmatch import fnmatch
from unittest import mock

from support import NodeTest

from silver import contract, hand_over, unit, units

RELEASE = "1.0.0-11111111.22222222"


class Names(NodeTest):
    def test_no_unit_of_a_site_is_another_site_s(self):
        sites = ["x", "web", "web-x", "x-web", "check", "check-x", "x-check", "rollout-x", "x-y"]
        seen = {}
        for site in sites:
            for role in (*contract.read()["unitRoles"], "check"):
                for own in (None, "x", "web", "web-x"):
                    service = units.name(site, RELEASE, role, own)
                    self.assertNotIn(service, seen)
                    seen[service] = site
        for site in sites:
            matched = {service for service in seen if any(fnmatch(service, pattern) for pattern in units.patterns(site))}
            self.assertEqual(matched, {service for service, of in seen.items() if of == site})


class NextStarts(NodeTest):
    def test_times_are_read_as_systemd_shows_them_to_people(self):
        shown = (
            "NextElapseUSecRealtime=Fri 2027-01-01 00:00:00 UTC\nId=yearly.timer\n\n"
            "NextElapseUSecRealtime=\nId=never.timer\n\nNextElapseUSecRealtime=Mon 2026-11-30 17:39:00 UTC\nId=soon.timer\n"
        )
        with mock.patch.object(self.node, "run", return_value=mock.Mock(out=shown)) as run:
            found = unit.next_starts(self.node, ["yearly.timer", "never.timer", "soon.timer"])
        self.assertEqual(found, {"yearly.timer": 1798761600, "soon.timer": 1796060340})
        self.assertEqual(run.call_args.kwargs["env"], {"TZ": "UTC"})


class Listed(NodeTest):
    def setUp(self):
        super().setUp()
        self.converge()

    def refused_units(self, listed, **changes):
        release = self.release(self.app(), units=listed, **changes)
        held = self.lease(release)
        words = {**held, "release": release, "listing": self.listing(self.app()), "secrets": {}, "startSeconds": 1}
        message = self.refused("usage", "prepare", **words).message
        self.die()
        return message

    def test_a_release_names_no_unit_that_is_not_its_own(self):
        web = {"role": "web", "file": "conf/web.service", "starts": "prepare"}
        for message, listed in [
            ("release.units[0].role: should be ", [{**web, "role": "retire"}]),
            ("release.units[0].role: should be ", [{**web, "role": "web-other"}]),
            ("release.units[0].name: should be a name that tells units of one role apart", [{**web, "name": "a@b"}]),
            ("release.units[0].name: should be a name that tells units of one role apart", [{**web, "name": "a.b"}]),
            ("release.units[0].name: should be a name that tells units of one role apart", [{**web, "name": "../a"}]),
            ("release.units[0].name: should be a name that tells units of one role apart", [{**web, "name": "a\n"}]),
            ("release.units[0].file: should be a path that stays inside", [{**web, "file": "../unit"}]),
            ("release.units[0].starts: should be one of prepare, cut-over", [{**web, "starts": "boot"}]),
            ("release.files: conf/other.service is missing", [{**web, "file": "conf/other.service"}]),
            ("release.units: two are of the same role and name", [web, web]),
            ("release.units: no unit of the role web starts at prepare", []),
            ("release.units: no unit of the role web starts at prepare", [{**web, "name": "only"}]),
            ("release.units: no unit of the role web starts at prepare", [{**web, "starts": "cut-over"}]),
        ]:
            with self.subTest(message):
                self.assertIn(message, self.refused_units(listed))
        self.assertEqual(os.listdir(self.paths.releases("hello")), [])


class Several(NodeTest):
    """A release whose web unit needs another, which starts first and ends last."""

    def setUp(self):
        super().setUp()
        self.converge()

    def bring(self, version, first="[Service]\nExecStart=sleeps\n"):
        app = self.app(src__wsgi_py=f"version = {version!r}\n")
        plain = self.release(app, version)
        file = {"path": "conf/web.first.service", "mode": "0644", "content": first}
        listed = [{"role": "web", "name": "first", "file": file["path"], "starts": "prepare"}, *plain["units"]]
        return app, self.release(app, version, files=[*plain["files"], file], units=listed)

    def prepared(self, version):
        app, release = self.bring(version)
        held = self.lease(release)
        self.prepare(held, release, app)
        return held, release

    def live(self, version):
        held, release = self.prepared(version)
        self.ask("flip", **held, release=release["id"], last=True)
        self.finish(held, release)
        return release

    def calls(self, verb):
        return [call.split()[-1] for call in self.machine.calls if call.startswith(f"systemctl {verb} silver-web-")]

    def test_they_start_in_order_are_enabled_by_the_flip_and_told_by_status(self):
        held, release = self.prepared("1.0.0")
        names = list(units.named(release))
        self.assertEqual(names, [f"silver-web-hello.first@{release['id']}.service", f"silver-web-hello@{release['id']}.service"])
        self.assertEqual(self.calls("start"), names)
        self.assertEqual([unit.enabled(self.node, name) for name in names], [False, False])
        self.ask("flip", **held, release=release["id"], last=True)
        self.finish(held, release)
        self.assert_in_order(release)
        self.assertEqual(self.site_state()["releases"][0]["units"], [{"name": name, "active": True} for name in names])

    def test_where_the_first_does_not_start_the_next_is_not_tried(self):
        app, release = self.bring("1.0.0", "[Service]\nExecStart=fails\n")
        held = self.lease(release)
        self.upload(held, release, app)
        words = {**held, "release": release, "listing": self.listing(app), "secrets": {}, "startSeconds": 5}
        error = self.refused("start", "prepare", **words)
        first, web = units.named(release)
        self.assertEqual((self.calls("start"), error.message), ([first], f"{first} did not start"))
        self.assertFalse(os.path.exists(self.paths.unit(first)) or os.path.exists(self.paths.unit(web)))
        self.assert_in_order(None)

    def test_one_that_gives_up_while_the_other_comes_up_is_seen(self):
        app, release = self.bring("1.0.0")
        held = self.lease(release)
        self.upload(held, release, app)
        first, web = units.named(release)
        start = self.machine.start

        def dies(name):
            start(name) if name == first else self.machine.units.update({name: "active", first: "failed"})

        self.machine.start = dies
        words = {**held, "release": release, "listing": self.listing(app), "secrets": {}, "startSeconds": 5}
        self.assertEqual(self.refused("start", "prepare", **words).message, f"{first} ended by itself (success)")

    def test_one_of_the_live_release_that_died_is_started_again_alone(self):
        release = self.live("1.0.0")
        first, _ = units.named(release)
        self.machine.stop(first)
        app, _ = self.bring("1.0.0")
        self.assertEqual(self.prepare(self.lease(release), release, app)["changes"], [{"what": first, "why": "did not run"}])

    def test_a_check_tells_which_one_has_ended(self):
        held, release = self.prepared("1.0.0")
        first, _ = units.named(release)
        self.machine.stop(first)
        self.machine.app = lambda request: (500, "", f"hello {release['id']}")
        where = {"through": "direct", "targets": [{"host": "x", "path": "/"}], "https": False}
        words = {**where, "status": 200, "body": None, "withinSeconds": 5}
        (answer,) = self.ask("check", **held, release=release["id"], **words)["answers"]
        self.assertIn(f"; {first} has stopped", answer["reason"])

    def test_a_retired_one_ends_the_other_way_round(self):
        from silver.retire import retire

        release = self.live("1.0.0")
        self.live("1.1.0")
        self.machine.calls.clear()
        retire(self.node, "hello", release["id"])
        first, web = units.named(release)
        self.assertEqual(self.calls("stop --no-block"), [first])
        self.assertIn(f"systemctl stop --no-block {web} {first}", self.machine.calls)
        self.assertEqual(self.calls("stop")[-2:], [web, first])
        self.assertFalse(unit.enabled(self.node, first) or unit.enabled(self.node, web))

    def test_an_undo_ends_what_did_not_run_before_and_leaves_what_did(self):
        from silver.retire import retire

        first, second = self.live("1.0.0"), self.live("1.1.0")
        ahead, web = units.named(first)
        self.machine.stop(ahead)
        held, _ = self.prepared("1.0.0")
        changes = self.ask("undo", **held, reason="the check failed")["changes"]
        self.assertEqual(changes, [{"what": ahead, "why": "did not run before"}])
        self.assertEqual([self.machine.units[name] for name in (ahead, web)], ["inactive", "active"])
        self.assert_in_order(second)
        self.finish(held, first, "reverted", "the check failed")
        retire(self.node, "hello", first["id"])
        held, _ = self.prepared("1.0.0")
        changes = self.ask("undo", **held, reason="the check failed")["changes"]
        self.assertEqual([change["what"] for change in changes], [web, ahead])
        self.assert_in_order(second)

    def test_pruning_leaves_a_release_of_which_one_still_runs(self):
        from silver import releases, state

        release = self.live("1.0.0")
        self.live("1.1.0")
        state.change(self.node, "hello", settings={"retain": 1, "graceSeconds": 1, "drainSeconds": 0}, previous=None)
        first, web = units.named(release)
        self.machine.stop(web)
        self.assertEqual(releases.prune(self.node, "hello"), [])
        self.machine.stop(first)
        gone = [change["what"] for change in releases.prune(self.node, "hello")]
        self.assertEqual(gone, [web, first, self.paths.release("hello", release["id"])])
        self.assertFalse(os.path.exists(self.paths.unit(first)) or os.path.exists(self.paths.unit(web)))

    def test_the_log_of_a_release_holds_the_lines_of_all(self):
        release = self.live("1.0.0")
        self.machine.calls.clear()
        self.ask("logs", site="hello", release=release["id"], lines=5, kind="app")
        call = next(call for call in self.machine.calls if call.startswith("journalctl"))
        for name in (*units.named(release), units.name("hello", release["id"], "check")):
            self.assertIn(f"--unit={name}", call)


class CutOver(NodeTest):
    """A release with two workers beside its web unit, which may run in only one release."""

    def setUp(self):
        super().setUp()
        self.converge()
        self.first = self.live("1.0.0")

    def bring(self, version, worker="[Service]\nExecStart=sleeps\n"):
        app = self.app(src__wsgi_py=f"version = {version!r}\n")
        plain = self.release(app, version)
        added = [{"path": f"conf/worker.{own}.service", "mode": "0644", "content": worker} for own in ("mail", "images")]
        listed = [{"role": "worker", "name": file["path"].split(".")[1], "file": file["path"], "starts": "cut-over"} for file in added]
        return app, self.release(app, version, files=[*plain["files"], *added], units=[*plain["units"], *listed])

    def prepared(self, version, **words):
        app, release = self.bring(version, **words)
        held = self.lease(release)
        self.prepare(held, release, app)
        return held, release

    def flip(self, held, release, last):
        return self.ask("flip", **held, release=release["id"], last=last)

    def live(self, version, works=True, **words):
        held, release = self.prepared(version, **words)
        self.flip(held, release, last=False)
        self.flip(held, release, last=True)
        self.hand_over(held, works)
        self.finish(held, release)
        return release

    def workers(self, release):
        return units.starting(units.named(release), "cut-over")

    def assert_works(self, *releases):
        """The workers of these releases run and come back after a boot; those of no other release do either."""
        wanted = {name for release in releases for name in self.workers(release)}
        running = {name for name, seen in self.machine.units.items() if name.startswith("silver-worker-") and seen == "active"}
        links = os.listdir(os.path.dirname(self.paths.unit_link("x")))
        self.assertEqual((running, {name for name in links if name.startswith("silver-worker-")}), (wanted, wanted))
        self.assertEqual(self.machine.together, [])

    def calls(self, verb):
        return [call.split()[-1] for call in self.machine.calls if call.startswith(f"systemctl {verb} silver-worker-")]

    def test_they_start_with_the_hand_over_and_no_sooner(self):
        self.assert_works(self.first)
        self.machine.calls.clear()
        held, second = self.prepared("1.1.0")
        self.flip(held, second, last=False)
        self.flip(held, second, last=True)
        self.assert_works(self.first)
        self.assertEqual(self.calls("start --no-block"), [])
        self.assertEqual(self.hand_over(held)["problems"], [])
        self.assert_works(second)
        self.assertEqual(self.calls("start --no-block"), self.workers(second))
        self.assertIn(f"systemctl stop --no-block {' '.join(self.workers(self.first)[::-1])}", self.machine.calls)
        self.finish(held, second)
        self.assert_in_order(second)
        active = [[unit["active"] for unit in release["units"]] for release in self.site_state()["releases"]]
        self.assertEqual(active, [[True, True, True], [True, False, False]])

    def test_those_of_the_next_release_wait_for_all_of_the_last_one_s(self):
        self.machine.lingering = {f"silver-worker-hello.*@{self.first['id']}.service": 5}
        second = self.live("1.1.0")
        self.assert_works(second)

    def test_where_that_takes_long_the_node_goes_on_by_itself(self):
        lingering = f"silver-worker-hello.mail@{self.first['id']}.service"
        self.machine.lingering = {lingering: 10**6}
        held, second = self.prepared("1.1.0")
        self.flip(held, second, last=True)
        with mock.patch.object(hand_over, "PATIENCE_SECONDS", 0):
            answer = self.hand_over(held)
        self.assertEqual((answer["waits"], answer["problems"]), (self.workers(self.first)[::-1], []))
        self.finish(held, second)
        waiting = {unit["problem"] for unit in self.site_state()["releases"][0]["units"] if "problem" in unit}
        self.assertEqual(waiting, {f"{name} waits for {lingering} to end" for name in self.workers(second)})
        self.ask("measure")
        self.assertEqual(self.calls("start --no-block")[-2:], self.workers(self.first))
        self.machine.stop(lingering)
        self.ask("measure")
        self.assert_works(second)
        self.assert_in_order(second)

    def test_a_timer_keeps_away_from_a_rollout_that_has_yet_to_end(self):
        held, second = self.prepared("1.1.0")
        self.flip(held, second, last=False)
        self.ask("measure")
        self.die()
        self.ask("measure")
        self.assert_works(self.first)

    def test_undo_before_the_cut_over_never_touches_them(self):
        for flipped in (False, True):
            with self.subTest(flipped=flipped):
                held, second = self.prepared("1.1.0")
                if flipped:
                    self.flip(held, second, last=False)
                self.machine.calls.clear()
                self.ask("undo", **held, reason="the check failed")
                touched = [
                    call for call in self.machine.calls if "show" not in call and any(name in call for name in self.workers(self.first))
                ]
                self.assertEqual((touched, self.calls("start --no-block")), ([], []))
                self.finish(held, second, "reverted", "the check failed")
                self.assert_works(self.first)
                self.assert_in_order(self.first)

    def test_undo_after_the_hand_over_hands_them_back(self):
        held, second = self.prepared("1.1.0")
        self.flip(held, second, last=True)
        self.hand_over(held)
        self.ask("undo", **held, reason="the watch failed")
        self.finish(held, second, "reverted", "the watch failed")
        self.assert_works(self.first)
        self.assert_in_order(self.first)

    def test_one_that_ends_as_it_starts_is_told_with_its_words_while_the_site_serves(self):
        held, second = self.prepared("1.1.0", worker="[Service]\nExecStart=ends\n")
        self.flip(held, second, last=True)
        mail, images = self.workers(second)
        problems = self.hand_over(held)["problems"]
        told = [f"{name} ended with exit code 1, and was started again once" for name in (mail, images)]
        self.assertEqual([problem["what"] for problem in problems], told)
        self.assertIn("ImportError: no module named nothing", problems[0]["log"])
        self.finish(held, second, "live-failing", problems[0]["what"])
        state = self.site_state()
        self.assertEqual((state["live"], [unit.get("problem") for unit in state["releases"][0]["units"]][0]), (second["id"], None))
        self.assertEqual({unit["problem"] for unit in state["releases"][0]["units"][1:]}, {problem["what"] for problem in problems})
        self.assert_in_order(second)

    def test_one_that_has_yet_to_begin_is_no_problem(self):
        for seen in ({"ActiveState": "inactive", "Job": "77"}, {"ActiveState": "activating", "SubState": "start"}):
            with mock.patch.object(unit, "show", return_value={"a": seen}):
                self.assertEqual(hand_over.problems(self.node, ["a"]), {})
                self.assertTrue(hand_over.any_young(self.node, ["a"]))

    def test_one_that_begins_again_after_it_ended_is_told(self):
        seen = {"ActiveState": "activating", "SubState": "start", "NRestarts": "2", "Result": "exit-code", "ExecMainStatus": "1"}
        with mock.patch.object(unit, "show", return_value={"a": seen}):
            told = hand_over.problems(self.node, ["a"])
        self.assertEqual(told, {"a": "a ended with exit code 1, and was started again 2 times"})

    def test_one_that_systemd_gave_up_is_told(self):
        second = self.live("1.1.0", worker="[Service]\nExecStart=fails\n")
        problems = [unit.get("problem") for unit in self.site_state()["releases"][0]["units"]]
        self.assertEqual(problems[1:], [f"{name} does not run: it ended with exit code 1" for name in self.workers(second)])

    def test_on_another_node_of_the_site_none_runs_and_none_is_missed(self):
        self.live("1.1.0", works=False)
        self.assert_works()
        state = self.site_state()
        self.assertEqual((state["works"], len(state["releases"][0]["units"])), (False, 1))
        app, again = self.bring("1.1.0")
        held = self.lease(again)
        self.assertEqual(self.prepare(held, again, app)["changes"], [])
        self.hand_over(held)
        self.assert_works(again)

    def test_a_node_that_dies_after_the_cut_over_hands_over_as_it_was_told(self):
        for works in (True, False):
            with self.subTest(works=works):
                app, second = self.bring(f"1.{1 + works}.0")
                held = self.lease(second)
                self.upload(held, second, app)
                words = {"release": second, "listing": self.listing(app), "secrets": {}, "startSeconds": 5}
                self.ask("prepare", **held, **words, works=works)
                self.flip(held, second, last=True)
                self.die()
                self.ask("recover")
                self.assert_works(*([second] if works else []))

    def test_one_of_the_live_release_that_ended_is_started_again(self):
        ended = self.workers(self.first)[1]
        self.machine.stop(ended)
        app, _ = self.bring("1.0.0")
        changes = self.prepare(self.lease(self.first), self.first, app)["changes"]
        self.assertEqual(changes, [{"what": ended, "why": "did not run"}])

    def test_a_spoiled_record_of_the_site_loses_none(self):
        with open(self.paths.state("hello"), "w"):
            pass
        self.ask("measure")
        self.assertTrue(self.site_state()["works"])
        self.assert_works(self.first)

    def test_the_way_back_to_an_older_release_takes_them_along(self):
        self.live("1.1.0")
        held, again = self.prepared("1.0.0")
        self.assertEqual(again, self.first)
        self.flip(held, again, last=True)
        self.hand_over(held)
        self.finish(held, again)
        self.assert_works(self.first)

    def test_a_removed_site_has_none(self):
        held = self.lease(self.first)
        self.ask("remove", **held)
        self.assert_works()
        self.assertEqual([name for name in os.listdir(self.paths.at("/etc/systemd/system")) if "worker" in name], [])

    def test_a_node_that_is_taken_from_the_site_ends_them_and_serves_on(self):
        changes = self.converge(sites=[])
        self.assertEqual(
            [change for change in changes if "work" in change["what"]],
            [{"what": "work of hello", "why": "it is not a site of this node any more"}],
        )
        self.assert_works()
        self.assertEqual(self.site_state()["live"], self.first["id"])
        self.assertEqual(self.converge(sites=[]), [])
        # The node comes back to it.
        self.converge()
        self.assert_works()
        second = self.live("1.1.0")
        self.assert_works(second)

    def test_what_takes_long_to_end_there_is_told_and_seen_to_by_the_node(self):
        lingering = f"silver-worker-hello.mail@{self.first['id']}.service"
        self.machine.lingering = {lingering: 10**6}
        with mock.patch.object(hand_over, "PATIENCE_SECONDS", 0):
            changes = self.converge(sites=[])
        self.assertIn(f"{lingering} will end later", changes[-1]["why"])
        self.machine.stop(lingering)
        self.ask("measure")
        self.assert_works()

    def test_a_node_is_not_taken_from_a_site_that_somebody_rolls_out(self):
        self.prepared("1.1.0")
        with mock.patch.object(hand_over, "LEASE_SECONDS", 0.1):
            message = self.refused("leased", "converge", state=self.node_state(sites=[])).message
        self.assertIn("hello is being rolled out", message)
        self.assert_works(self.first)


class Problems(NodeTest):
    def told(self, **seen):
        now = int(time.monotonic() * 1e6)
        shown = {"x.service": {"LoadState": "loaded", "ActiveEnterTimestampMonotonic": str(now), **seen}}
        with mock.patch.object(unit, "show", return_value=shown):
            return hand_over.problems(self.node, ["x.service"]).get("x.service")

    def test_how_one_ended_is_told_as_long_as_systemd_knows(self):
        # With its next start it forgets: a success is nobody's then.
        again = {"NRestarts": "1", "Result": "success"}
        self.assertEqual(self.told(ActiveState="active", SubState="running", **again), "x.service ended, and was started again once")
        self.assertEqual(self.told(ActiveState="activating", SubState="start", **again), "x.service ended, and was started again once")
        waits = {"ActiveState": "activating", "SubState": "auto-restart", "NRestarts": "2"}
        self.assertEqual(
            self.told(**waits, Result="success"),
            "x.service does not run: it ended with exit code 0, though a worker should keep running",
        )
        self.assertEqual(
            self.told(**waits, Result="exit-code", ExecMainStatus="1"),
            "x.service does not run: it ended with exit code 1",
        )


class Install(NodeTest):
    def test_a_unit_whose_file_was_lost_while_it_ran_is_read_again(self):
        os.makedirs(self.paths.at("/etc/systemd/system"), exist_ok=True)
        for seen, reloads in (
            ({"LoadState": "not-found"}, 1),
            ({"LoadState": "error"}, 1),
            ({"NeedDaemonReload": "yes"}, 1),
            ({"LoadState": "loaded"}, 0),
        ):
            self.machine.calls.clear()
            with mock.patch.object(unit, "show", return_value={"silver-web-x.service": seen}):
                unit.install(self.node, {"silver-web-x.service": f"[Unit]\n# {seen}\n"})
            self.assertEqual(self.machine.calls.count("systemctl daemon-reload"), reloads, seen)
