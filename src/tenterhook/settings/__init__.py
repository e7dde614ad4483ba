"""Settings: one frozen object, made once from options, environment, file, profile and defaults."""

from __future__ import annotations

from tenterhook.settings.load import load_settings
from tenterhook.settings.model import Profile, Settings

__all__ = ["Profile", "Settings", "load_settings"]
