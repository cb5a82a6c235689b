"""Plugins, installed. Other test folders can import these fixtures from `install_fixtures`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from install_fixtures import install_plugins, plugin_wheels  # noqa: F401 - fixtures
