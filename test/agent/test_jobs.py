"""Jobs of a site: when one starts, when it does not, and what is known of it afterwards."""

import json
import os
from unittest import mock

from support import DriverGone, NodeTest

from silver import contract, jobs, releases, state, unit, units


class Jobs(NodeTest):
    def setUp(self):
        super().setUp()
        self.now = 1_800_000_000.0
        patch = mock.patch.object(jobs.time, "time", lambda: self.now)
        patch.start()
        self.addCleanup(patch.stop)
        self.converge()
        self.first = self.live("1.0.0")

    def bring(self, version, job="digest"):
        app = self.app(src__wsgi_py=f"version = {version!r}\n")
        plain = self.release(app, version)
        text = "[Service]\nExecStart=program @RUN@\nUser=site-hello\n"
        added = [
            {"path": f"conf/cron.{job}.service", "mode": "0644", "content": "[Service]\nExecStart=asks\n"},
            {"path": f"conf/cron.{job}.timer", "mode": "0644", "content": "[Timer]\n"},
            {"path": f"conf/job.{job}.service", "mode": "0644", "content": text},
        ]
        listed = [
            {"role": "cron", "name": job, "file": f"conf/cron.{job}.service", "starts": "timer"},
            {"role": "cron", "name": job, "kind": "timer", "file": f"conf/cron.{job}.timer", "starts": "cut-over"},
        ]
        return app, self.release(app, version, files=[*plain["files"], *added], units=[*plain["units"], *listed])

    def prepared(self, version, job="digest"):
        app, release = self.bring(version, job)
        held = self.lease(release)
        self.prepare(held, release, app)
        self.passes(held, release, "direct")
        self.ask("flip", **held, release=release["id"], last=True)
        return held, release

    def live(self, version, job="digest"):
        held, release = self.prepared(version, job)
        self.hand_over(held)
        self.finish(held, release)
        return release

    def timer(self, release):
        return units.name("hello", release["id"], "cron", "digest", "timer")

    def start(self, release, overlap="skip"):
        """As its timer does, a minute later each time."""
        self.now += 60
        before = set(self.machine.units)
        said = jobs.start(self.node, "hello", release["id"], "digest", overlap)
        started = [name for name in self.machine.units if name not in before]
        return said, started[0] if started else None

    def ends(self, result, status, name):
        """What its unit writes down then."""
        run = name.partition("@")[0].rpartition(".")[2]
        os.makedirs(self.paths.at("/run"), exist_ok=True)
        with open(self.paths.at(f"/run/silver-job-{run}"), "w") as file:
            file.write(f"{result} {status}\n")
        os.utime(file.name, (self.now, self.now))

    def end(self, name, result="success", status="0"):
        self.ends(result, status, name)
        self.machine.stop(name)
        (said,) = self.told(jobs.end_written, self.node, "hello")
        self.assertEqual(said[:2], ("silver-job-hello.digest", name))
        return said[2]

    def told(self, act, *words):
        """What is said of runs meanwhile: by whom, of which unit, what."""
        self.node.told_of.clear()
        act(*words)
        return [*self.node.told_of]

    def job(self):
        (job,) = self.site_state()["jobs"]
        return job

    def test_its_timer_runs_in_the_live_release_alone(self):
        self.assertEqual(self.machine.units[self.timer(self.first)], "active")
        self.assertEqual(self.machine.units.get(units.name("hello", self.first["id"], "cron", "digest")), None)
        second = self.live("1.1.0")
        self.assertEqual([self.machine.units[self.timer(each)] for each in (self.first, second)], ["inactive", "active"])
        self.assertEqual([unit.enabled(self.node, self.timer(each)) for each in (self.first, second)], [False, True])
        names = [unit["name"] for unit in self.site_state()["releases"][0]["units"]]
        self.assertEqual(names, [units.name("hello", second["id"], "web"), self.timer(second)])

    def test_what_its_timer_starts_need_not_start_at_boot_and_heal_brings_a_timer_back(self):
        self.assertEqual(self.ask("verify", site=None)["sites"], [{"site": "hello", "problems": []}])
        unit.disable(self.node, self.timer(self.first))
        self.machine.stop(self.timer(self.first))
        self.assertEqual(self.ask("verify", site=None)["sites"][0]["problems"], [f"{self.timer(self.first)} does not start at boot"])
        changes = self.ask("heal", **self.lease(self.first))["changes"]
        self.assertEqual({change["what"] for change in changes}, {self.timer(self.first)})
        self.assertEqual(self.ask("verify", site=None)["sites"][0]["problems"], [])

    def test_a_run_is_a_unit_with_the_release_s_lines(self):
        _, name = self.start(self.first)
        run = name.partition("@")[0].rpartition(".")[2]
        self.assertEqual(name, f"silver-job-hello.digest.{run}@{self.first['id']}.service")
        call = next(call for call in self.machine.calls if call.startswith("systemd-run") and "silver-job-" in call)
        self.assertEqual(call, f"systemd-run --quiet --no-block --collect --unit={name} --property=User=site-hello -- program {run}")
        self.assertEqual(self.job()["running"], 1)

    def test_how_the_last_one_ended_is_told_and_failures_are_counted_until_one_ends_well(self):
        self.assertEqual((self.job()["last"], self.job()["failures"]), (None, 0))
        _, name = self.start(self.first)
        began = self.now
        self.now += 12
        self.assertEqual(self.end(name), "digest ended after 12 s")
        self.assertEqual(self.job()["last"], {"began": began, "seconds": 12.0, "result": None})
        for number, (result, status, told) in enumerate(
            [
                ("exit-code", "3", "exit code 3"),
                ("timeout", "TERM", "it ran past its timeout"),
                ("oom-kill", "KILL", "it used more memory than it may"),
                ("signal", "SEGV", "it was ended (SEGV)"),
            ]
        ):
            _, name = self.start(self.first)
            self.assertEqual(self.end(name, result, status), f"digest ended after 0 s: {told}")
            self.assertEqual((self.job()["last"]["result"], self.job()["failures"]), (told, number + 1))
        _, name = self.start(self.first)
        self.end(name)
        self.assertEqual((self.job()["last"]["result"], self.job()["failures"], self.job()["running"]), (None, 0, 0))

    def test_while_one_runs_the_next_is_skipped_or_allowed(self):
        _, name = self.start(self.first)
        self.assertEqual(self.start(self.first), ("digest is skipped: its last run has not ended", None))
        self.assertEqual((self.job()["skipped"], self.job()["running"]), (1, 1))
        _, second = self.start(self.first, "allow")
        self.assertEqual(self.job()["running"], 2)
        self.end(name)
        self.assertEqual(self.job()["running"], 1)
        self.end(second)
        self.assertIsNotNone(self.start(self.first)[1])

    def test_where_it_may_overlap_so_many_run_at_once_and_no_more(self):
        names = [self.start(self.first, "allow")[1] for _ in range(contract.read()["jobRunsAtOnce"])]
        self.assertEqual(len(set(names)), 4)
        self.assertEqual(self.start(self.first, "allow"), ("digest is skipped: 4 runs of it have not ended", None))
        self.assertEqual((self.job()["skipped"], self.job()["running"]), (1, 4))
        self.end(names[0])
        self.assertIsNotNone(self.start(self.first, "allow")[1])

    def test_one_under_way_at_a_cut_over_ends_under_its_own_release_and_is_not_started_twice(self):
        _, name = self.start(self.first)
        second = self.live("1.1.0")
        self.assertEqual(self.machine.units[name], "active")
        self.assertEqual(self.start(second), ("digest is skipped: its last run has not ended", None))
        state.change(self.node, "hello", settings={"retain": 1, "graceSeconds": 1, "drainSeconds": 0}, previous=None)
        for service in units.of(self.node, "hello", self.first["id"]):
            self.machine.stop(service)
        self.assertEqual(releases.prune(self.node, "hello"), [])
        self.end(name)
        self.assertIsNotNone(self.start(second)[1])
        self.assertNotEqual(releases.prune(self.node, "hello"), [])

    def test_the_timers_of_two_releases_that_fire_at_once_start_it_once(self):
        held, second = self.prepared("1.1.0")
        _, name = self.start(self.first)
        self.end(name)
        self.hand_over(held)
        self.assertIsNone(jobs.start(self.node, "hello", second["id"], "digest", "skip"))
        self.assertIsNone(jobs.start(self.node, "hello", self.first["id"], "digest", "skip"))
        self.assertIsNotNone(self.start(second)[1])

    def fires(self, release, at):
        """A start by the timer, whenever its turn comes."""
        self.machine.began = {units.name("hello", release["id"], "cron", "digest"): at}
        before = {*self.machine.units}
        jobs.start(self.node, "hello", release["id"], "digest", "allow")
        self.machine.began = {}
        return len({*self.machine.units} - before)

    def test_a_start_counts_for_the_minute_of_its_timer_however_late_its_turn_comes(self):
        held, second = self.prepared("1.1.0")
        due = self.now + 60
        self.now = due + 61
        self.assertEqual(self.fires(self.first, due), 1)
        self.now = due + 62
        self.assertEqual(self.fires(self.first, due + 60), 1)
        self.now = due + 125
        self.hand_over(held)
        self.assertEqual([self.fires(second, due + 60), self.fires(second, due + 120)], [0, 1])

    def test_a_start_that_has_its_turn_after_a_cut_over_happens_in_the_release_that_is_live_by_then(self):
        held, second = self.prepared("1.1.0")
        due = self.now + 60
        self.now = due + 5
        self.hand_over(held)
        before = {*self.machine.units}
        self.assertEqual(self.fires(self.first, due), 1)
        (name,) = {*self.machine.units} - before
        self.assertTrue(name.endswith(f"@{second['id']}.service"), name)
        # Its own timer may have fired as well.
        self.assertEqual([self.fires(second, due), self.fires(second, due + 60)], [0, 1])
        self.end(name)
        self.finish(held, second)
        self.live("1.2.0", "another")
        self.assertEqual(self.fires(second, due + 120), 0)

    def test_a_start_that_somebody_asks_for_counts_for_this_minute(self):
        self.assertIsNotNone(self.start(self.first)[1])
        self.assertIsNone(jobs.start(self.node, "hello", self.first["id"], "digest", "allow"))
        self.assertIsNotNone(self.start(self.first, "allow")[1])

    def test_one_that_waits_for_other_units_is_under_way(self):
        _, name = self.start(self.first)
        self.machine.units[name] = "inactive"
        self.machine.queued.add(name)
        self.assertEqual(self.start(self.first), ("digest is skipped: its last run has not ended", None))
        self.assertIn(self.first["id"], jobs.releases_in_use(self.node, "hello"))
        self.now += 600
        self.ask("measure")
        self.assertEqual((self.job()["last"], self.job()["running"]), (None, 1))

    def test_how_a_run_ended_is_known_when_nobody_was_left_to_tell(self):
        _, name = self.start(self.first)
        self.ends("exit-code", "3", name)
        self.machine.stop(name)
        said = self.told(lambda: self.ask("measure"))
        self.assertEqual(said, [("silver-job-hello.digest", name, "digest ended after 0 s: exit code 3")])
        self.assertEqual((self.job()["last"]["result"], self.job()["running"]), ("exit code 3", 0))
        self.assertEqual(os.listdir(self.paths.at("/run")), [])

    def test_one_agent_tells_of_all_that_have_ended_by_its_turn_and_of_each_once(self):
        names = [self.start(self.first, "allow")[1] for _ in range(3)]
        for name, (result, status) in zip(names, [("exit-code", "3"), ("success", "0")], strict=False):
            self.now += 5
            self.ends(result, status, name)
        self.now += 20
        said = [(names[0], "digest ended after 125 s: exit code 3"), (names[1], "digest ended after 70 s")]
        self.assertEqual([each[1:] for each in self.told(jobs.end_written, self.node, "hello")], said)
        self.assertEqual(self.told(jobs.end_written, self.node, "hello"), [])
        run = names[0].partition("@")[0].rpartition(".")[2]
        self.assertEqual(self.told(jobs.end, self.node, "hello", "digest", run, "lost", None), [])
        self.assertEqual((self.job()["last"]["result"], self.job()["running"]), (None, 1))

    def test_a_run_s_own_unit_tells_of_it_and_leaves_nothing_whatever_became_of_the_record(self):
        names = [self.start(self.first, "allow")[1] for _ in range(2)]
        runs = [name.partition("@")[0].rpartition(".")[2] for name in names]
        # An earlier version's has no note.
        how = {"SERVICE_RESULT": "exit-code", "EXIT_STATUS": "3"}
        said = self.told(jobs.end_turn, self.node, "hello", "digest", runs[0], how)
        self.assertEqual([each[1:] for each in said], [(names[0], "digest ended after 60 s: exit code 3")])
        self.ends("success", "0", names[1])
        os.unlink(jobs.path(self.node, "hello"))
        self.assertEqual(self.told(jobs.end_turn, self.node, "hello", "digest", runs[1], {}), [])
        self.assertEqual(os.listdir(self.paths.at("/run")), [])

    def test_one_whose_unit_never_came_has_failed(self):
        _, name = self.start(self.first)
        self.machine.units.pop(name)
        self.now += 61
        self.ask("measure")
        self.assertEqual((self.job()["last"]["result"], self.job()["running"]), ("it could not be started", 0))

    def test_one_that_a_power_cut_ended_has_failed(self):
        self.start(self.first)
        self.machine.reboot()
        self.start_boot()
        self.now += 600
        self.ask("measure")
        self.assertEqual((self.job()["last"]["result"], self.job()["running"]), ("the node went down meanwhile", 0))
        self.assertEqual(self.machine.units[self.timer(self.first)], "active")

    def test_one_that_just_began_is_not_lost(self):
        self.start(self.first)
        self.machine.units = {name: seen for name, seen in self.machine.units.items() if not name.startswith("silver-job-")}
        self.ask("measure")
        self.assertEqual(self.job()["running"], 1)

    def test_what_does_not_start_has_failed(self):
        from support import Done

        self.now += 60
        with mock.patch.object(self.machine, "systemd_run", lambda *words: Done(1, "", "no such unit")):
            said = jobs.start(self.node, "hello", self.first["id"], "digest", "skip")
        self.assertEqual((said, self.job()["failures"]), ("digest could not be started: no such unit", 1))

    def test_a_removed_site_ends_them(self):
        _, name = self.start(self.first)
        held = self.lease(self.first)
        self.ask("remove", **held)
        self.assertEqual(self.machine.units[name], "inactive")
        self.assertFalse(os.path.exists(jobs.path(self.node, "hello")))
        self.assertEqual([name for name in os.listdir(self.paths.at("/etc/systemd/system")) if "cron" in name], [])
        self.assertEqual(self.start(self.first), (None, None))

    def test_a_node_that_does_not_work_for_the_site_has_none(self):
        held, second = self.prepared("1.1.0")
        self.hand_over(held, works=False)
        self.finish(held, second)
        self.assertEqual(self.site_state()["jobs"], [])
        self.assertEqual(self.start(second), (None, None))

    def test_their_lines_alone_are_read(self):
        self.machine.calls.clear()
        self.ask("logs", site="hello", release=None, lines=5, kind="cron")
        call = next(call for call in self.machine.calls if call.startswith("journalctl"))
        asked = [word for word in call.split() if word.startswith("--unit=")]
        self.assertEqual(asked, [f"--unit=silver-{role}-hello{own}@*.service" for role in ("cron", "job") for own in ("", ".*")])
        self.machine.calls.clear()
        self.ask("logs", site="hello", release=self.first["id"], lines=5, kind="cron")
        call = next(call for call in self.machine.calls if call.startswith("journalctl"))
        asked = [word for word in call.split() if word.startswith("--unit=")]
        self.assertEqual(len(asked), 3, asked)

    def followed(self, kind, release=None, meanwhile=None, said=()):
        """Each journalctl that somebody who follows starts, as what it selects, and the lines that they see."""
        self.machine.calls.clear()
        told, self.node.gone = [], lambda: False
        self.node._say = lambda step, text: told.append(text) if step == "line" else None

        def leave():
            self.node.gone = lambda: True

        def goes_on():
            self.machine.follower_goes, self.machine.followed = leave, []
            meanwhile()

        self.machine.follower_goes = leave if meanwhile is None else goes_on
        self.machine.followed = [json.dumps({"__REALTIME_TIMESTAMP": "1", "__CURSOR": "c", "_PID": "7", **each}) for each in said]
        with self.assertRaises(DriverGone):
            self.ask("logs", site="hello", release=release, lines=5, kind=kind, follow=True)
        asked = [call.split() for call in self.machine.calls if "--follow" in call]
        return [{word for word in words if "=" in word and not word.startswith("-")} for words in asked], told

    def test_who_follows_hears_a_run_that_begins_later_which_is_a_unit_that_nobody_knows_yet(self):
        run = "SYSLOG_IDENTIFIER=silver-job-hello.digest"
        for kind in ("cron", "app"):
            for release in (None, self.first["id"]):
                (asked,), _ = self.followed(kind, release)
                timer = f"_SYSTEMD_UNIT={units.name('hello', self.first['id'], 'cron', 'digest')}"
                self.assertLessEqual({run, timer, "_TRANSPORT=stdout"}, asked)
                web = f"_SYSTEMD_UNIT={units.name('hello', self.first['id'], 'web')}"
                self.assertEqual(web in asked, kind == "app")

    def test_who_follows_hears_a_job_that_a_later_release_brings(self):
        run = "SYSLOG_IDENTIFIER=silver-job-hello.report"
        for number, kind in enumerate(("cron", "app")):
            before, after = self.followed(kind, meanwhile=lambda number=number: self.live(f"1.{number + 1}.0", f"report{number}"))[0]
            self.assertEqual([f"{run}{number}" in asked for asked in (before, after)], [False, True], kind)

    def test_who_follows_a_release_hears_no_other_s_runs(self):
        units_of = [units.name("hello", release, "job", "digest.1f") for release in (self.first["id"], "2.0.0-x.y")]
        said = [{"_SYSTEMD_UNIT": name, "MESSAGE": f"by {name}"} for name in units_of]
        _, told = self.followed("cron", self.first["id"], said=said)
        self.assertEqual([line.partition("by ")[2] for line in told], units_of[:1])
        _, told = self.followed("cron", said=said)
        self.assertEqual([line.partition("by ")[2] for line in told], units_of)

    def test_how_a_run_ended_is_a_line_of_its_own_release_whoever_told_it(self):
        mine, other = (units.name("hello", release, "job", "digest.1f") for release in (self.first["id"], "2.0.0-x.y"))
        tells = {"SYSLOG_IDENTIFIER": "silver-job-hello.digest", "_UID": "0"}
        said = [
            {**tells, "OBJECT_SYSTEMD_UNIT": mine, "_SYSTEMD_UNIT": other, "MESSAGE": "told by other's"},
            {**tells, "OBJECT_SYSTEMD_UNIT": other, "_SYSTEMD_UNIT": mine, "MESSAGE": "told by mine"},
            # The journal does not know where a process was that has ended by then.
            {**tells, "OBJECT_SYSTEMD_UNIT": mine, "MESSAGE": "told by measure"},
        ]
        (asked,), told = self.followed("cron", self.first["id"], said=said)
        self.assertIn("_UID=0", asked)
        self.assertEqual([line.split(" ", 1)[1] for line in told], ["job[7]: told by other's", "job[7]: told by measure"])
        self.machine.journal = said
        lines = self.ask("logs", site="hello", release=self.first["id"], lines=5, kind="cron")["lines"]
        self.assertEqual([line.split(" ", 1)[1] for line in lines], ["job[7]: told by other's", "job[7]: told by measure"])

    def test_a_spoiled_record_stops_no_job(self):
        self.start(self.first)
        with open(jobs.path(self.node, "hello"), "w") as file:
            file.write("[")
        self.assertEqual(self.job()["last"], None)
        self.assertEqual(self.start(self.first)[0], "digest is skipped: its last run has not ended")
