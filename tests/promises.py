"""The promises of thinkaloud, by id. A test stands for one with `@pytest.mark.promise("P2")`.

A promise that is due must have such a test (tests/architecture/test_promises.py). One that is not due yet may have some.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Promise:
    """One promise: what it says, and whether it must have a test by now."""

    sentence: str
    due: bool


PROMISES: dict[str, Promise] = {
    "P1": Promise(
        "Thoughts stay out of answers, titles, copies, search and logs, and answers stay out of thoughts, to the byte.",
        due=True,
    ),
    "P2": Promise(
        "A stretch of reasoning starts with its first text, names itself on every frame, is the only one open in its "
        "run, and is closed once and only once, however the run goes on or ends.",
        due=True,
    ),
    "P3": Promise(
        "A run has one ending and says which; a model stream that stops without saying so has failed, and what it "
        "sent before is kept and marked.",
        due=True,
    ),
    "P4": Promise(
        "The pieces that were streamed, joined, are exactly the text that is stored, spaces and line breaks included.",
        due=True,
    ),
    "P5": Promise(
        "Where the network happens to cut the provider's bytes changes nothing in what comes out.",
        due=True,
    ),
    "P6": Promise(
        "No text is paid for or shown twice: a request is repeated only while nothing of it has been seen, and no "
        "sooner than the provider asks.",
        due=True,
    ),
    "P7": Promise(
        "Reasoning that was not asked for, or that policy keeps back, is not sent at all: not a byte, in no field, "
        "header, error or export.",
        due=True,
    ),
    "P8": Promise(
        "A live screen, a reload, another tab, an export and the model's next prompt are all read from one log in one "
        "way, and so agree.",
        due=True,
    ),
    "P9": Promise(
        "Losing the connection stops nothing, and whoever returns with the last number they saw gets the rest in "
        "order, without gap or repeat.",
        due=True,
    ),
    "P10": Promise(
        "Anyone who may see a run can stop it at any moment; the provider is cut off within a second, a second stop "
        "does no harm, and no later run is touched.",
        due=True,
    ),
    "P11": Promise("The thousandth piece of a run costs no more than the first.", due=True),
    "P12": Promise(
        "Conversations are strangers to each other, and what belongs to another owner does not exist for you.",
        due=True,
    ),
    "P13": Promise(
        "What a provider sealed is stored as it came, and shown to nobody but the endpoint that sealed it.",
        due=True,
    ),
    "P14": Promise(
        "A reader who is slow or gone takes a fixed amount of memory and holds up nobody else.",
        due=True,
    ),
    "P15": Promise(
        "Thinking, sending the thoughts and showing them are three separate choices, and none of them moves another.",
        due=True,
    ),
}
