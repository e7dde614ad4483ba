"""The documents say what is true: settings, links, tests and decisions that they name exist, and none is left out."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer

from tenterhook.cli.app import app
from tenterhook.domain.hook_filter import FIELDS, parse_hook_filter
from tenterhook.domain.log_filter import parse_log_filter
from tenterhook.settings import Settings, load_settings
from tenterhook.settings.load import CLIENT_VARIABLES, PLANNED

ROOT = Path(__file__).parents[1]
#: What describes the product as it is. The design papers also describe what is not there yet, so they are left out.
DOCUMENTS = [
    *sorted(ROOT.glob("*.md")),
    *(path for path in sorted((ROOT / "docs").rglob("*.md")) if "design" not in path.parts or path.name == "README.md"),
]
SETTING_LINE = re.compile(r"^#(?=[a-z0-9_]+ = )", re.M)


def sample() -> str:
    return (ROOT / "config.default.toml").read_text("utf-8")


# ---- settings --------------------------------------------------------------------------------------------------------


def test_every_setting_is_in_the_sample_file_and_no_other() -> None:
    written = tomllib.loads(SETTING_LINE.sub("", sample()))
    assert written.keys() == Settings.model_fields.keys()


def test_the_sample_file_changes_nothing_as_it_is() -> None:
    assert tomllib.loads(sample()) == {}


def test_the_values_in_the_sample_file_are_the_defaults(tmp_path: Path) -> None:
    config = tmp_path / "all.toml"
    config.write_text(SETTING_LINE.sub("", sample()), "utf-8")
    assert load_settings({}, {}, config).model_dump() == Settings().model_dump()


@pytest.mark.parametrize("name", Settings.model_fields)
def test_the_sample_file_describes_each_setting_above_its_line(name: str) -> None:
    [comment] = [part for part in sample().split("\n\n") if re.search(rf"^#{name} = ", part, re.M)]
    assert comment.startswith(f"# TENTERHOOK_{name.upper()}")
    assert len(comment) > len(name) * 2 + 40


def test_no_document_names_a_setting_that_is_not_there() -> None:
    known = {f"TENTERHOOK_{name.upper()}" for name in [*Settings.model_fields, *PLANNED]} | CLIENT_VARIABLES
    texts = [sample(), *(path.read_text("utf-8") for path in DOCUMENTS)]
    assert {name for text in texts for name in re.findall(r"TENTERHOOK_[A-Z0-9_]*[A-Z0-9]", text)} <= known


def test_a_setting_that_nothing_reads_yet_says_so() -> None:
    sources = [path for path in (ROOT / "src").rglob("*.py") if "settings" not in path.parts]
    read = {name for path in sources for name in re.findall(r"settings\.(\w+)", path.read_text("utf-8"))}
    parts = {name: part for part in sample().split("\n\n") for name in re.findall(r"^#(\w+) = ", part, re.M)}
    assert {name for name, part in parts.items() if "Not in use yet." in part} == Settings.model_fields.keys() - read


# ---- links and examples ----------------------------------------------------------------------------------------------


def heading_anchors(text: str) -> set[str]:
    """Return the anchors that headings get when the document is rendered."""
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_links_of_a_document_lead_somewhere(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text("utf-8"), flags=re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        linked = path.parent / name if name else path
        assert linked.exists(), target
        assert not anchor or anchor in heading_anchors(linked.read_text("utf-8")), target


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_python_examples_of_a_document_run(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for example in re.findall(r"```python\n(.*?)```", path.read_text("utf-8"), re.S):
        code = compile(example, path.name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        running = eval(code, {})
        if inspect.iscoroutine(running):
            asyncio.run(asyncio.wait_for(running, timeout=20))


def test_the_modules_that_the_architecture_names_exist() -> None:
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text("utf-8")
    package = ROOT / "src" / "tenterhook"
    named = set(re.findall(r"`((?:api|cli|engine|store|egress|domain|settings)/\w+)`", text))
    missing = {name for name in named if not (package / name).is_dir() and not (package / f"{name}.py").is_file()}
    assert named
    assert not missing


def test_the_readme_says_at_once_what_this_is_and_what_it_is_not() -> None:
    opening = (ROOT / "README.md").read_text("utf-8").split("\n\n", 3)[:3]
    assert opening[0] == "# Tenterhook"
    assert "self-hosted" in opening[1]
    assert "Not affiliated with Okta" in opening[2]


def test_the_commands_of_make_that_documents_name_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    named = {name for path in DOCUMENTS for name in re.findall(r"`make ([a-z]+)", path.read_text("utf-8"))}
    assert {"run", "test", "check", "venv", "bench", "demo"} <= targets
    assert named <= targets


# ---- commands --------------------------------------------------------------------------------------------------------


def readme_commands() -> list[list[str]]:
    """Return the words of every `tenterhook …` that the README shows to be typed."""
    text = (ROOT / "README.md").read_text("utf-8")
    typed = re.findall(r"^\$ (tenterhook .+?)(?: +#.*)?$", text, re.M) + re.findall(r"`(tenterhook [^`]+)`", text)
    return [words.split()[1:] for words in typed]


def command_called(words: list[str]) -> Any:
    """Return the command that *words* call. Fails on a name that is none."""
    command: Any = typer.main.get_command(app)
    for word in words:
        if not hasattr(command, "commands"):
            break
        assert word in command.commands, f"there is no command: tenterhook {' '.join(words)}"
        command = command.commands[word]
    return command


@pytest.mark.parametrize("words", readme_commands(), ids=" ".join)
def test_a_command_in_the_readme_exists_with_its_options(words: list[str]) -> None:
    known = {option for parameter in command_called(words).params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known


def test_the_readme_lists_every_command() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    rows = re.findall(r"^\| (`.+?`) \|", text, re.M)
    listed = {name for row in rows for name in re.findall(r"`(?:tenterhook )?([\w-]+)", row)}
    assert listed == set(typer.main.get_command(app).commands)


# ---- the guide and the security checks -------------------------------------------------------------------------------

COVERAGE = ["guide-coverage.md", "security-coverage.md"]


def coverage_rows(document: str) -> list[list[str]]:
    """Return the rows of a coverage table: number, what, covered, tests."""
    lines = (ROOT / "docs" / document).read_text("utf-8").splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if re.match(r"\| *G?\d", line)]


def numbers(cell: str) -> range:
    """Return the numbers that a cell such as `7` or `9-12` stands for."""
    first, _, last = cell.partition("-")
    return range(int(first), int(last or first) + 1)


def test_every_statement_of_the_guide_is_accounted_for_once() -> None:
    rows = coverage_rows("guide-coverage.md")
    assert [row[0] for row in rows] == [f"G{number}" for number in range(1, 36)]
    assert all(re.match(r"(now|later|Okta)\b", row[2]) for row in rows)


def test_every_security_check_of_what_is_built_is_accounted_for_once() -> None:
    rows = coverage_rows("security-coverage.md")
    assert [number for row in rows for number in numbers(row[0])] == [*range(1, 115), *range(136, 201)]
    assert [row[0] for row in rows if not re.match(r"(now\b|does not apply yet: \w)", row[2])] == []


@pytest.mark.parametrize("document", COVERAGE)
def test_what_is_covered_now_names_the_test_that_proves_it(document: str) -> None:
    assert [row[0] for row in coverage_rows(document) if "now" in row[2] and "`tests/" not in row[3]] == []


@pytest.mark.parametrize("document", COVERAGE)
def test_a_test_that_the_coverage_names_exists(document: str) -> None:
    named = [test for row in coverage_rows(document) for test in re.findall(r"`(tests/[^`]+)`", row[3])]
    missing = []
    for test in named:
        file, _, name = test.partition("::")
        path = ROOT / file
        names = re.findall(r"def (test_\w+)", path.read_text("utf-8")) if path.exists() else []
        if name not in names:
            missing.append(test)
    assert named
    assert not missing


def test_every_example_of_the_filter_languages_is_read_as_what_it_stands_under() -> None:
    text = (ROOT / "docs" / "filters.md").read_text("utf-8")
    of_the_log, of_hooks = [block.strip().splitlines() for block in re.findall(r"```text\n(.*?)```", text, re.S)]
    assert len(of_the_log) >= 4
    assert len(of_hooks) >= 3
    for line in of_the_log:
        parse_log_filter(line)
    for line in of_hooks:
        parse_hook_filter(line)
    assert all(f"`{name}`" in text or f"`.{name.rpartition('.')[2]}`" in text for name in FIELDS)


# ---- decisions -------------------------------------------------------------------------------------------------------


def test_the_decisions_are_numbered_without_a_gap_and_all_in_the_index() -> None:
    files = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    index = (ROOT / "docs" / "decisions" / "README.md").read_text("utf-8")
    assert [int(name[:4]) for name in files] == list(range(1, len(files) + 1))
    assert re.findall(r"\((\d{4}-[^)]+\.md)\)", index) == files


@pytest.mark.parametrize("part", ["Context", "Decision", "Rejected", "Consequences"])
def test_every_decision_has_its_parts(part: str) -> None:
    for path in sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md")):
        assert re.search(rf"^(## {part}$|\*\*{part}\b)", path.read_text("utf-8"), re.M), path.name


def test_the_changelog_begins_with_what_is_not_released_yet() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.findall(r"^## (.+)$", text, re.M)[0] == "Unreleased"
