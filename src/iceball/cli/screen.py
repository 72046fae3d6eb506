"""``iceball screen``: is this lesion a candidate, and why?"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from iceball.cli._app import EXIT_STOP, AsJson, app, err, out, plain, print_json, progress
from iceball.errors import InputError

if TYPE_CHECKING:
    from iceball.anatomy.measures import Survey
    from iceball.nouns import Fact, Finding, Screening

    Screen = Callable[[Iterable[Fact]], Screening]

_END = ("q", "quit")


CaseFolder = Annotated[Path, typer.Argument(help="Folder of the case, from `iceball read`.", readable=False)]
FactsFile = Annotated[
    Path | None, typer.Option("--facts", metavar="FILE", help="Answers as JSON; for this once.", readable=False)
]
Pairs = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="One answer, for this once; may be given several times."),
]
Ask = Annotated[bool, typer.Option("--ask", help="Ask for what is missing, and keep all answers in CASE/facts.json.")]
OutFile = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Write the JSON object to this file.", readable=False)
]


@app.command()
def screen(
    case: CaseFolder,
    facts: FactsFile = None,
    set_: Pairs = None,
    ask: Ask = False,
    out_file: OutFile = None,
    as_json: AsJson = False,
) -> None:
    """Screen a lesion: is it a candidate, under which conditions, and why; scores, site, and what is still to be asked.

    What can be measured on the CT is measured; the rest is taken from CASE/facts.json, --facts and --set, of which the
    later counts. What is not known is asked for, never assumed: `iceball library questions` shows every key.
    Exit code 3 where a finding says stop.
    """
    from iceball import io, provenance, screening
    from iceball.cli import _screening

    if ask:
        _require_answers_can_be_kept(case)
    answers = _answers(case, facts, set_ or [])
    survey, scan, origin = _measured(case)
    fingerprint = io.stored_case_fingerprint(case)

    def judge(given: Iterable[Fact]) -> Screening:
        asked = tuple(given)
        inputs = (("case", fingerprint), ("facts", provenance.fingerprint(sorted(asked, key=lambda fact: fact.key))))
        return screening.screen((*survey.facts, *asked), scan=scan, inputs=inputs)

    if ask:
        answers = _ask(answers, judge)
        io.write_facts(answers.values(), case / "facts.json")
        err.print(f"answers kept: {escape(str(case / 'facts.json'))}", soft_wrap=True, highlight=False)
    done = judge(answers.values())
    told = screening.as_object(done) | {"lesion": origin, "not_measured": [plain(gap) for gap in survey.gaps]}
    if out_file is not None:
        io.write_screening(told, out_file)
    if as_json:
        print_json(told)
    else:
        out.print(f"lesion: {escape(origin)}", highlight=False, soft_wrap=True)
        _screening.show(done, {gap.key: gap.why for gap in survey.gaps})
        if out_file is not None:
            out.print(f"written: {escape(str(out_file))}", soft_wrap=True)
    if any(finding.severity == "stop" for finding in done.findings):
        raise typer.Exit(EXIT_STOP)


def _measured(folder: Path) -> tuple[Survey, tuple[Finding, ...], str]:
    """What the CT says, how far it can be trusted, and who made the lesion's mask."""
    from iceball import io
    from iceball.anatomy import doubting, measures

    with progress("Measuring") as advance:
        advance(0.0, "reading the case")
        case = io.read_case(folder)
        survey = measures.survey(case, progress=lambda done, text: advance(0.5 + 0.5 * done, text))
        scan = doubting.doubts(case)
    return survey, scan, "" if case.lesion is None else case.lesion.origin


def _answers(folder: Path, file: Path | None, pairs: list[str]) -> dict[str, Fact]:
    """Answers by key: those kept in the case's folder, over them those of the file, over them those of --set."""
    from iceball import io

    kept = folder / "facts.json"
    stored = io.read_facts(kept) if kept.is_file() else ()
    given = io.read_facts(file) if file is not None else ()
    return {fact.key: fact for fact in (*stored, *given, *_pairs(pairs))}


def _pairs(pairs: list[str]) -> list[Fact]:
    from iceball import library

    found: dict[str, Fact] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise InputError(f"--set {pair!r} has no '=': write --set key=value, for example --set worst_pain_nrs=7")
        key = key.strip()
        if key in found:
            raise InputError(f"--set {key} is given twice: leave one out")
        found[key] = library.answer(key, value)
    return list(found.values())


def _require_answers_can_be_kept(folder: Path) -> None:
    """Refuse --ask where nobody can answer, or where the answers would be lost once given."""
    instead = "give the answers with --facts FILE or --set key=value"
    if not _at_terminal():
        raise InputError(f"--ask needs a terminal to ask at: {instead}")
    if folder.is_dir() and not os.access(folder, os.W_OK):
        raise InputError(f"{folder} cannot be written, so that no answer would be kept: {instead}")


def _at_terminal() -> bool:
    return sys.stdin.isatty()


def _ask(answers: dict[str, Fact], judge: Screen) -> dict[str, Fact]:
    """Ask until nothing is missing or the person has had enough; what is skipped stays unknown."""
    err.print("Enter: not known. q: stop asking and keep the answers. Ctrl-C: leave, nothing is kept.", style="dim")
    answers, skipped = dict(answers), set[str]()
    while key := next((key for key in judge(answers.values()).asks if key not in skipped), None):
        try:
            fact = _ask_one(key)
        except EOFError:
            break
        if fact == "end":
            break
        if isinstance(fact, str):
            skipped.add(key)
        else:
            answers[key] = fact
            if key in judge(answers.values()).asks:  # an answer that settles nothing: it does not go with another one
                skipped.add(key)
    return answers


def _ask_one(key: str) -> Fact | str:
    """The answer to one question, "skip" or "end"; asked again while the answer is none."""
    from iceball import library, screening

    question = library.question(key)
    err.print(f"[bold]{escape(question.asks)}[/] [dim]{escape(key)}[/]", highlight=False)
    for word, says in question.choices:
        if word != says:
            err.print(f"  {escape(word)}: {escape(says)}", highlight=False)
    while True:
        text = err.input(f"[dim]{escape(screening.takes(question))}[/] > ").strip()
        if not text:
            return "skip"
        if text.lower() in _END:
            return "end"
        try:
            return library.answer(key, text)
        except InputError as refused:
            err.print(f"[yellow]{escape(str(refused))}[/]", highlight=False)
