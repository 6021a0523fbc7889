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
        "Reasoning never leaks into answers, titles, copied text, search or logs, and answers never leak into reasoning.",
        due=True,
    ),
    "P2": Promise(
        "A reasoning segment opens with its first text, has its id on every frame, is the only one open in its run, and is "
        "closed exactly once, however the run continues or ends.",
        due=True,
    ),
    "P3": Promise(
        "A run ends exactly once, with a status; a model stream that stops without an end marker has failed, and its text so "
        "far is kept and marked as interrupted.",
        due=True,
    ),
    "P4": Promise(
        "Concatenating the streamed deltas gives exactly the stored text, including spaces and line breaks.",
        due=True,
    ),
    "P5": Promise(
        "How the network splits the provider's bytes makes no difference to the result.",
        due=True,
    ),
    "P6": Promise(
        "No text is paid for or shown twice: a request is retried only if nothing of its response has been shown, and no sooner "
        "than the provider asks.",
        due=True,
    ),
    "P7": Promise(
        "Reasoning that was not requested, or that the policy withholds, is not sent at all: not a byte, in any field, header, "
        "error or export.",
        due=True,
    ),
    "P8": Promise(
        "The live view, a reload, another tab, an export and the model's next prompt are all computed from one log in one way, "
        "and therefore agree.",
        due=True,
    ),
    "P9": Promise(
        "A dropped connection doesn't stop a run, and a client that resumes with its last seq gets the rest in order, without "
        "gaps or duplicates.",
        due=True,
    ),
    "P10": Promise(
        "Anyone who can see a run can stop it at any time; the connection to the provider is closed within a second, a second "
        "stop has no effect, and later runs are not affected.",
        due=True,
    ),
    "P11": Promise("The thousandth delta of a run costs no more than the first.", due=True),
    "P12": Promise(
        "Conversations are isolated from each other, and another owner's resources look as if they didn't exist.",
        due=True,
    ),
    "P13": Promise(
        "A provider's signed or encrypted data is stored unchanged and sent only to the endpoint that issued it.",
        due=True,
    ),
    "P14": Promise(
        "A slow or dead client uses a fixed amount of memory and delays nobody else.",
        due=True,
    ),
    "P15": Promise(
        "Whether a model reasons, whether its reasoning is sent, and whether it is shown are three independent settings.",
        due=True,
    ),
}
