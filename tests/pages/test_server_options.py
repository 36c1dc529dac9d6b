"""What the dashboard asks of Streamlit beside its looks."""

import subprocess
import sys

from backend.settings import PROJECT

ASKED = "from streamlit import config; print(config.get_option('runner.postScriptGC'))"


def test_no_page_ends_in_a_full_garbage_collection():
    """It held up everybody for longer than most pages take."""
    done = subprocess.run(
        [sys.executable, "-c", ASKED], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[-1] == "False"
