"""Models that the tests of packed models share."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
