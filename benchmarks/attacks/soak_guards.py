"""Removes guards in a copy of the sources, one at a time, and expects the tests of an attack to fail.

A guard whose removal no test notices is a promise that nobody checks.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[2]


class Guard(NamedTuple):
    """A guard: where it is, how it is removed, and which test must notice."""

    file: str
    code: str
    without: str
    tests: str
    """A file below `tests/`, and an expression for `pytest -k`, separated by a space."""


_ROUTES = "attacks/test_routes.py"
_KEYS = "attacks/test_credentials.py"
_OWNERS = "attacks/test_owners.py"
_HOSTILE = "attacks/test_hostile_requests.py"
_REASONING = "attacks/test_reasoning.py"
_LIMITS = "attacks/test_limits.py"
GUARDS: Final = (
    Guard(
        "server/http/guard.py",
        "if len(hosts) != 1 or not",
        "if False and not",
        f"{_ROUTES} foreign_page",
    ),
    Guard(
        "server/http/guard.py",
        "if any(not origin_allowed",
        "if False and any(not origin_allowed",
        f"{_ROUTES} foreign_page",
    ),
    Guard(
        "server/http/guard.py",
        "if changes and not origins and",
        "if False and",
        f"{_ROUTES} another_site",
    ),
    Guard(
        "server/http/guard.py",
        "header for header in SECURITY_HEADERS if",
        "header for header in () if",
        f"{_ROUTES} framing",
    ),
    Guard("server/http/parsing.py", "if found in _FORM_TYPES:", "if False:", f"{_ROUTES} no_form"),
    Guard(
        "server/http/parsing.py",
        "if found is None or not _JSON_TYPE",
        "if False and not _JSON_TYPE",
        f"{_ROUTES} no_form",
    ),
    Guard(
        "server/http/operation.py",
        "principal_of(connection).check(requires)",
        "pass",
        "server/http/test_permissions.py scopes",
    ),
    Guard(
        "stores/memory/store.py",
        "if found is not None and found.record.owner == owner else None",
        "if found is not None else None",
        f"{_OWNERS} as_if_it_did_not_exist",
    ),
    Guard(
        "stores/memory/store.py",
        "if thread.about.owner == owner",
        "if True",
        "contract/test_store_owners.py memory",
    ),
    Guard(
        "auth/carriers/tickets.py",
        "self._tickets.pop(",
        "self._tickets.get(",
        "auth/test_authenticator.py ticket",
    ),
    Guard(
        "auth/throttle.py",
        "if len(recent) < LIMIT:",
        "if True:",
        "auth/test_authenticator.py throttled",
    ),
    Guard(
        "auth/authenticator.py",
        "if found is None:\n            raise Unauthorized(_WRONG)",
        "if found is None:\n            return principal",
        "auth/test_authenticator.py ticket",
    ),
    Guard(
        "auth/authenticator.py",
        "if sites != [",
        "if False and sites != [",
        "auth/test_authenticator.py origin",
    ),
    Guard(
        "auth/carriers/local_key.py",
        "len(names) > 1 or not",
        "False and not",
        "auth/test_authenticator.py local_key",
    ),
    Guard(
        "server/services.py",
        'asked and self.policy(principal) != "deny"',
        "asked",
        "server/test_reasoning_policy.py policy",
    ),
    Guard(
        "runtime/reasoning/reader.py",
        'if self.policy == "redact" else None',
        "if False else None",
        "server/test_reasoning_policy.py stricter",
    ),
    Guard(
        "server/services.py",
        "return strictest(self.settings.show_reasoning, now.reasoning)",
        "return self.settings.show_reasoning",
        "server/test_reasoning_policy.py policy_of_a_key",
    ),
    Guard(
        "server/services.py",
        "now = self.authenticator.renew(principal)",
        "now = principal",
        f"{_REASONING} permits_when",
    ),
    Guard(
        "runtime/runs/active.py",
        "if run.spec.owner == owner and run.spec.conversation_id == conversation_id",
        "if run.spec.conversation_id == conversation_id",
        f"{_OWNERS} another_owner",
    ),
    Guard(
        "runtime/runs/active.py",
        "if run.spec.owner == owner and run.spec.conversation_id == conversation_id",
        "if run.spec.conversation_id == conversation_id and run.spec.owner == owner",
        f"{_OWNERS} as_much_work",
    ),
    Guard(
        "auth/keyring.py",
        "for secret in _NO_SECRETS if key is None else key.secrets:",
        "for secret in () if key is None else key.secrets:",
        f"{_OWNERS} wrong_secret",
    ),
    Guard(
        "auth/keyring.py",
        "if before.get(name, permissions) != permissions",
        "if False",
        "server/access/test_endings.py permits_something_else",
    ),
    Guard(
        "server/open_streams.py",
        "end(reason)",
        "pass",
        f"{_KEYS} ends_closes",
    ),
    Guard(
        "runtime/runs/request.py",
        "if model_id is not None and not principal.may_use(model_id):",
        "if False:",
        f"{_KEYS} as_restricted",
    ),
    Guard(
        "auth/throttle.py",
        "if len(recent) < LIMIT:",
        "if True:",
        f"{_KEYS} guesses_count",
    ),
    Guard(
        "auth/authenticator.py",
        "if sites != [",
        "if False and sites != [",
        f"{_ROUTES} without_an_origin",
    ),
    Guard(
        "tools/url_guard.py",
        "def _allows(self, url: URL) -> bool:",
        "def _allows(self, url: URL) -> bool:\n        return True",
        f"{_HOSTILE} private_address",
    ),
    Guard(
        "tools/workspace.py",
        "os.O_DIRECTORY | os.O_NOFOLLOW |",
        "os.O_DIRECTORY |",
        f"{_HOSTILE} leads_outside",
    ),
    Guard(
        "server/http/parsing.py",
        "if _depth_exceeds(data, settings.max_json_depth):",
        "if False:",
        f"{_HOSTILE} no_body",
    ),
    Guard(
        "runtime/usage_meter.py",
        "if most is not None and len(account.requests) >= most:",
        "if False:",
        f"{_LIMITS} spent or at_once",
    ),
    Guard(
        "runtime/usage_meter.py",
        "if most is not None and account.running >= most:",
        "if False:",
        f"{_LIMITS} at_once",
    ),
    Guard(
        "runtime/usage_meter.py",
        "if most is not None and account.spent + account.reserved >= most:",
        "if False:",
        f"{_LIMITS} spent",
    ),
    Guard(
        "runtime/runs/effort.py",
        "if highest is None or not model.reasoning.supported:",
        "if True:",
        f"{_LIMITS} more_effort",
    ),
)


def main() -> int:
    """Try every guard, and print which ones no test protects."""
    unnoticed: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        for name in ("src", "tests", "scripts", "benchmarks", "docs"):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("node_modules"))
        shutil.copy(ROOT / "pyproject.toml", copy)
        files = {f"tests/{guard.tests.partition(' ')[0]}" for guard in GUARDS}
        if _pytest(copy, *sorted(files)) != 0:
            print("The tests fail with all guards in place.")
            return 1
        for guard in GUARDS:
            noticed = _is_noticed(copy, guard)
            print(
                f"{'noticed' if noticed else 'NOT NOTICED'}: {guard.file}: {guard.code!r}",
                flush=True,
            )
            if not noticed:
                unnoticed.append(guard.code)
    return 1 if unnoticed else 0


def _is_noticed(copy: Path, guard: Guard) -> bool:
    """Whether a test fails without the guard. Raises `ValueError` if the guard isn't there."""
    file = copy / "src" / "thinkaloud" / guard.file
    text = file.read_text("utf-8")
    if guard.code not in text:
        raise ValueError(f"{guard.file} has no {guard.code!r} any more.")
    place, _, words = guard.tests.partition(" ")
    file.write_text(text.replace(guard.code, guard.without, 1), "utf-8")
    try:
        ended = _pytest(copy, f"tests/{place}", "-k", words)
    finally:
        file.write_text(text, "utf-8")
    if ended not in {0, 1}:
        raise ValueError(f"{guard.tests}: pytest ended with {ended}.")
    return ended == 1


def _pytest(copy: Path, *arguments: str) -> int:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "0", "-q", "-x", *arguments],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy / "src"), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        timeout=300,
        check=False,
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
