"""Plugins, installed. Other test folders can import these fixtures from `install_fixtures`."""

from install_fixtures import install_plugins, plugin_wheels  # noqa: F401 - fixtures
