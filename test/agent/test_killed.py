import os
from unittest import mock

from support import Killed, NodeTest

from silver import files, history, journal, retire, state, units


class KilledAnywhere(NodeTest):
    """Failures 1 and 7 of the protocol: at any moment, one release serves, and everything agrees."""

    def setUp(self):
        super().setUp()
        self.converge()
        self.first = self.roll_out("1.0.0")
        self.app_text = self.app(src__wsgi_py="version = '1.1.0'\n")
        self.second = self.release(self.app_text, "1.1.0")
        # Every write that others can see may be the last one.
        for name in ("_replace", "append_line", "remove", "remove_tree", "put"):
            patch = mock.patch.object(files, name, self.dying(getattr(files, name)))
            patch.start()
            self.addCleanup(patch.stop)
        rename = mock.patch.object(os, "rename", self.dying(os.rename))
        rename.start()
        self.addCleanup(rename.stop)

    def release(self, app, version="1.0.0", **changes):
        """With a worker, which must run in the live release alone."""
        plain = super().release(app, version, **changes)
        worker = {"path": "conf/worker.service", "mode": "0644", "content": "[Service]\nExecStart=sleeps\n"}
        listed = {"role": "worker", "file": worker["path"], "starts": "cut-over"}
        return super().release(app, version, files=[*plain["files"], worker], units=[*plain["units"], listed], **changes)

    def dying(self, work):
        def step(*words, **named):
            self.machine.step()
            return work(*words, **named)

        return step

    def rollout(self):
        held = self.lease(self.second)
        self.prepare(held, self.second, self.app_text)
        self.ask("flip", **held, release=self.second["id"], last=False)
        self.ask("flip", **held, release=self.second["id"], last=True)
        self.hand_over(held)
        self.finish(held, self.second)

    def removal(self):
        held = self.lease(self.first)
        self.ask("remove", **held)
        self.session.give_back("hello")

    def die_at_each_step(self, work, after):
        """Runs `work` anew for each step it has, dying before that step; `after` looks at what is left. Counts the steps."""
        count = 0
        while True:
            self.machine.done, self.machine.die_at = 0, count
            try:
                work()
            except Killed:
                with self.subTest(step=count):
                    after()
                # And as it was, for the next death.
                self.die()
                for name in list(self.machine.servers):
                    self.machine.stop(name)
                self.doCleanupsOfRoot()
                count += 1
                continue
            self.machine.die_at = None
            return count

    def doCleanupsOfRoot(self):
        """A new node in the same place."""
        import shutil

        shutil.rmtree(self.root)
        os.makedirs(self.paths.at("/usr/sbin"))
        os.makedirs(self.paths.at("/etc/systemd/system"))
        self.place("/etc/os-release", 'ID=debian\nVERSION_ID="12"\n')
        self.machine.__init__(self.paths)
        self.converge()
        self.roll_out("1.0.0")

    def serving(self):
        """What must serve: the new release once it was let in for good, the first one before."""
        live = state.read(self.node, "hello")["live"]
        return self.second if live == self.second["id"] else self.first

    def test_a_killed_agent_is_put_right_by_the_next_lease(self):
        outcomes = set()

        def after():
            self.die()
            record = journal.read(self.node, "hello")
            over = record is not None and record["phase"] == "cut-over"
            before = self.serving()
            held = self.lease(self.first, who="next")
            self.assert_in_order(self.second if over else before if record is None else self.first)
            outcomes.add(record and record["phase"])
            # The whole of it works from here.
            self.session.give_back("hello")
            self.assertIsNotNone(held)
            self.rollout()
            self.assert_in_order(self.second)

        self.assertGreater(self.die_at_each_step(self.rollout, after), 40)
        self.assertEqual(outcomes, {None, "prepare", "flip", "flipped", "cut-over"})

    def test_a_rebooted_node_is_put_right_before_varnish_lets_anyone_in(self):
        def after():
            record = journal.read(self.node, "hello")
            over = record is not None and record["phase"] == "cut-over"
            before = self.serving()
            self.die()
            self.machine.reboot()
            self.start_boot()
            self.assert_in_order(self.second if over else before if record is None else self.first)

        self.assertGreater(self.die_at_each_step(self.rollout, after), 40)

    def test_an_undo_that_dies_is_undone_to_its_end(self):
        def work():
            held = self.lease(self.second)
            die_at, self.machine.die_at = self.machine.die_at, None
            self.prepare(held, self.second, self.app_text)
            self.ask("flip", **held, release=self.second["id"], last=True)
            self.machine.done, self.machine.die_at = 0, die_at
            self.ask("undo", **held, reason="the watch failed")
            self.machine.die_at = None
            self.finish(held, self.second, "reverted", "the watch failed")

        def after():
            phase = journal.read(self.node, "hello")
            self.die()
            self.lease(self.first, who="next")
            over = phase is not None and phase["phase"] == "cut-over"
            self.assert_in_order(self.second if over else self.first)

        self.assertGreater(self.die_at_each_step(work, after), 5)

    def test_a_removal_goes_only_forward(self):
        def after():
            begun = journal.read(self.node, "hello") is not None
            done = state.read(self.node, "hello")["live"] is None
            self.die()
            self.lease(self.first, who="next")
            self.assertIsNone(journal.read(self.node, "hello"))
            self.assertEqual(state.read(self.node, "hello")["live"], None if begun or done else self.first["id"])
            self.assertEqual(self.machine.serves() is None, begun or done)

        self.assertGreater(self.die_at_each_step(self.removal, after), 10)

    def test_what_a_killed_retirement_left_goes_with_the_next(self):
        def work():
            die_at, self.machine.die_at = self.machine.die_at, None
            self.roll_out("1.1.0")
            state.change(self.node, "hello", settings={"retain": 1, "graceSeconds": 1, "drainSeconds": 0})
            self.machine.done, self.machine.die_at = 0, die_at
            retire.retire(self.node, "hello", self.first["id"])

        def after():
            self.die()
            retire.retire(self.node, "hello", self.first["id"])
            with open(self.paths.var("addresses.json")) as file:
                self.assertNotIn(self.first["id"], file.read())
            self.assertEqual(len(os.listdir(self.paths.releases("hello"))), 1)
            self.assertEqual(len([name for name in os.listdir(self.paths.vcl_directory()) if name.startswith("r_")]), 1)
            self.assertFalse(os.path.exists(self.paths.unit(units.name("hello", self.first["id"], "web"))))
            self.assertEqual(len([name for name in self.machine.vcls if name.startswith("r_")]), 1)

        self.assertGreater(self.die_at_each_step(work, after), 10)

    def test_a_rollout_that_died_after_the_cut_over_is_in_the_history_once(self):
        def after():
            self.die()
            self.lease(self.first, who="next")
            lines = [line for line in files.read_lines(self.paths.history("hello")) if line["token"] == 2]
            self.assertLessEqual(len(lines), 1)
            if self.serving() == self.second:
                self.assertEqual([line["verdict"] for line in lines], ["live"])
            self.assertIsNotNone(history.last(self.node, "hello"))

        self.die_at_each_step(self.rollout, after)
