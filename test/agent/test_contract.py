import unittest

from support import OWNER, AgentError, NodeTest

from silver import contract
from silver.schema import check_of


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
            ("arguments: should be an object, is a list", "ping", []),
            ("arguments: unknown key 'force'", "ping", {"force": True}),
            ("arguments: 'who' is missing", "lease", {key: value for key, value in lease.items() if key != "who"}),
            ("pid: should be a whole number, is true or false", "lease", {**lease, "pid": True}),
            ("pid: should be a whole number, is text", "lease", {**lease, "pid": "1"}),
            ("site: should be a site name", "lease", {**lease, "site": "../etc"}),
            ("site: should be a site name", "lease", {**lease, "site": "Blog"}),
            ("site: should be a site name", "lease", {**lease, "site": "blog\n"}),
            ("site: should be a site name, is null", "lease", {**lease, "site": None}),
            ("who: should be text without NUL characters", "lease", {**lease, "who": "a\0b"}),
            ("release: should be a release id", "flip", {**flip, "release": ".."}),
            ("release: should be a release id", "flip", {**flip, "release": "1.0.0-3fa2c1d0"}),
            ("release: should be a release id", "flip", {**flip, "release": "1/2-3fa2c1d0.c7b19e02"}),
            ("token: should be a whole number of at least 0", "flip", {**flip, "token": -1}),
            ("token: should be a whole number of at most 9007199254740991", "flip", {**flip, "token": 2**53}),
            ("last: should be true or false, is a number", "flip", {**flip, "last": 1}),
            ("kind: should be one of app, cron, rollout, access", "logs", {"site": "blog", "release": None, "lines": 5, "kind": "all"}),
        ]:
            with self.subTest(message):
                self.assertEqual(refusal(verb, arguments), message)

    def test_a_release_without_version_and_a_plain_one_pass(self):
        for release in ("3fa2c1d0.c7b19e02", "1.5.0-rc.1-3fa2c1d0.c7b19e02", "20261121_001-3fa2c1d0.c7b19e02"):
            self.assertIsNone(refusal("flip", {"site": "blog", "token": 1, "release": release, "last": False}))


class NodeStates(NodeTest):
    def test_a_node_s_state_is_checked_to_its_last_key(self):
        for message, change in [
            ("state.packages[0]: should be an apt package", {"packages": ["-o=x"]}),
            ("state.sites[0]: unknown key 'home'", {"sites": [{"name": "blog", "user": "site-blog", "home": "/"}]}),
            ("state.sites[0].user: should be a site's user", {"sites": [{"name": "blog", "user": "root"}]}),
            ("state.files[0].path: should be a plain absolute path", {"files": [{"path": "etc/x", "mode": "0644", "content": ""}]}),
            (
                "state.files[0].path: should be a plain absolute path",
                {"files": [{"path": "/a/../b", "mode": "0644", "content": ""}]},
            ),
            ("state.files[0].mode: should be an octal mode such as 0644", {"files": [{"path": "/x", "mode": "644", "content": ""}]}),
            ("state.units.running[0]: should be a systemd unit", {"units": {"running": ["x"], "stopped": []}}),
        ]:
            with self.subTest(message):
                self.assertEqual(refusal("converge", {"owner": OWNER, "state": {**self.node_state(), **change}}), message)

    def test_a_release_s_files_stay_inside_it(self):
        release = self.release(self.app())
        for path in ("../x", "/etc/passwd", "conf//x", ""):
            release["files"][0]["path"] = path
            arguments = {"site": "hello", "token": 1, "release": release, "listing": "", "secrets": {}, "startSeconds": 1}
            self.assertEqual(refusal("prepare", arguments), "release.files[0].path: should be a path that stays inside its directory")

    def test_a_secret_of_the_wrong_type_is_not_repeated(self):
        release = self.release(self.app())
        arguments = {"site": "hello", "token": 1, "release": release, "listing": "", "secrets": {"KEY": ["hunter2"]}, "startSeconds": 1}
        self.assertEqual(refusal("prepare", arguments), "secrets.KEY: should be text without NUL characters, is a list")

    def test_a_number_is_one_that_can_be_counted_with(self):
        for seconds in (float("nan"), float("inf")):
            arguments = {"site": "hello", "token": 1, "release": self.release(self.app()), "listing": "", "secrets": {}}
            self.assertIn("startSeconds: should be a number of at most", refusal("prepare", {**arguments, "startSeconds": seconds}))

    def test_a_variable_s_name_is_one(self):
        release = self.release(self.app(), variables={"A=B": "hunter2"})
        arguments = {"site": "hello", "token": 1, "release": release, "listing": "", "secrets": {}, "startSeconds": 1}
        self.assertEqual(refusal("prepare", arguments), "release.variables: key 'A=B': should be a variable's name")


def schemas(schema):
    """The schema and all within it."""
    yield schema
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", []), *schema.get("oneOf", [])]
    inner += [schema[key] for key in ("items", "propertyNames", "additionalProperties") if isinstance(schema.get(key), dict)]
    for one in inner:
        yield from schemas(one)


class Schemas(unittest.TestCase):
    def test_every_verb_s_schema_is_understood_to_its_last_keyword(self):
        for verb, schema in contract.read()["verbs"].items():
            with self.subTest(verb):
                check_of(schema)

    def test_a_keyword_that_no_check_stands_for_is_an_error_wherever_it_stands(self):
        for verb, top in contract.read()["verbs"].items():
            for schema in schemas(top):
                for keyword in ("format", "minLength", "$ref", "default"):
                    schema[keyword] = 1
                    with self.subTest(verb), self.assertRaisesRegex(ValueError, "no check stands for"):
                        check_of(top)
                    del schema[keyword]

    def test_a_schema_says_of_each_object_which_keys_it_has(self):
        for schema in ({"type": "object"}, {"type": "object", "properties": {}}, {"type": "string"}, {}):
            with self.assertRaisesRegex(ValueError, "no check stands for"):
                check_of(schema)

    def test_a_pattern_holds_for_the_whole_text(self):
        for pattern in ("[a-z]+", "^[a-z]+", "^a|b$"):
            with self.assertRaisesRegex(ValueError, "not anchored"):
                check_of({"type": "string", "pattern": pattern, "description": "a word"})
