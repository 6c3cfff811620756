"""What `ssh … silver-agent attach RUN` is for a fake node: `fake-attach.py ROOT RUN`. The command's program runs here, for real."""

import importlib.util
import os
import pathlib
import re
import subprocess
import sys
import threading

spec = importlib.util.spec_from_file_location("fake_node", pathlib.Path(__file__).parent / "fake-node.py")
fake_node = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fake_node)

from silver import runs  # noqa: E402
from silver.paths import Paths  # noqa: E402


class Programs(fake_node.Programs):
    def attached(self, argv, tty=None):
        """As systemd-run starts a unit: its number is kept, and how it ended is told to its ExecStopPost."""
        told = dict(re.findall(r"^--property=(\w+)=(.*)$", "\n".join(argv), re.M))
        given = re.search(r"^--property=BindReadOnlyPaths=(.*/given):", "\n".join(argv), re.M)[1]
        program = [*argv[argv.index("--") + 1 : -1], given]
        child = subprocess.Popen(program, cwd=told["WorkingDirectory"], start_new_session=True, env={**os.environ, "GIVEN": given})
        pathlib.Path(f"{given}/../pid").write_text(str(child.pid))
        threading.Thread(target=self.end, args=(child, told["ExecStopPost"].split(" ", 2)[2].strip("'"))).start()
        return child

    @staticmethod
    def end(child, script):
        code = child.wait()
        how = {-2: ("success", "INT"), -15: ("success", "TERM")}.get(code, ("exit-code" if code else "success", str(code)))
        subprocess.run(["sh", "-c", script], env={"SERVICE_RESULT": how[0], "EXIT_STATUS": how[1]}, check=False)


root, run = sys.argv[1:]
sys.exit(runs.attach(fake_node.SessionNode(Paths(root), Programs(root)), run))
