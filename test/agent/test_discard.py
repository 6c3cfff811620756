import math
import os

from support import NodeTest

from silver import addresses, discard, state, varnish
from silver.retire import retire


class Discard(NodeTest):
    """On this machine, too, Varnish dies when it discards a VCL with connections left."""

    def setUp(self):
        super().setUp()
        self.converge()

    def keep_connections(self, release, left):
        place = addresses.find(self.node, "hello", release["id"])
        self.place_of = f"{place['address']}:{place['port']}"
        self.machine.kept[self.place_of] = left

    def vcl(self, release):
        return varnish.vcl_name("hello", release["digest"])

    def flipped(self, release, app):
        held = self.lease(release)
        self.prepare(held, release, app)
        self.ask("flip", **held, release=release["id"], last=True)
        return held

    # Every way to the end of a release: each returns the release whose VCL goes.

    def retired(self, left):
        first = self.roll_out("1.0.0")
        self.roll_out("1.1.0")
        self.keep_connections(first, left)
        retire(self.node, "hello", first["id"])
        return first

    def undone_after_the_flip(self, left):
        self.roll_out("1.0.0")
        app = self.app(src__wsgi_py="x = 2\n")
        release = self.release(app, "1.1.0")
        held = self.flipped(release, app)
        self.keep_connections(release, left)
        self.ask("undo", **held, reason="the watch failed")
        self.finish(held, release, "reverted", "the watch failed")
        retire(self.node, "hello", release["id"])
        return release

    def undone_before_the_flip(self, left):
        self.roll_out("1.0.0")
        app = self.app(src__wsgi_py="x = 2\n")
        release = self.release(app, "1.1.0")
        held = self.lease(release)
        self.prepare(held, release, app)
        self.keep_connections(release, left)
        self.ask("undo", **held, reason="the check failed")
        self.finish(held, release, "reverted", "the check failed")
        return release

    def recovered(self, left):
        self.roll_out("1.0.0")
        app = self.app(src__wsgi_py="x = 2\n")
        release = self.release(app, "1.1.0")
        self.prepare(self.lease(release), release, app)
        self.keep_connections(release, left)
        self.die()
        self.ask("recover")
        return release

    def pruned(self, left):
        released = [self.roll_out(f"1.{number}.0") for number in range(4)]
        for release in released[1:3]:
            retire(self.node, "hello", release["id"])
        # Stopped by a retirement that died before it came to the VCL.
        for service in self.machine.servers.copy():
            if released[0]["id"] in service:
                self.machine.stop(service)
        self.keep_connections(released[0], left)
        retire(self.node, "hello", released[2]["id"])
        return released[0]

    def removed(self, left):
        release = self.roll_out("1.0.0")
        self.keep_connections(release, left)
        held = self.lease(release)
        self.ask("remove", **held)
        self.session.give_back("hello")
        return release

    ENDS = ("retired", "undone_after_the_flip", "undone_before_the_flip", "recovered", "pruned", "removed")

    def test_a_vcl_goes_once_no_connection_is_left_however_its_release_ends(self):
        for end in self.ENDS:
            with self.subTest(end):
                self.start_anew()
                release = getattr(self, end)(3)
                self.assertIn(self.vcl(release), self.machine.discarded)
                self.assertEqual(self.machine.kept[self.place_of], 0)
                self.assertEqual(discard.waiting(self.node), [])

    def test_a_vcl_whose_connections_stay_is_left_cold_with_its_address_however_its_release_ends(self):
        for end in self.ENDS:
            with self.subTest(end):
                self.start_anew()
                release = getattr(self, end)(math.inf)
                vcl = self.vcl(release)
                self.assertEqual(self.machine.units["varnish.service"], "active")
                self.assertEqual((vcl in self.machine.vcls, vcl in self.machine.cold), (True, True))
                self.assertIsNotNone(addresses.find(self.node, "hello", release["id"]))
                self.assertEqual(discard.waiting(self.node), [vcl])
                # Still connected: the next sweep leaves it, too.
                self.ask("recover")
                self.assertIn(vcl, self.machine.vcls)
                self.machine.kept.clear()
                self.ask("recover")
                self.assertNotIn(vcl, self.machine.vcls)
                self.assertEqual(discard.waiting(self.node), [])
                gone = release["id"] not in state.read(self.node, "hello")["releases"]
                self.assertEqual(gone, addresses.find(self.node, "hello", release["id"]) is None)
                self.assertEqual(gone, not os.path.exists(self.paths.vcl(vcl)))

    def test_what_waited_serves_again_when_its_release_is_asked_for(self):
        first = self.retired(math.inf)
        self.assertEqual(self.roll_out("1.0.0"), first)
        self.assert_in_order(first)
        self.assertEqual((self.machine.cold, discard.waiting(self.node)), (set(), []))

    def test_a_varnish_started_anew_has_nothing_left_to_discard(self):
        release = self.removed(math.inf)
        self.machine.reboot()
        self.start_boot()
        self.assertEqual(discard.waiting(self.node), [])
        self.assertIsNone(addresses.find(self.node, "hello", release["id"]))

    def test_a_sweep_leaves_a_site_alone_that_a_session_works_on(self):
        first = self.retired(math.inf)
        held = self.lease(self.release(self.app(), "1.2.0"))
        self.machine.kept.clear()
        self.assertEqual(discard.sweep(self.node), [])
        self.session.give_back(held["site"])
        self.assertEqual(discard.sweep(self.node), [{"what": self.vcl(first), "why": "no connection is left"}])

    def test_a_release_that_runs_again_is_never_swept(self):
        first = self.retired(math.inf)
        kept = self.text(f"/var/lib/silver/varnish/{self.vcl(first)}.kept")
        self.roll_out("1.0.0")
        self.machine.kept.clear()
        # As if whoever brought it back had died before this file went.
        self.place(f"/var/lib/silver/varnish/{self.vcl(first)}.kept", kept)
        self.assertEqual(discard.sweep(self.node), [])
        self.assertEqual(discard.waiting(self.node), [])
        self.assert_in_order(first)

    def start_anew(self):
        """Another node for each subtest."""
        self.doCleanups()
        self.setUp()
