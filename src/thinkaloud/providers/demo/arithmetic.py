"""Extracts arithmetic expressions from a sentence, without evaluating them. Pure."""

import re
from typing import Final

_NUMBERS: Final = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve"),
)
_SPOKEN: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), written)
    for pattern, written in (
        *((rf"\b{word}\b", str(value)) for value, word in enumerate(_NUMBERS)),
        (r"(?<=\d),(?=\d{3}(?!\d))", ""),
        (r"\b\d{4}-\d{2}-\d{2}\b|\b\d{1,2}:\d{2}\b", " ; "),
        (r"(\d+(?:\.\d+)?) ?(?:%|percent) of (\d+(?:\.\d+)?)", r"\1 * \2 / 100"),
        (r"\b(?:the )?square root of (\d+(?:\.\d+)?)", r"sqrt(\1)"),
        (r"\b(?:the )?(?:square root of|root of)\b", "sqrt"),
        (r"\bto the power (?:of )?|\^", "**"),
        (r"\bsquared\b|²", "**2"),
        (r"\bcubed\b|³", "**3"),
        (r"\bdivided by\b|\bover\b|÷", "/"),
        (r"\b(?:times|multiplied by)\b|[×·]|(?<=\d) ?x ?(?=\d)", "*"),
        (r"\bplus\b", "+"),
        (r"\bminus\b|[−–]", "-"),
        (r"\bmod(?:ulo)?\b", "%"),
        (r"(\d+) ?(?:!|factorial\b)", r"factorial(\1)"),
    )
)
_TOKEN: Final = re.compile(
    r"(?P<number>(?<![\w.])(?:\d+(?:\.\d+)?|\.\d+)(?![\w]|\.\d))|(?P<name>(?<!\w)"
    r"(?:sqrt|cbrt|sin|cos|tan|log10|log2|log|exp|abs|factorial)(?=\s*\()|\bpi\b)"
    r"|(?P<sign>\*\*|//|[-+*/%()])"
)
_CUE: Final = re.compile(
    r"\b(?:what(?:['’]?s| is| are)?|calculate|compute|evaluate|solve|work out|how much|how many"
    r"|result of|equals?|sum of)\b|=",
    re.IGNORECASE,
)
_WORDS_WITHOUT_CUE: Final = 3


def expression_in(sentence: str) -> str | None:
    """Return the longest arithmetic expression in Python syntax, or None if there is none.

    The expression may be malformed; the evaluator must check it.
    """
    text = sentence
    for spoken, written in _SPOKEN:
        text = spoken.sub(written, text)
    expression = max((_trimmed(run) for run in _runs(text)), key=len, default="")
    if not expression:
        return None
    words = len(re.findall(r"[^\W\d_]{2,}", sentence))
    return expression if words <= _WORDS_WITHOUT_CUE or _CUE.search(sentence) else None


def _runs(text: str) -> list[list[str]]:
    """Return the runs of tokens that are separated only by whitespace."""
    runs: list[list[str]] = [[]]
    end = 0
    for match in _TOKEN.finditer(text):
        between = text[end : match.start()]
        adjacent = not between.strip() and not (between and _two_numbers(runs[-1], match))
        if not adjacent:
            runs.append([])
        runs[-1].append(match.group())
        end = match.end()
    return runs


def _two_numbers(run: list[str], match: re.Match[str]) -> bool:
    return bool(run) and run[-1][-1].isdigit() and match.lastgroup == "number"


def _trimmed(run: list[str]) -> str:
    """Strip operators at the ends that are punctuation; return "" if there is no calculation."""
    tokens = list(run)
    while tokens and tokens[0] in {"*", "/", "//", "%", "**", ")"}:
        tokens.pop(0)
    while tokens and tokens[-1] in {"-", "+", "*", "/", "//", "%", "**", "("}:
        tokens.pop()
    while tokens and tokens[0] == "(" and tokens[-1] == ")" and _wraps(tokens):
        tokens = tokens[1:-1]
    numbers = sum(token[0].isdigit() or token[0] == "." or token == "pi" for token in tokens)
    names = any(token[0].isalpha() and token != "pi" for token in tokens)
    signs = any(token in {"-", "+", "*", "/", "//", "%", "**"} for token in tokens[1:])
    if not (names and numbers) and not (signs and numbers > 1):
        return ""
    return _spaced(tokens)


def _wraps(tokens: list[str]) -> bool:
    """Whether the first parenthesis is closed by the last one."""
    depth = 0
    for place, token in enumerate(tokens):
        depth += (token == "(") - (token == ")")
        if depth == 0:
            return place == len(tokens) - 1
    return False


def _spaced(tokens: list[str]) -> str:
    text = " ".join(tokens)
    for loose, tight in (("( ", "("), (" )", ")"), (" ** ", "**")):
        text = text.replace(loose, tight)
    return re.sub(r"\b([a-z]+\d*) \(", r"\1(", text)
