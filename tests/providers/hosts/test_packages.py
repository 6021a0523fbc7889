"""Dialects, hosts and model families that another package adds by entry point."""

import json
import shutil
import sys
import tomllib
from pathlib import Path

import pytest

from scripts.tree import ROOT
from tests.providers.upstream import Upstream, collect_events, giving, models_of, serving, texts
from thinkaloud.app.discovery import configured_hosts, package_hosts
from thinkaloud.cli.commands.doctor_checks import run_checks
from thinkaloud.config import load
from thinkaloud.errors import ConfigurationError, UnknownModel

EXAMPLE = ROOT / "docs" / "examples" / "providers"
STREAM = b'data: {"thought":"Hm. "}\n\ndata: {"text":"Yes."}\n\ndata: {"done":true}\n\n'

BROKEN = """
from thinkaloud.providers import Host

OTHER = Host("other", "Other", "openai-chat", "https://other.example/v1")
UNSPOKEN = Host("unspoken", "Unspoken", "telepathy", "https://other.example/v1", key_required=False)
OPENAI = Host("openai", "Fake", "openai-chat", "https://fake.example/v1")

def fail(target):
    raise RuntimeError("no")
"""
BROKEN_ENTRIES = {
    "thinkaloud.hosts": {
        "gone": "no_such_module:HOST",
        "number": "math:pi",
        "renamed": "broken_provider:OTHER",
        "unspoken": "broken_provider:UNSPOKEN",
        "openai": "broken_provider:OPENAI",
    },
    "thinkaloud.dialects": {"failing": "broken_provider:fail", "number": "math:pi"},
    "thinkaloud.families": {"gone": "no_such_module:FAMILIES"},
}


