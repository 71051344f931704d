"""The documents say what is so: their code runs, and what they name exists."""

from __future__ import annotations

import ast
import builtins
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any

import msgspec
import pytest
import typer
import zstandard

from actors.settings import load
from events.log import FileLog
from events.log.layout import Layout
from replay.exchange.rules import VenueRules
from replay.exchange.settings import Settings
from scripts.perptape import build
from tests.events.turns import fill

ROOT = Path(__file__).parents[1]
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [ROOT / "README.md", *DOCS]
REPORT = ROOT / "docs" / "PERPS_TRADING_LOGIC_REPORT.md"
LOG_FORMAT = ROOT / "docs" / "LOG_FORMAT.md"
COINBASE = ROOT / "docs" / "COINBASE.md"

PACKAGES = ("events", "projections", "actors", "replay", "scripts", "tests")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`]+)`")
PLACE = re.compile(rf"(?:\./)?((?:{'|'.join(PACKAGES)})(?:/[\w.\-]*)+)((?:::\w+)*)")
LINK = re.compile(r"\]\(([^)\s]+)\)")
RULE = re.compile(r"^### ([AB]\d+)\. .+?\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)

by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
by_document = pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)


def blocks(page: Path, language: str) -> list[tuple[int, str]]:
    """The fenced blocks of one language: the line each begins at, and its text."""
    text = page.read_text()
    return [
        (text.count("\n", 0, found.start()) + 2, found[2]) for found in FENCE.finditer(text) if found[1] == language
    ]


def spans(page: Path) -> list[str]:
    """Code inside sentences, a span that a line break divides put together again."""
    return [" ".join(span.split()) for span in SPAN.findall(FENCE.sub("", page.read_text()))]


def compiled(page: Path, line: int, text: str) -> CodeType:
    return compile("\n" * (line - 1) + text, str(page), "exec", dont_inherit=True)


def run(page: Path) -> dict[str, Any]:
    """Run the page's Python blocks one after the other, as a reader would; returns what they defined."""
    names: dict[str, Any] = {"__name__": page.stem}
    for line, text in blocks(page, "python"):
        builtins.exec(compiled(page, line, text), names)
    return names


def names_in(path: Path) -> set[str]:
    """Functions, classes and their methods and constants in a module, as `name` and `Class::name`."""
    found: set[str] = set()
    for node in ast.parse(path.read_bytes()).body:
        for name in _names_of(node):
            found.add(name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}::{name}" for inner in node.body for name in _names_of(inner)}
    return found


def _names_of(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Assign):
        yield from (target.id for target in node.targets if isinstance(target, ast.Name))
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        yield node.target.id


