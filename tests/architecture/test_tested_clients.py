"""The table of tested clients has only features that its columns have, and tests that exist."""

from scripts.tree import ROOT, source_files
from tests.clients.table import features_of
from tests.clients.tested import CLIENTS, FEATURES


def test_every_marked_feature_is_a_column_of_the_table() -> None:
    modules = {client.module for client in CLIENTS}
    for path in source_files("tests"):
        found = set(features_of(path.read_text(encoding="utf-8")))
        assert found <= FEATURES.keys(), path
        assert not found or path.relative_to(ROOT).as_posix() in modules, path


def test_every_tested_client_has_a_feature() -> None:
    for client in CLIENTS:
        assert any(features_of((ROOT / client.module).read_text(encoding="utf-8"))), client