def put(site: Path, name: str, groups: dict[str, dict[str, str]]) -> None:
    """Write the metadata of an installed package."""
    info = site / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    sections = (
        f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in entries.items())
        for group, entries in groups.items()
    )
    (info / "entry_points.txt").write_text("\n".join(sections), encoding="utf-8")
    (info / "METADATA").write_text(f"Name: {name}\nVersion: 1.0\n", encoding="utf-8")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install the documented package and one that is broken, in a folder of their own."""
    site = tmp_path / "site"
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    put(site, project["name"], project["entry-points"])
    put(site, "broken-provider", BROKEN_ENTRIES)
    shutil.copy(EXAMPLE / "acme_provider.py", site)
    (site / "broken_provider.py").write_text(BROKEN, encoding="utf-8")
    monkeypatch.syspath_prepend(str(site))
    sys.modules.pop("acme_provider", None)
    return site


def example(url: str) -> str:
    text = (EXAMPLE / "thinkaloud.toml").read_text(encoding="utf-8")
    return text.replace("http://127.0.0.1:9000", url)


async def test_the_documented_provider_reasons_and_answers(site: Path, tmp_path: Path) -> None:
    key = {"ACME_API_KEY": "secret"}
    async with (
        serving(giving(STREAM)) as upstream,
        models_of(example(upstream.url), tmp_path, key) as models,
    ):
        events = await collect_events(models.open("acme/anvil-2"), effort="high")
    assert texts(events) == ("Hm. ", "Yes.")
    assert upstream.requests[0].path == "/v1/generate"
    assert upstream.requests[0].headers["Authorization"] == "Bearer secret"
    body = json.loads(upstream.bodies[0])
    assert body == {"model": "anvil-2", "messages": [{"user": "Hi"}], "effort": "high"}


async def test_a_family_of_a_package_says_what_its_models_can_do(
    site: Path, tmp_path: Path
) -> None:
    async with models_of("", tmp_path, {"ACME_API_KEY": "x"}) as models:
        info = models.open("acme/anvil-2").info
    assert info.reasoning.efforts == ("none", "low", "high")
    assert not info.images


async def test_a_custom_host_can_use_a_packages_dialect(site: Path, tmp_path: Path) -> None:
    def table(upstream: Upstream) -> str:
        quirks = '[hosts.lab.quirks]\npath = "/other"\n'
        return f'[hosts.lab]\ndialect = "acme-generate"\nbase_url = "{upstream.url}"\n{quirks}'

    async with (
        serving(giving(STREAM)) as upstream,
        models_of(table(upstream), tmp_path) as models,
    ):
        assert texts(await collect_events(models.open("lab/m"))) == ("Hm. ", "Yes.")
    assert upstream.requests[0].path == "/other"


async def test_models_of_a_packages_host_are_listed_when_its_key_is_set(
    site: Path, tmp_path: Path
) -> None:
    toml = '[hosts.lab]\ndialect = "openai-chat"\nbase_url = "http://x"\nmodels = ["m"]'
    async with serving(giving(b'["anvil-1", "anvil-2"]', content_type="application/json")) as there:
        async with models_of(toml, tmp_path) as models:
            assert [info.id for info in await models.models()] == ["lab/m"]
        host = f'{toml}\n[hosts.acme]\nbase_url = "{there.url}"\n'
        async with models_of(host, tmp_path, {"ACME_API_KEY": "x"}) as models:
            listed = [info.id for info in await models.models()]
    assert listed == ["lab/m", "acme/anvil-1", "acme/anvil-2"]


async def test_a_package_is_not_imported_before_it_is_named(site: Path, tmp_path: Path) -> None:
    async with models_of("", tmp_path, {"ACME_API_KEY": "x"}) as models:
        assert "acme_provider" not in sys.modules
        models.open("acme/anvil-2")
        assert "acme_provider" in sys.modules


def test_built_in_hosts_cannot_be_replaced(site: Path, tmp_path: Path) -> None:
    configuration = load(configured(tmp_path, ""), environment={})
    assert "openai" not in package_hosts(configuration)
    hosts = {each.host.name: each.host for each in configured_hosts(configuration)}
    assert hosts["openai"].title == "OpenAI"


def configured(folder: Path, text: str) -> Path:
    file = folder / "thinkaloud.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_an_unknown_dialect_is_refused_with_the_available_ones(site: Path, tmp_path: Path) -> None:
    file = configured(tmp_path, '[hosts.lab]\ndialect = "telepathy"\nbase_url = "http://x"')
    with pytest.raises(ConfigurationError) as refused:
        load(file, environment={})
    assert f"{file}: hosts.lab.dialect: There is no dialect telepathy." in refused.value.message
    assert "openai-chat" in refused.value.message
    assert "acme-generate" in refused.value.message


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("gone/m", "thinkaloud.hosts: gone = no_such_module:HOST of broken-provider cannot be"),
        ("number/m", "is not a Host"),
        ("renamed/m", "has another name (other)"),
        ("unspoken/m", "There is no dialect telepathy"),
        ("lab/m", "thinkaloud.dialects: failing = broken_provider:fail of broken-provider failed"),
        ("attic/m", "is not a function that takes a Target"),
    ],
)
async def test_a_broken_package_affects_only_what_it_adds(
    site: Path, tmp_path: Path, model: str, reason: str
) -> None:
    toml = (
        '[hosts.lab]\ndialect = "failing"\nbase_url = "http://x"\nmodels = ["m"]\n'
        '[hosts.attic]\ndialect = "number"\nbase_url = "http://x"\nmodels = ["m"]\n'
    )
    async with models_of(toml, tmp_path, {"ACME_API_KEY": "x"}) as models:
        for _ in range(2):
            with pytest.raises(ConfigurationError) as refused:
                models.open(model)
            assert reason in refused.value.message
        assert models.open("acme/anvil-2").info.id == "acme/anvil-2"
        with pytest.raises(UnknownModel):
            models.open("nobody/m")


def test_a_configured_host_with_a_broken_package_prevents_the_start(
    site: Path, tmp_path: Path
) -> None:
    configuration = load(configured(tmp_path, "[hosts.gone]\n"), environment={})
    with pytest.raises(ConfigurationError, match="gone = no_such_module:HOST of broken-provider"):
        configured_hosts(configuration)


async def test_doctor_reports_every_broken_entry_point(site: Path, tmp_path: Path) -> None:
    toml = '[model]\ndefault = "thinkaloud/demo"\n[server]\nport = 0\n[store]\nkind = "memory"\n'
    report = await run_checks(load(configured(tmp_path, toml), environment={}))
    for wanted in (
        "thinkaloud.hosts: gone",
        "thinkaloud.hosts: number",
        "thinkaloud.hosts: renamed",
        "thinkaloud.dialects: number",
        "thinkaloud.families: gone",
    ):
        assert [wanted in problem for problem in report.problems].count(True) == 1, wanted
    assert "acme" in {host.name for host in report.hosts}
