import tempfile
import time
import unittest

from support import AgentError, Runner


class Programs(unittest.TestCase):
    def test_what_a_program_started_ends_with_it_when_its_time_is_up(self):
        with tempfile.TemporaryDirectory() as place:
            # As a site may do to whatever runs as its user: runuser(1), which waits for that, is all that the agent started itself.
            stopped = f"sh -c 'echo $$ >{place}/new; mv {place}/new {place}/pid; kill -STOP $$'; true"
            with self.assertRaises(AgentError) as refused:
                Runner()(["sh", "-c", stopped], seconds=1)
            self.assertEqual(refused.exception.code, "internal")
            with open(f"{place}/pid", encoding="utf-8") as file:
                pid = file.read().strip()
        end = time.monotonic() + 5
        while is_there(pid) and time.monotonic() < end:
            time.sleep(0.05)
        self.assertFalse(is_there(pid))


def is_there(pid):
    """Whether it runs or is stopped: who has ended may wait for its parent to look."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False
