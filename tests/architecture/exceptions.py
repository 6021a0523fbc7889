"""The exceptions to the rules, with their reasons: exceptions.toml."""

import tomllib
from pathlib import Path


def excepted(rule: str) -> set[str]:
    """Return what is excepted from this rule. Each must give a reason."""
    table = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))[rule]
    assert all(reason.strip() for reason in table.values()), (
        f"[{rule}] has an entry without a reason"
    )
    return set(table)
