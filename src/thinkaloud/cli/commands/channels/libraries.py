"""The module of each platform's library, to see whether it is installed without importing it."""

from collections.abc import Mapping
from typing import Final

LIBRARIES: Final[Mapping[str, str]] = {
    "telegram": "aiogram",
    "slack": "slack_bolt",
    "discord": "discord",
    "feishu": "lark_oapi",
    "wechat": "cryptography",
    "wecom": "aibot",
    "matrix": "nio",
}