def slug(heading: str) -> str:
    """A heading's anchor, as the usual renderers make it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


# --- code ----------------------------------------------------------------------------------------------------------


@by_document
def test_every_python_block_of_a_document_runs_and_its_numbers_are_right(page: Path) -> None:
    run(page)


def test_every_python_block_of_the_readme_is_python() -> None:
    for line, text in blocks(ROOT / "README.md", "python"):
        compiled(ROOT / "README.md", line, text)


@by_page
def test_every_json_block_is_one_object_a_line(page: Path) -> None:
    for line, text in blocks(page, "json"):
        for row in text.splitlines():
            assert isinstance(msgspec.json.decode(row), dict), f"{page.name}:{line}"


@by_page
def test_every_block_says_its_language_by_a_word_that_is_known(page: Path) -> None:
    assert {found[1] for found in FENCE.finditer(page.read_text())} <= {"", "python", "json", "toml", "sh", "sql"}


# --- names ---------------------------------------------------------------------------------------------------------


@by_page
def test_every_module_test_and_function_that_is_named_exists(page: Path) -> None:
    wrong = []
    for span in spans(page):
        found = PLACE.fullmatch(span)
        if found is None:
            continue
        path, name = ROOT / found[1], found[2].removeprefix("::")
        if not path.exists() or (name and name not in names_in(path)):
            wrong.append(span)
    assert not wrong


@by_page
def test_every_link_within_the_documents_leads_somewhere(page: Path) -> None:
    broken = []
    for target in LINK.findall(FENCE.sub("", page.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        other = (page.parent / name).resolve() if name else page
        anchors = {slug(line.lstrip("#")) for line in _headings(other)} if other.suffix == ".md" else set()
        if not other.exists() or (anchor and anchor not in anchors):
            broken.append(target)
    assert not broken


def _headings(page: Path) -> list[str]:
    text = FENCE.sub("", page.read_text()) if page.is_file() else ""
    return [line for line in text.splitlines() if line.startswith("#")]


# --- commands ------------------------------------------------------------------------------------------------------


@by_page
def test_every_command_that_is_shown_is_registered_with_its_options(page: Path) -> None:
    root = typer.main.get_command(build())
    wrong = [f"{line}: {why}" for line in shown_commands(page) for why in objections(root, line)]
    assert not wrong


def shown_commands(page: Path) -> list[str]:
    lines = [line for _, block in [*blocks(page, ""), *blocks(page, "sh")] for line in block.splitlines()]
    lines += [span for span in spans(page) if not span.endswith(("…", "..."))]
    return [line for line in lines if re.match(r"perptape [a-z]", line)]


def objections(root: Any, line: str) -> Iterator[str]:
    """What is wrong with a line as shown: `a | b` are commands side by side, `[…]` may be left out, # is a remark."""
    words = shlex.split(line.replace("[", " ").replace("]", " "), comments=True)[1:]
    commands, taken = [root], 0
    while hasattr(commands[0], "commands") and taken < len(words):
        group, name = commands[0], words[taken]
        if name.startswith("-") or name not in group.commands:
            break
        commands, taken = [group.commands[name]], taken + 1
        while words[taken : taken + 1] == ["|"]:
            beside = group.commands.get(words[taken + 1])
            if beside is None:
                yield f"there is no command {words[taken + 1]!r}"
                return
            commands, taken = [*commands, beside], taken + 2
    if hasattr(commands[0], "commands"):
        yield f"there is no command {words[taken] if taken < len(words) else ''!r}"
        return
    known = {name for command in commands for parameter in command.params for name in parameter.opts} | {"--help"}
    yield from (f"no option {word}" for word in words[taken:] if word.startswith("-") and word not in known)


def test_a_command_that_does_not_exist_would_be_found() -> None:
    root = typer.main.get_command(build())
    assert list(objections(root, "perptape log tail -f   # records")) == []
    assert list(objections(root, "perptape status | positions [--json]")) == []
    assert list(objections(root, "perptape log tial")) == ["there is no command 'tial'"]
    assert list(objections(root, "perptape status --jsn")) == ["no option --jsn"]
    assert list(objections(root, "perptape status | positons")) == ["there is no command 'positons'"]


# --- the report ----------------------------------------------------------------------------------------------------


def test_the_report_has_one_paragraph_for_every_rule_in_order() -> None:
    rules = RULE.findall(REPORT.read_text())
    assert [name for name, _ in rules] == [f"A{n}" for n in range(1, 25)] + [f"B{n}" for n in range(1, 16)]
    for name, text in rules:
        assert "\n\n" not in text.strip(), f"{name} is more than one paragraph"


@pytest.mark.parametrize("part", ["**Formula.**", "**Source.**", "**Worked.**"])
def test_every_rule_of_the_report_has_its_formula_source_and_worked_number(part: str) -> None:
    rules = [(name, " ".join(text.split())) for name, text in RULE.findall(REPORT.read_text())]
    assert not [name for name, text in rules if part not in text]


@by_document
def test_what_is_said_not_to_be_built_is_not_built(page: Path) -> None:
    """When this fails something was built: put the paragraph right and take the row out of the table."""
    rows = re.findall(r"\| `([\w/.]+)`: `([\w\-]+)` \|$", page.read_text(), re.MULTILINE)
    assert rows or page not in (REPORT, COINBASE)
    found = [
        f"{word} in {path.relative_to(ROOT).as_posix()}"
        for place, word in rows
        for path in ([ROOT / place] if place.endswith(".py") else sorted((ROOT / place).rglob("*.py")))
        if re.search(rf"\b{word}\b", path.read_text())
    ]
    assert not found


