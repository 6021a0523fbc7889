"""Plain English: literary and unidiomatic phrases must not come back."""

import ast
import re
from collections.abc import Iterator

from scripts.tree import ROOT, project_files

PHRASES = (
    r"\banew\b",
    r"\bmeanwhile\b",
    r"\bwhoever\b",
    r"\bfarewell\b",
    r"\b(?:is|was|are|were) told of\b",
    r"\b(?:takes?|took|taking) the place of\b",
    r"\bin the place of\b",
    r"\bwhose place it takes\b",
    r"\bof an age\b",
    r"\bnone that was seen\b",
    r"\ba fold of his own\b",
    r"\ball that was said\b",
    r"\bas many runs go on\b",
    r"\bthat name none\b",
    r"\bofficial client of (?:the|that) wire\b",
    r"\bbring a file along\b",
    r"\bneeds to know to begin\b",
    r"\bhow the server fares\b",
    r"\bwho answers here\b",
    r"\bsame agent with doors\b",
    r"\bgive channel plugins a hand\b",
    r"\bmembers that are not known\b",
    r"\bsay what comes next\b",
    r"\bbegin a new one\b",
    r"\bthought for a moment\b",
    r"\bonly pretends\b",
    r"\bin a message's place\b",
    r"\bback up all that is kept\b",
    r"\b(?:goes|going|went) on\b(?! close)",
    r"\bruns? (?:that )?go on\b",
    r"\b(?:is|are|was) no (?:backup|database|subclass|url|json|image|picture|form)\b",
    r"\bis made again with",
    r"\b(?:broke|breaks?) off\b",
    r"\bwent away while\b",
    r"\b(?:model|provider) takes no\b",
    r"\bwithout a word\b",
    r"\bwithout words\b",
    r"\bnever begun\b",
    r"\blog says why\b",
    r"\brun was over\b",
    r"\bare let go\b",
    r"\bstands alone\b",
    r"\bcannot be (?:said|made)\b",
    r"\bis tried again\b",
    r"\bnobody waits\b",
    r"\bend mark\b",
    r"\bput in order\b",
    r"\bno form with\b",
    r"\bgo by the name\b",
    r"\broom left\b",
    r"\bnothing at this address\b",
    r"\bthat are gone\b",
    r"\bnames no (?:run|message|boundary)\b",
    r"\bis taken here\b",
    r"\banswered with a (?:web page|redirect)\b",
    r"\bha(?:s|ve) no JSON form\b",
    r"\bmay use the server\b",
    r"\bseconds in all\b",
    r"\btoo much waits\b",
    r"\bdoes not (?:start|stop) (?:in time|cleanly)\b",
    r"\b(?:(?:is|are|was|were) told (?:again|otherwise|so)|when told|set as told|unless told)\b",
    r"\b(?:what|that) (?:it|was|is|were) (?:heard|said) of\b",
    r"\bwhat (?:is|was|came) no\b",
    r"\b(?:which|that) has a history of its own\b",
    r"\bof (?:one|ones|one's) own\b",
    r"\bsigns? of life\b",
    r"\blies? over (?:the|its|both)\b",
    r"\bwithout noticing\b",
    r"\btaking back text\b",
    r"\bwho attacks what\b",
    r"\bwhile the server needs no(?:ne)?\b",
    r"\bsent it as what it was\b",
    r"\bin the place where it\b",
    r"\bwhat is left of (?:its|each|their|the) limits?\b",
    r"\bspent budget back\b",
    r"\bwhoever takes\b",
    r"\bsteers? (?:a|the) terminal\b",
    r"\b(?:as often|as long) as (?:it takes|one likes)\b",
    r"\bword of a person\b",
    r"\bthe wish to wait\b",
    r"\bis sent no more of\b",
    r"\bgives? nothing back\b",
    r"\ban end of its own\b",
    r"\bends? by the\b",
    r"\bmisspelt\b",
    r"\b(?:behaviour|colour|neighbour|mislabelled|labelled|flavour|normalis\w+|organis\w+)",
)
"""Regular expressions, whatever the case. See `docs/reference/glossary.md` for the terms to use."""
FORBIDDEN = re.compile("|".join(PHRASES), re.IGNORECASE)
PLACES = ("src/thinkaloud", "docs", "scripts", "benchmarks", "tests", "webui/src", "webui/e2e")
SUFFIXES = {".py", ".ts", ".tsx", ".css", ".md", ".sh", ".mjs", ".toml", ".conf"}
EXEMPT = {ROOT / "tests" / "architecture" / "test_wording.py"}


UNSEARCHABLE = {"told", "heard", "hears", "staging", "staged", "going_on", "whoever"}
"""Names of variables, functions, parameters and attributes that nobody would search for."""


def names_in(tree: ast.AST) -> Iterator[str]:
    """Every name that a module defines or uses."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.Name():
                yield node.id
            case ast.arg():
                yield node.arg
            case ast.Attribute():
                yield node.attr
            case _:
                pass


def found_in(text: str) -> Iterator[str]:
    """Every forbidden phrase of a text, also one that is broken across comment lines."""
    joined = re.sub(r"\s*\n\s*(?:#|\*|//|\"|--)?\s*", " ", text)
    for match in FORBIDDEN.finditer(joined):
        yield joined[max(0, match.start() - 30) : match.end() + 30]


def test_no_document_comment_or_message_uses_a_phrase_of_the_list() -> None:
    places = [ROOT / place for place in PLACES]
    found = [
        f"{path.relative_to(ROOT)}: {phrase}"
        for path in project_files()
        if path.suffix in SUFFIXES and path not in EXEMPT
        if path.parent == ROOT or any(place in path.parents for place in places)
        for phrase in found_in(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_no_module_uses_a_name_that_nobody_would_search_for() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in project_files()
        if path.suffix == ".py"
        for name in names_in(ast.parse(path.read_text(encoding="utf-8")))
        if name.strip("_") in UNSEARCHABLE
    ]
    assert found == []


def test_names_are_found_in_every_use() -> None:
    module = "def told(heard):\n    self._staged = heard.hears\n    whoever = 1\n"
    found = [name for name in names_in(ast.parse(module)) if name.strip("_") in UNSEARCHABLE]
    assert sorted(found) == ["_staged", "heard", "heard", "hears", "told", "whoever"]


def test_a_phrase_is_found_in_any_case_and_across_lines() -> None:
    assert (
        len(
            list(
                found_in(
                    "Begin Anew.\n# It takes the\n# place of all.\n'renewed', and told offhand"
                )
            )
        )
        == 2
    )
