"""Two environments with one node: whose it is, and who is refused."""

import os
import pathlib
import stat

from support import OWNER, NodeTest

from silver import claim, files

# Another project's stack, another stack, another state of a stack with the same name, and a fork of it elsewhere.
OTHERS = [
    {**OWNER, "id": "b" * 64, "name": "shop/test"},
    {**OWNER, "id": "c" * 64, "name": "acme/silverlining/production", "backend": "https://api.pulumi.com"},
    {**OWNER, "id": "d" * 64},
    {**OWNER, "id": "e" * 64, "backend": "file:///home/bo/app/.silver/state on laptop", "node": "app1"},
]
DAMAGES = [b"", b"\xff\x00{", b"[]", b"5", b'{"id": "aaaa"}']


class Claims(NodeTest):
    def owner(self):
        found = self.ask("hello").get("claim")
        return found and {key: value for key, value in found.items() if key != "since"}

    def tree(self):
        """Every file with its content, but for locks."""
        paths = [path for path in pathlib.Path(self.root).rglob("*") if path.is_file() and path.suffix != ".lock"]
        return {str(path): path.read_bytes() for path in paths}

    def lease_of(self, owner, site="hello"):
        return {"site": site, "who": "bo@desk", "pid": 7, "release": "x", "owner": owner}

    def test_a_fresh_node_is_nobody_s_and_the_first_converge_claims_it(self):
        self.assertIsNone(self.owner())
        self.assertIn({"what": "the node's owner", "why": "it had none"}, self.converge())
        self.assertEqual(self.owner(), OWNER)
        for path in (claim.record_path(self.node), claim.copy_path(self.node)):
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)

    def test_its_own_environment_goes_on_and_may_change_its_name_and_backend(self):
        self.converge()
        since = self.ask("hello")["claim"]["since"]
        self.assertEqual(self.converge(), [])
        moved = {**OWNER, "name": "silverlining/main", "backend": "gs://acme", "node": "app1"}
        self.ask("converge", owner=moved, state=self.node_state())
        self.assertEqual(self.ask("hello")["claim"], {**moved, "since": since})

    def test_another_is_refused_with_the_owner_s_name_and_the_command_and_nothing_is_touched(self):
        self.converge()
        self.roll_out()
        for other in OTHERS:
            before, calls = self.tree(), len(self.machine.calls)
            errors = [
                self.refused("claimed", "converge", owner=other, state=self.node_state(sites=())),
                self.refused("claimed", "claim", owner=other),
                self.refused("claimed", "claim", owner=other, **{"from": "f" * 64}),
                self.refused("claimed", "lease", **self.lease_of(other)),
                self.refused("claimed", "lease", **self.lease_of(other, site="unheard-of")),
            ]
            self.assertEqual((self.tree(), self.machine.calls[calls:]), (before, []))
            self.assertEqual(self.session.leases, {})
            for error in errors:
                node, environment = other["node"], other["name"].split("/")[-1]
                self.assertIn(f"{node} is another environment's: silverlining/test, whose state is in s3://acme-pulumi", error.message)
                self.assertIn(f"silver claim {node} -e {environment}, which asks", error.fix)
            self.assertEqual(self.owner(), OWNER)
        self.assertIn(", made anew since,", self.refused("claimed", "claim", owner=OTHERS[2]).message)

    def test_a_removal_that_an_older_version_planned_names_no_owner_and_goes_on(self):
        self.converge()
        self.roll_out()
        held = {key: value for key, value in self.lease_of(OWNER).items() if key != "owner"}
        token = self.ask("lease", **held)["token"]
        self.assertIsNotNone(self.ask("remove", site="hello", token=token)["archive"])

    def test_it_is_handed_over_by_the_owner_s_id_and_the_former_one_is_refused(self):
        self.converge()
        for other in OTHERS:
            before = self.owner()
            self.assertEqual(
                self.ask("claim", owner=other, **{"from": before["id"]})["changes"],
                [{"what": "the node's owner", "why": f"it was {before['name']}"}],
            )
            self.assertEqual(self.owner(), other)
            # Again, as after an answer that was lost.
            self.assertEqual(self.ask("claim", owner=other, **{"from": before["id"]})["changes"], [])
            self.refused("claimed", "converge", owner=before, state=self.node_state())
            self.ask("converge", owner=other, state=self.node_state())

    def test_it_is_not_handed_over_in_the_middle_of_a_rollout(self):
        self.converge()
        held = self.lease(self.release(self.app()))
        error = self.refused("leased", "claim", owner=OTHERS[0], **{"from": OWNER["id"]})
        self.assertEqual(error.holder["who"], "anna@laptop")
        self.assertEqual(self.owner(), OWNER)
        self.session.give_back(held["site"])
        self.ask("claim", owner=OTHERS[0], **{"from": OWNER["id"]})

    def test_what_is_given_up_is_nobody_s(self):
        self.converge()
        self.assertEqual(self.ask("give-up", owner=OWNER)["changes"], [{"what": "the node's owner", "why": "silverlining/test gave it up"}])
        self.assertIsNone(self.owner())
        self.assertEqual(self.ask("give-up", owner=OWNER)["changes"], [])
        self.ask("converge", owner=OTHERS[0], state=self.node_state())
        self.assertEqual(self.owner(), OTHERS[0])

    def test_nobody_gives_up_another_s_nor_the_name_that_a_node_had_before(self):
        self.converge()
        for other in [*OTHERS, {**OWNER, "node": "app1"}]:
            self.assertEqual(self.ask("give-up", owner=other)["changes"], [])
            self.assertEqual(self.owner(), OWNER)

    def spoil(self, path):
        for damage in DAMAGES:
            with self.subTest(path=path, damage=damage):
                pathlib.Path(path).write_bytes(damage)
                yield

    def test_one_spoiled_or_lost_record_changes_nothing(self):
        self.converge()
        for path in (claim.record_path(self.node), claim.copy_path(self.node)):
            for _ in self.spoil(path):
                self.refused("claimed", "converge", owner=OTHERS[0], state=self.node_state())
                self.assertEqual(self.owner(), OWNER)
                self.converge()
                self.assertEqual(files.read_json(path)["id"], OWNER["id"])
            os.unlink(path)
            self.refused("claimed", "lease", **self.lease_of(OTHERS[0]))
            self.assertEqual(self.owner(), OWNER)
            self.converge()
            self.assertEqual(files.read_json(path)["id"], OWNER["id"])

    def test_two_spoiled_records_give_the_node_to_nobody_and_lock_nobody_out(self):
        self.converge()
        for damage in DAMAGES:
            for path in (claim.record_path(self.node), claim.copy_path(self.node)):
                pathlib.Path(path).write_bytes(damage)
            for owner in (OWNER, OTHERS[0]):
                for verb, arguments in (("converge", {"state": self.node_state()}), ("claim", {})):
                    error = self.refused("claimed", verb, owner=owner, **arguments)
                    self.assertIn("its record is spoiled", error.message)
                    self.assertIn("it is called unknown/unknown", error.message)
            self.assertEqual(self.owner()["name"], "unknown/unknown")
            self.ask("claim", owner=OWNER, **{"from": self.owner()["id"]})
            self.assertEqual(self.owner(), OWNER)

    def test_a_crash_at_any_moment_leaves_the_one_or_the_other(self):
        for verb, arguments, ends in (
            ("claim", {"owner": OTHERS[0], "from": OWNER["id"]}, OTHERS[0]),
            ("give-up", {"owner": OWNER}, None),
        ):
            self.ask("claim", owner=OWNER, **({"from": self.owner()["id"]} if self.owner() else {}))
            for path in (claim.record_path(self.node), claim.copy_path(self.node)):
                kept = pathlib.Path(path).read_bytes()
                self.ask(verb, **arguments)
                # As if it had ended before this one of the two.
                pathlib.Path(path).write_bytes(kept)
                self.assertIn(self.owner(), (OWNER, ends))
                if self.owner() == OWNER:
                    self.ask(verb, **arguments)
                self.assertEqual(self.owner(), ends)
                self.ask("claim", owner=OWNER, **({"from": ends["id"]} if ends else {}))
