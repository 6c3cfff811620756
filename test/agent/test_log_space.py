import errno
import os
from unittest import mock

from support import Done, NodeTest

from silver import image, log_space, verify

MOUNT = "var-log-silver-hello.mount"


class LogSpace(NodeTest):
    """The file system itself is proved on real nodes."""

    def setUp(self):
        super().setUp()
        self.machine.users.add("site-hello")
        self.place("/dev/loop-control", "")
        os.makedirs(self.paths.site("hello"), exist_ok=True)
        self.logs, self.image = self.paths.logs("hello"), self.paths.at("/srv/silver/hello/logs.img")
        setattr(self.machine, "mkfs.ext4", lambda *words: None)

    def set_up(self):
        return [change["what"] for change in log_space.set_up(self.node, "hello")]

    def test_a_site_gets_a_file_system_that_takes_disk_only_as_it_fills(self):
        self.assertEqual(self.set_up(), ["/srv/silver/hello/logs.img", MOUNT])
        seen = os.stat(self.image)
        self.assertEqual((seen.st_size, seen.st_blocks, seen.st_mode & 0o777), (log_space.BYTES, 0, 0o600))
        self.assertEqual(self.machine.units[MOUNT], "active")
        self.assertTrue(os.path.islink(self.paths.unit_link(MOUNT)))
        text = self.text(f"/etc/systemd/system/{MOUNT}")
        self.assertIn("\nWhat=/srv/silver/hello/logs.img\nWhere=/var/log/silver/hello\n", text)
        self.assertIn("\nOptions=loop,nodev,nosuid,noexec,discard\n", text)
        self.assertEqual(self.set_up(), [])

    def test_half_an_image_is_made_anew(self):
        self.place("/srv/silver/hello/logs.img.new", "half")
        self.set_up()
        self.assertEqual(os.listdir(self.paths.site("hello")), ["logs.img"])

    def test_logs_of_a_node_that_was_set_up_before_stay(self):
        self.place("/var/log/silver/hello/app.log", "old")
        self.set_up()
        self.assertEqual(self.text("/var/log/silver/hello.before/app.log"), "old")
        self.assertEqual(os.listdir(self.logs), [])

    def test_what_an_app_has_filled_is_not_listed(self):
        place = f"{self.root}/top"
        found = f"{place}/lost+found"
        as_it_is = {
            "absent": lambda: None,
            "empty": lambda: os.mkdir(found),
            "filled": lambda: (os.mkdir(found), open(f"{found}/x", "w").close()),
            "a link": lambda: os.symlink("/etc", found),
            "a file": lambda: open(found, "w").close(),
        }
        for name, make in as_it_is.items():
            with self.subTest(name), mock.patch("os.listdir", side_effect=AssertionError):
                os.makedirs(place)
                make()
                image.own(place, os.geteuid(), os.getegid())
                self.assertEqual(os.path.lexists(found), name not in ("absent", "empty"))
                os.rename(place, f"{place} {name}")
        # Of a name that is not there, rmdir(2) says so only where it could be removed.
        with mock.patch("os.rmdir", side_effect=OSError(errno.EROFS, "Read-only file system")):
            image.own(f"{place} absent", os.geteuid(), os.getegid())
        with mock.patch("os.listdir", side_effect=AssertionError):
            log_space.set_aside(f"{place} filled")
            log_space.set_aside(f"{place} absent")
        self.assertTrue(os.path.exists(f"{place} filled.before"))
        self.assertTrue(os.path.exists(f"{place} absent"))

    def test_without_loop_devices_logs_are_on_the_node_s_disk(self):
        os.unlink(self.paths.at("/dev/loop-control"))
        self.assertEqual(self.set_up(), [])
        self.assertEqual(os.stat(self.logs).st_mode & 0o777, 0o750)
        self.assertNotIn(MOUNT, self.machine.units)
        self.assertIsNone(log_space.problem(self.node, "hello"))

    def test_what_can_not_be_mounted_is_told_with_its_reason(self):
        self.machine.systemctl = lambda *words: Done(1, "", "no free loop device") if words[0] == "start" else ""
        with self.assertRaisesRegex(Exception, "could not mount /var/log/silver/hello"):
            self.set_up()

    def test_status_tells_that_it_is_not_mounted(self):
        self.set_up()
        with mock.patch("silver.log_space.os.path.ismount", return_value=True):
            self.assertIsNone(log_space.problem(self.node, "hello"))
        with (
            mock.patch.object(verify.state, "read", return_value={"live": "1.0.0", "works": False}),
            mock.patch.object(verify.state, "record", return_value={"digest": "0" * 64, "units": []}),
        ):
            self.assertIn("its log directory is not mounted", verify.of_site(self.node, "hello", None)[0])

    def test_a_mount_that_is_lost_comes_back_unless_somebody_put_it_away(self):
        self.assertEqual(log_space.hold(self.node, "hello"), [])
        self.set_up()
        self.machine.units[MOUNT] = "inactive"
        self.assertEqual(log_space.hold(self.node, "hello"), [{"what": MOUNT, "why": "was not mounted"}])
        self.machine.units[MOUNT] = "inactive"
        os.remove(self.paths.unit_link(MOUNT))
        self.assertEqual(log_space.hold(self.node, "hello"), [])
        self.assertEqual(self.machine.units[MOUNT], "inactive")

    def test_a_removed_site_leaves_its_logs_and_gets_them_back(self):
        self.set_up()
        log_space.remove(self.node, "hello")
        self.assertFalse(os.path.exists(self.paths.unit(MOUNT)))
        self.assertEqual(self.set_up(), [MOUNT])

    def test_a_first_rollout_that_failed_leaves_none(self):
        self.set_up()
        log_space.discard(self.node, "hello")
        left = [path for path in (self.paths.unit(MOUNT), self.image, self.logs) if os.path.exists(path)]
        self.assertEqual(left, [])
        self.assertEqual(log_space.discard(self.node, "hello"), [])


class InARollout(NodeTest):
    def test_room_for_logs_is_made_before_anything_of_the_app_runs_and_goes_with_a_first_rollout_that_fails(self):
        self.place("/dev/loop-control", "")
        setattr(self.machine, "mkfs.ext4", lambda *words: None)
        self.converge()
        app = self.app()
        release = self.release(app)
        held = self.lease(release)
        self.prepare(held, release, app)
        starts = [call.split()[-1] for call in self.machine.calls if call.startswith("systemctl start")]
        service = f"silver-web-hello@{release['id']}.service"
        self.assertEqual([name for name in starts if name in (MOUNT, service)], [MOUNT, service])
        self.ask("undo", **held, reason="it failed")
        self.assertNotIn(MOUNT, os.listdir(self.paths.at("/etc/systemd/system")))
