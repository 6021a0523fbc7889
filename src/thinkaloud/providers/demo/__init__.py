"""The built-in demo model: no network, no AI, deterministic answers."""

from thinkaloud.providers.demo.model import DEMO_MODEL_ID, DemoModel

__all__ = ["DEMO_MODEL_ID", "DemoModel"]
