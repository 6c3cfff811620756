import os
import signal
from unittest import mock

from support import NodeTest

from silver import lease, verbs


class Leases(NodeTest):
    def setUp(self):
        super().setUp()
        self.converge()
        self.release_ = self.release(self.app())
        patience = mock.patch.object(lease, "PATIENCE_SECONDS", 0.05)
        patience.start()
        self.addCleanup(patience.stop)

    def elsewhere(self):
        """Takes the lease in another process, which lives until it is told to end. Its pid and how to wait for it."""
        ready, told = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                self.lease(self.release_, who="bo@desk")
                os.write(told, b"!")
                signal.pause()
            finally:
                os._exit(0)
        os.close(told)
        os.read(ready, 1)
        os.close(ready)
        return child

    def kill(self, child):
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)

    def test_one_session_has_it_and_the_other_is_told_who(self):
        child = self.elsewhere()
        self.addCleanup(self.kill, child)
        error = self.refused("leased", "lease", site="hello", who="anna@laptop", pid=1, release="x")
        self.assertEqual(error.holder["who"], "bo@desk")
        self.assertIn("hello is being rolled out by bo@desk (pid 7", error.message)
        self.assertEqual(self.site_state()["holder"]["release"], self.release_["id"])

    def test_it_ends_with_its_process(self):
        self.kill(self.elsewhere())
        self.assertIsNone(self.site_state()["holder"])
        self.assertEqual(self.lease(self.release_)["token"], 2)

    def test_a_dead_holder_is_forgotten_once_the_agent_itself_has_the_lock(self):
        self.kill(self.elsewhere())
        with lease.quiet(self.node, "hello") as ours:
            self.assertTrue(ours)
            self.assertIsNone(self.site_state()["holder"])
        self.assertEqual(self.lease(self.release_)["token"], 2)

    def test_its_token_only_grows_and_older_ones_are_refused(self):
        first = self.lease(self.release_)
        self.session.give_back("hello")
        second = self.lease(self.release_)
        self.assertGreater(second["token"], first["token"])
        self.refused("lease-lost", "undo", **first, reason="late")

    def test_nothing_is_done_without_it(self):
        for verb, arguments in {
            "receive": {"release": self.release_["id"], "bundle": self.release_["bundle"]["id"]},
            "flip": {"release": self.release_["id"], "last": True},
            "undo": {"reason": ""},
            "remove": {},
        }.items():
            self.refused("lease-lost", verb, site="hello", token=1, **arguments)

    def test_a_site_the_node_was_not_told_of_has_none(self):
        self.refused("usage", "lease", site="wiki", who="anna", pid=1, release="x")

    def test_a_session_takes_it_once(self):
        self.lease(self.release_)
        self.refused("usage", "lease", site="hello", who="anna", pid=1, release="x")

    def test_two_sites_do_not_wait_for_each_other(self):
        self.converge(sites=("hello", "wiki"))
        self.lease(self.release_)
        other = verbs.Session(self.node)
        taken = verbs.carry_out(self.node, other, "lease", {"site": "wiki", "who": "bo", "pid": 1, "release": "x"})
        self.assertEqual(taken["token"], 1)
        other.end()
