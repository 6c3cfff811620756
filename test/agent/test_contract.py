import unittest

from support import AgentError, NodeTest

from silver import contract


def refusal(verb, arguments):
    try:
        contract.check_arguments(verb, arguments)
    except AgentError as error:
        assert error.code == "usage", error
        return error.message
    return None


class Arguments(unittest.TestCase):
    def test_each_wrong_argument_is_refused_by_its_path(self):
        lease = {"site": "blog", "who": "anna@laptop", "pid": 1, "release": "x"}
        flip = {"site": "blog", "token": 1, "release": "1.0.0-3fa2c1d0.c7b19e02", "last": True}
        for message, verb, arguments in [
            ("unknown verb 'reload'", "reload", {}),
            ("arguments: should be an object, is list", "ping", []),
            ("arguments: unknown key 'force'", "ping", {"force": True}),
            ("arguments: 'who' is missing", "lease", {key: value for key, value in lease.items() if key != "who"}),
            ("pid: should be a whole number, is bool", "lease", {**lease, "pid": True}),
            ("pid: should be a whole number, is str", "lease", {**lease, "pid": "1"}),
            ("site: '../etc' is not a site name", "lease", {**lease, "site": "../etc"}),
            ("site: 'Blog' is not a site name", "lease", {**lease, "site": "Blog"}),
            ("who: holds a NUL character", "lease", {**lease, "who": "a\0b"}),
            ("release: '..' is not a release id", "flip", {**flip, "release": ".."}),
            ("release: '1.0.0-3fa2c1d0' is not a release id", "flip", {**flip, "release": "1.0.0-3fa2c1d0"}),
            ("release: '1/2-3fa2c1d0.c7b19e02' is not a release id", "flip", {**flip, "release": "1/2-3fa2c1d0.c7b19e02"}),
            ("last: should be true or false, is int", "flip", {**flip, "last": 1}),
            ("kind: should be one of app, rollout", "logs", {"site": "blog", "release": None, "lines": 5, "kind": "all"}),
        ]:
            with self.subTest(message):
                self.assertEqual(refusal(verb, arguments), message)

    def test_a_release_without_version_and_a_plain_one_pass(self):
        for release in ("3fa2c1d0.c7b19e02", "1.5.0-rc.1-3fa2c1d0.c7b19e02", "20261121_001-3fa2c1d0.c7b19e02"):
            self.assertIsNone(refusal("flip", {"site": "blog", "token": 1, "release": release, "last": False}))


class NodeStates(NodeTest):
    def test_a_node_s_state_is_checked_to_its_last_key(self):
        for message, change in [
            ("state.packages[0]: '-o=x' is not an apt package", {"packages": ["-o=x"]}),
            ("state.sites[0]: unknown key 'home'", {"sites": [{"name": "blog", "user": "site-blog", "home": "/"}]}),
            ("state.sites[0].user: 'root' is not a site's user", {"sites": [{"name": "blog", "user": "root"}]}),
            ("state.files[0].path: 'etc/x' is not a plain absolute path", {"files": [{"path": "etc/x", "mode": "0644", "content": ""}]}),
            (
                "state.files[0].path: '/a/../b' is not a plain absolute path",
                {"files": [{"path": "/a/../b", "mode": "0644", "content": ""}]},
            ),
            ("state.files[0].mode: '644' is not an octal mode such as 0644", {"files": [{"path": "/x", "mode": "644", "content": ""}]}),
            ("state.units.running[0]: 'x' is not a systemd unit", {"units": {"running": ["x"], "stopped": []}}),
        ]:
            with self.subTest(message):
                self.assertEqual(refusal("converge", {"state": {**self.node_state(), **change}}), message)

    def test_a_release_s_files_stay_inside_it(self):
        release = self.release(self.app())
        for path in ("../x", "/etc/passwd", "conf//x", ""):
            release["files"][0]["path"] = path
            arguments = {"site": "hello", "token": 1, "release": release, "listing": "", "secrets": {}, "startSeconds": 1}
            self.assertEqual(refusal("prepare", arguments), f"release.files[0].path: {path!r} does not stay inside the release")

    def test_a_secret_of_the_wrong_type_is_not_repeated(self):
        release = self.release(self.app())
        arguments = {"site": "hello", "token": 1, "release": release, "listing": "", "secrets": {"KEY": ["hunter2"]}, "startSeconds": 1}
        self.assertEqual(refusal("prepare", arguments), "secrets.KEY: should be text, is list")
