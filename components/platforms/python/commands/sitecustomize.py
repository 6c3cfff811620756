"""What every Python of a command imports first: it gives it the sys.path of the app, and runs the app's own silvercustomize.

PYTHONPATH leads here. The system's own sitecustomize is not imported: it only reports crashes of the system's programs.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
CONF = os.path.dirname(HERE)

sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != HERE]
# Only while this is imported: to the app, conf/ is not on sys.path.
sys.path.insert(0, CONF)
try:
    import silver_environment
finally:
    sys.path.remove(CONF)
silver_environment.add_wheels()
silver_environment.extend_path()
silver_environment.customize()