def test_the_settings_shown_are_settings_that_a_system_takes(tmp_path: Path) -> None:
    for place, (_, text) in enumerate(block for page in PAGES for block in blocks(page, "toml")):
        file = tmp_path / f"{place}.toml"
        file.write_text(text)
        load(file, {})


def test_every_call_of_the_client_that_is_named_exists() -> None:
    named = {name for span in spans(COINBASE) for name in re.findall(r"^client\.(\w+)$", span)}
    calls = names_in(ROOT / "actors" / "connection" / "client" / "coinbase.py")
    assert named
    assert not {name for name in named if f"CoinbaseClient::{name}" not in calls}


def test_every_switch_of_the_local_exchange_that_is_named_exists() -> None:
    text = COINBASE.read_text()
    settings = set(re.findall(r"`(\w+)`", " ".join(re.findall(r"settings? ((?:`\w+`(?:, )?)+) \|", text))))
    rules = set(re.findall(r"`(\w+)` of `VenueRules`", text))
    assert settings
    assert settings <= set(Settings.__struct_fields__)
    assert rules
    assert rules <= set(VenueRules.__struct_fields__)


# --- the chain, without our code -----------------------------------------------------------------------------------


def plain_files(folder: Path) -> list[Path]:
    """All files of a log in order; sealed ones unpacked beside themselves."""
    files = []
    for path in sorted(folder.glob("*.jsonl.zst")):
        with path.open("rb") as packed, zstandard.ZstdDecompressor().stream_reader(packed) as reader:
            files.append(path.with_suffix(""))
            files[-1].write_bytes(reader.read())
    return [*files, folder / "events.jsonl"]


@pytest.fixture
def rolled(tmp_path: Path) -> tuple[list[Path], tuple[int, str]]:
    """The plain files of a log of several segments, and its head."""
    with FileLog.open(tmp_path, durability="every", roll_bytes=2_000, seal_in_background=False) as log:
        fill(log, 40, 3)
        head = (log.head.seq, log.head.digest)
    return plain_files(tmp_path), head


def test_the_chain_is_checked_by_the_documents_own_lines(rolled: tuple[list[Path], tuple[int, str]]) -> None:
    check = run(LOG_FORMAT)["check"]
    files, head = rolled
    assert len(files) > 3
    place = None
    for path in files:
        place, rest = check(path, place)
        assert rest == 0
    assert place == head == (120, head[1])


def test_the_documents_own_lines_find_every_flipped_bit(rolled: tuple[list[Path], tuple[int, str]]) -> None:
    check = run(LOG_FORMAT)["check"]
    path = rolled[0][1]
    whole, head = path.read_bytes(), check(rolled[0][0])[0]
    good = check(path, head)
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            found = check(path, head)
        except (ValueError, KeyError, TypeError):
            continue
        assert found != good, f"the flip at byte {place} was not seen"


def test_the_documents_own_lines_pass_over_an_unfinished_commit(rolled: tuple[list[Path], tuple[int, str]]) -> None:
    check = run(LOG_FORMAT)["check"]
    active = rolled[0][-1]
    place, _ = check(active)
    torn = b'{"seq":121,"at":1,"by":"clock","event":{"ty'
    active.write_bytes(active.read_bytes() + torn)
    assert check(active) == (place, len(torn))


def test_the_snippet_is_as_short_as_it_is_said_to_be() -> None:
    ((_, text),) = blocks(LOG_FORMAT, "python")
    body = text[text.index("def check") :].strip().splitlines()
    assert len(body) <= 20


def test_the_files_named_are_those_that_the_log_writes(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    names = {path.name for path in (layout.active, layout.lock, layout.fresh, layout.cut, layout.cut_note)}
    names |= {layout.sealed(1).name, layout.closed(2).name}
    assert names <= set(re.findall(r"`(events\.[\w.]+)`", LOG_FORMAT.read_text()))
