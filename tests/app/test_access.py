"""What a server records about its configuration when it starts."""

from pathlib import Path

import pytest

from thinkaloud.app.access import open_access, record_policies
from thinkaloud.config import Configuration, load

SAME = """
[auth]
mode = "keys"
[auth.roles.user]
reasoning = "redact"
"""
CHANGES = {
    "server": '[server]\nshow_reasoning = "deny"\n',
    "role": '[auth.roles.admin]\nreasoning = "deny"\n',
    "channel": '[channels.telegram]\nreasoning = "deny"\n',
    "redaction": "[redaction]\nanswers = true\n",
    "pattern": "[redaction.patterns]\nemployee = 'EMP-[0-9]{5}'\n",
}


def configured(folder: Path, text: str) -> Configuration:
    file = folder / "thinkaloud.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, environment={"THINKALOUD_DATA_DIR": str(folder / "data")})


async def starts(*configurations: Configuration) -> list[str]:
    """Start with these configurations, one after the other; return what the audit log says."""
    for each in configurations:
        async with open_access(each) as access:
            await record_policies(each, access)
            entries = await access.store.audit(limit=9)
    assert {(each.act, each.by) for each in entries} == {("policy.changed", "configuration")}
    return [each.detail for each in reversed(entries)]


@pytest.mark.parametrize("change", CHANGES)
async def test_a_start_with_other_policies_than_the_last_one_is_in_the_audit_log(
    change: str, tmp_path: Path
) -> None:
    same = configured(tmp_path, SAME)
    (first,) = await starts(same, same)
    assert "auth.roles.user.reasoning = redact" in first
    _, second = await starts(configured(tmp_path, SAME + CHANGES[change]))
    assert first != second
    assert len(await starts(same)) == 3


async def test_a_setting_that_is_no_policy_is_not_in_the_audit_log(tmp_path: Path) -> None:
    same = configured(tmp_path, SAME)
    other = configured(tmp_path, SAME + "[server]\nport = 9000\n")
    assert len(await starts(same, other)) == 1
