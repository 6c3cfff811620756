import hashlib
import pathlib
import unittest

from support import Done, NodeTest

from silver import debs


class Debs(NodeTest):
    """What apt makes of a file is proved on real nodes; here, which files it is given."""

    def setUp(self):
        super().setUp()
        self.converge(sites=("hello", "other"))
        self.installed, self.given = {"libc6": "2.36"}, []
        install, query = self.machine.apt_get, self.machine.dpkg_query
        self.machine.apt_get = lambda *words: self.bring(words) if words[-1].endswith(".deb") else install(*words)
        self.machine.dpkg_query = lambda *words: self.query(words) if "Version" in words[1] else query(*words)
        self.machine.dpkg_deb = self.field
        self.machine.dpkg = lambda option, one, how, other: Done(0 if one < other else 1, "", "")

    def field(self, option, path, *names):
        """A file of these tests is its package and version."""
        package, _, version = pathlib.Path(path).read_text().partition(" ")
        if not version:
            return Done(2, "", "dpkg-deb: error: not a Debian format archive")
        return f"Package: {package}\nVersion: {version}\nArchitecture: all\n"

    def query(self, words):
        version = self.installed.get(words[-1])
        return f"installed {version}" if version else Done(1, "", "no packages found")

    def bring(self, words):
        if "-s" in words:
            return
        self.given.append([word.rsplit("/", 1)[-1] for word in words if word.endswith(".deb")])
        for path in [word for word in words if word.endswith(".deb")]:
            package, version = pathlib.Path(path).read_text().split()
            self.installed[package] = version

    def roll_out_with(self, content, site="hello", version="1.0.0", digest=None):
        app = {"src/wsgi.py": f"version = {version!r}\n", "vendor/own.deb": content}
        digest = digest or hashlib.sha256(content.encode()).hexdigest()
        return self.roll_out(version, app, site=site, debs=[{"path": "vendor/own.deb", "digest": digest}])

    def fails(self, code, content, site="hello", version="2.0.0", digest=None):
        app = {"src/wsgi.py": f"version = {version!r}\n", "vendor/own.deb": content}
        digest = digest or hashlib.sha256(content.encode()).hexdigest()
        release = self.release(app, version, site=site, debs=[{"path": "vendor/own.deb", "digest": digest}])
        held = self.lease(release)
        self.upload(held, release, app)
        words = {"release": release, "listing": self.listing(app), "secrets": {}, "startSeconds": 5}
        error = self.refused(code, "prepare", **held, **words)
        self.ask("undo", **held, reason="for a test")
        self.session.give_back(site)
        return error

    def test_a_file_is_installed_once_and_a_later_version_of_it_again(self):
        self.roll_out_with("own 1.0")
        self.roll_out_with("own 1.0", version="1.0.1")
        self.assertEqual((self.given, self.installed["own"]), ([["own.deb"]], "1.0"))
        self.roll_out_with("own 1.1", version="1.1.0")
        self.assertEqual(self.installed["own"], "1.1")
        calls = [call for call in self.machine.calls if call.startswith("systemd-run") and "own.deb" in call]
        self.assertTrue(all("--no-remove" in call and "unit=silver-packages@hello" in call for call in calls), calls)

    def test_what_the_node_has_from_elsewhere_or_from_another_site_is_never_replaced(self):
        error = self.fails("package", "libc6 99")
        self.assertEqual(error.message, "vendor/own.deb is libc6 99, and the node has version 2.36, from elsewhere")
        self.roll_out_with("own 1.0")
        self.assertIn("brought by the site hello", self.fails("package", "own 2.0", site="other").message)
        # The same version may serve both.
        self.roll_out_with("own 1.0", site="other")
        self.assertIn("brought by an earlier release", self.fails("package", "own 0.9").message)
        self.assertEqual(self.installed, {"libc6": "2.36", "own": "1.0"})

    def test_a_file_of_other_bytes_or_that_is_no_package_is_refused(self):
        self.assertIn("not the file that was planned", self.fails("bundle-differs", "own 1.0", digest="0" * 64).message)
        self.assertIn("is not a Debian package", self.fails("package", "own").message)
        self.assertEqual(self.given, [])

    def test_an_installation_that_was_cut_short_is_ended_first(self):
        answers = [Done(100, "", "E: dpkg was interrupted, you must manually run 'dpkg --configure -a'"), Done(0, "", "")]
        bring, self.bring = self.bring, lambda words: answers[0] if answers[1:] else bring(words)
        self.machine.dpkg = lambda *words: answers.pop()
        self.roll_out_with("own 1.0")
        self.assertEqual(self.installed["own"], "1.0")

    def test_a_spoiled_record_keeps_nobody_from_what_is_there(self):
        self.roll_out_with("own 1.0")
        self.place(f"/var/lib/silver/{debs.RECORD}", "")
        self.roll_out_with("own 1.0", version="1.0.1")
        self.assertIn("from elsewhere", self.fails("package", "own 2.0").message)


if __name__ == "__main__":
    unittest.main()
