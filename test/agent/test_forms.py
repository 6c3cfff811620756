"""Records that are JSON, and whose inner form is another one: a fault of one site or of one command is that one's alone."""

import json
import os
import pathlib
import unittest
from types import NoneType
from unittest import mock

from support import AgentError, DriverGone, NodeTest

from silver import certificates, jobs, lease, log_space, measure, node_record, own_login, recover, runs, site_key, spoiled, state, units

JOB = {**jobs.EMPTY, "running": {"00000000000000aa": {"began": 1, "release": "1.0.0-aaaaaaaa.bbbbbbbb"}}}
ENDED = {"began": 1, "seconds": 2, "result": None}
# What a status tells of a job, by contract.ts.
TOLD = {"name": str, "next": int | float | NoneType, "running": int, "last": dict | NoneType, "failures": int, "skipped": int}
RUN = {"site": "hello", "release": "1", "unit": "silver-run-hello.x@1.service", "who": "anna", "program": "shell", "terminal": False}
ANOTHER = ({}, [], 5, 1.5, True, None, "x", {"r": 1}, [1])


def spoilt(value):
    """The value with one thing of it at a time replaced, or gone."""
    for other in ANOTHER:
        if type(other) is not type(value) or isinstance(other, dict | list):
            yield other
    for key in value if isinstance(value, dict) else ():
        yield {each: inner for each, inner in value.items() if each != key}
        yield from ({**value, key: inner} for inner in spoilt(value[key]))


class Forms(unittest.TestCase):
    def test_a_form_goes_down_to_the_leaves(self):
        form = {"a": int, "b": [{"c": str | bool}], "d": {str: float}}
        right = {"a": 1, "b": [{"c": "x"}, {"c": True}], "d": {"any": 1.5}, "more": None}
        self.assertTrue(spoiled.has_form(right, form))
        for wrong in ({"a": True}, {"a": "1"}, {"b": {}}, {"b": [{}]}, {"b": [{"c": 1}]}, {"d": []}, {"d": {"any": 1}}):
            self.assertFalse(spoiled.has_form({**right, **wrong}, form), wrong)
        self.assertFalse(spoiled.has_form({}, form))

    def test_a_record_without_anything_optional_is_right_in_one_form_alone(self):
        for is_right, record in ((site_key.is_record, {"serial": 1}), (own_login.is_login, {"password": "x"})):
            self.assertTrue(is_right(record))
            self.assertEqual([value for value in spoilt(record) if is_right(value)], [])


class Inner(NodeTest):
    def setUp(self):
        super().setUp()
        self.converge(sites=("hello", "other"))
        self.roll_out(site="other")
        self.live = self.roll_out()

    def each(self, path, right):
        for value in spoilt(right):
            with self.subTest(value):
                file = pathlib.Path(path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(json.dumps(value))
                yield

    def test_what_is_known_of_jobs(self):
        for right in ({"x": JOB}, {"x": {**jobs.EMPTY, "last": ENDED}}):
            for _ in self.each(jobs.path(self.node, "hello"), right):
                self.ask("measure")
                self.ask("status", site=None)
                for job in self.told_of_jobs():
                    self.assertEqual(job.keys(), TOLD.keys())
                    self.assertTrue(spoiled.has_form(job, TOLD), job)
                    self.assertTrue(job["last"] is None or spoiled.has_form(job["last"], jobs.ENDED), job)
                jobs.end_written(self.node, "hello")
                jobs.change(self.node, "hello", "x", skipped=1)

    def told_of_jobs(self):
        """As a status tells of the job x."""
        state.change(self.node, "hello", works=True)
        timer = units.name("hello", self.live["id"], "cron", "x", "timer")
        with mock.patch.object(units, "of", lambda *words: {timer: {"role": "cron", "name": "x"}}):
            found = jobs.status(self.node, "hello")
        self.assertEqual(len(found), 1)
        return found

    def test_the_node_s_own(self):
        self.machine.ip = lambda *words: ""
        right = self.node_state(https={"authority": "local", "hosts": {"hello": ["hello.test"]}})
        self.assertTrue(node_record.is_record(right))
        for _ in self.each(node_record.path(self.node), right):
            # Whatever is taken for one is enough for all that reads it.
            found = node_record.read(self.node)
            node_record.put_back(self.node)
            certificates.problems(self.node)
            if "https" in found:
                certificates.names_of(self.node, found["https"])
            texts = [*found.get("packages", []), *found.get("units", {}).get("running", []), *(site["name"] for site in found["sites"])]
            self.assertTrue(spoiled.is_list_of_texts(texts), texts)

    def test_what_is_known_of_certificates(self):
        right = {"_": {"names": ["DNS:x"], "until": 1, "serial": "aa", "file": "bb", "authority": "cc"}}
        for wrong in ({"names": [1]}, {"until": True}, {"serial": 1}, {"file": None}):
            self.assertFalse(certificates.is_record({"_": {**right["_"], **wrong}}), wrong)
        self.assertTrue(certificates.is_record(right))

    def test_a_command_that_was_begun(self):
        for _ in self.each(f"{self.paths.runs()}/00000000000000aa/run.json", RUN):
            runs.of_site(self.node, "other")
            runs.end_all(self.node, "other")
            self.ask("measure")
            self.assertEqual(runs.listed(self.node), [])

    def test_a_lease(self):
        right = {"token": 3, "holder": {"who": "anna", "pid": 7, "release": "1", "since": "2026-11-29T15:23:57+00:00"}}
        for _ in self.each(lease.record_path(self.node, "hello"), right):
            self.ask("status", site=None)
            self.ask("measure")

    def test_any_other_fault_of_a_site_is_that_site_s_too(self):
        held = []

        def hold(node, site):
            held.append(site)
            if site == "hello":
                raise KeyError("anything")
            return [{"what": site, "why": "held"}]

        with mock.patch.object(log_space, "hold", hold), self.assertRaises(KeyError):
            measure.measure(self.node)
        self.assertEqual(held, ["hello", "other"])
        self.assertIn("internal: the agent failed: KeyError", self.node.notes)
        self.assertTrue(any("in hold" in line for line in self.node.notes), self.node.notes)

    def test_who_only_waits_ends_with_its_driver(self):
        self.node.notes.clear()
        with mock.patch.object(log_space, "hold", side_effect=DriverGone), self.assertRaises(DriverGone):
            measure.measure(self.node)
        self.assertEqual(self.node.notes, [])

    def test_so_is_one_of_its_recovery(self):
        with mock.patch.object(recover, "after_boot", side_effect=[AgentError("unit", "it failed", log=["why"]), []]):
            recover.node_wide(self.node)
        self.assertEqual(self.node.notes[-2:], ["unit: it failed", "  | why"])

    def test_a_command_that_can_t_be_ended_keeps_no_other_from_its_end(self):
        for run in ("00000000000000aa", "00000000000000bb"):
            self.place(f"/var/lib/silver/runs/{run}/run.json", json.dumps(RUN))
        end = runs.end
        with mock.patch.object(runs, "end", side_effect=[ValueError("anything"), mock.DEFAULT], wraps=end):
            (failure,) = runs.sweep(self.node)
        self.assertIsInstance(failure, ValueError)
        # The lock of the other is free again.
        self.assertEqual(runs.sweep(self.node), [])
        self.assertEqual(os.listdir(self.paths.runs()), [])
