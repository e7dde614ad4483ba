"""The house style as tests: what import-linter, ruff and mypy cannot see. Each table of exceptions gives its reasons.

A rule is a function from a parsed module to offences, so that `test_every_rule_finds_its_bad_example` can prove that
it bites.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import tenterhook

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src" / "tenterhook"
Offences = Iterator[tuple[int, str]]
Rule = Callable[[str, ast.Module], Offences]
Function = ast.FunctionDef | ast.AsyncFunctionDef

MAX_MODULE_LINES, MAX_BODY_LINES, MAX_NESTING, MAX_PARAMETERS = 400, 60, 4, 6

#: What `from tenterhook import *` gives: the public face. A change here is a change of the product's contract.
EXPORTED = {"Tenterhook"}

#: "module" or "module:function" -> why this one may break its rule.
LONG_MODULES: dict[str, str] = {}
LONG_FUNCTIONS: dict[str, str] = {
    "store/migrations/versions/v0001_first_schema.py:_deliveries": "columns, one a line; a migration is never edited",
}
DEEP_FUNCTIONS: dict[str, str] = {}
MANY_PARAMETERS: dict[str, str] = {}

#: Modules outside egress that may hold a socket or an HTTP client, and why no tenant chooses where they connect.
MAY_CONNECT: dict[str, str] = {
    "cli/client.py": "speaks to the operator's own server",
    "cli/listen.py": "listens",
    "cli/listening_socket.py": "looks up the operator's own host, to listen there",
    "cli/serve.py": "listens",
    "cli/web.py": "listens",
}

#: How many `except Exception` each module has that keep the exception: loops and batches that must outlive one item,
#: and edges where an answer is due. Each says in a comment why, and counts.
BROAD_EXCEPTS: dict[str, int] = {
    "api/frame.py": 1,  # a request still gets its 500
    "engine/deliver.py": 1,  # a lane outlives a delivery that cannot be composed
    "engine/index_log.py": 1,  # the indexing loop outlives a step
    "engine/lanes.py": 1,  # a lane outlives a carrier that raises
    "engine/rebook.py": 1,  # the loop outlives a round
    "engine/recover.py": 1,  # the healing loop outlives a round
    "engine/remember_use.py": 1,  # the loop outlives a round
    "engine/retain.py": 1,  # the loop outlives a round
    "engine/retire.py": 1,  # the loop outlives a round
    "engine/tally.py": 1,  # the loop outlives a step
    "store/database.py": 3,  # a commit outlives one item; the writer thread hands its end to all who wait
}

FORBIDDEN_CLASS = re.compile(r"(Manager|Service|Handler|Helper|Utils?|Impl|Base)$")
FORBIDDEN_MODULE = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager", "service"}
IMPURE_MODULES = {
    *(
        "asyncio",
        "concurrent",
        "fcntl",
        "http",
        "io",
        "logging",
        "multiprocessing",
        "os",
        "pathlib",
        "random",
        "secrets",
    ),
    *("selectors", "shutil", "signal", "socket", "sqlite3", "ssl", "structlog", "subprocess", "tempfile", "threading"),
    *("time", "apsw", "sqlalchemy", "urllib.request"),
}
IMPURE_CALLS = {
    "now",
    "utcnow",
    "today",
    "uuid1",
    "uuid4",
    "uuid7",
    "urandom",
    "new_id",
    "new_error_id",
    "open",
    "print",
}
#: The floors that requests come in by.
DOORS = {"api", "console", "inline", "settings", "door"}
CONNECTING_MODULES = {
    *("socket", "http.client", "urllib.request", "requests", "aiohttp", "smtplib", "ftplib", "xmlrpc", "urllib3"),
    *("httpx", "httpx2", "httpcore", "httpcore2"),
}
CONNECTING_CALLS = {
    *("create_connection", "open_connection", "open_unix_connection", "create_unix_connection", "sock_connect"),
    *("create_datagram_endpoint", "getaddrinfo", "start_tls"),
}


def modules() -> list[tuple[str, str]]:
    """Return (path inside the package, text) of every module."""
    return [(path.relative_to(SRC).as_posix(), path.read_text("utf-8")) for path in sorted(SRC.rglob("*.py"))]


def qualified(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, Function]]:
    """Yield every function below *tree* with its dotted name."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Function):
            yield prefix + node.name, node
            yield from qualified(node, f"{prefix}{node.name}.")
        elif isinstance(node, ast.ClassDef):
            yield from qualified(node, f"{prefix}{node.name}.")
        else:
            yield from qualified(node, prefix)


def body_lines(function: Function) -> int:
    """Return how many lines the body takes, its docstring not counted."""
    body = function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def depth(node: ast.AST) -> int:
    """Return how deep blocks nest below *node*; an `elif` is as deep as its `if`, an inner function begins anew."""
    blocks = ast.If | ast.For | ast.AsyncFor | ast.While | ast.With | ast.AsyncWith | ast.Try | ast.TryStar | ast.Match
    deepest = 0
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function | ast.ClassDef | ast.Lambda):
            continue
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        deepest = max(deepest, depth(child) + (isinstance(child, blocks) and not is_elif))
    return deepest


def parameters(function: Function) -> int:
    """Return how many parameters a caller sees. A typer command's are the options of the command line: not counted."""
    if any("command" in ast.unparse(mark) or "callback" in ast.unparse(mark) for mark in function.decorator_list):
        return 0
    spec = function.args
    names = [argument.arg for argument in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs)]
    return len(names) - (bool(names) and names[0] in ("self", "cls")) + bool(spec.vararg) + bool(spec.kwarg)


def imported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted module) of every absolute import; `from a import b` gives both `a` and `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def is_within(name: str, among: set[str]) -> bool:
    """Say whether the dotted *name* is one of *among* or below one."""
    parts = name.split(".")
    return any(".".join(parts[:end]) in among for end in range(1, len(parts) + 1))


def called(node: ast.AST) -> str:
    """Return the last part of the name that a call calls, "" for anything else."""
    if not isinstance(node, ast.Call):
        return ""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


# ---- the rules -------------------------------------------------------------------------------------------------------


def module_is_too_long(path: str, tree: ast.Module) -> Offences:
    lines = max((node.end_lineno or 0 for node in tree.body), default=0)
    if lines > MAX_MODULE_LINES and path not in LONG_MODULES:
        yield lines, f"{lines} lines, more than {MAX_MODULE_LINES}: part it by nouns or verbs"


def function_is_too_long(path: str, tree: ast.Module) -> Offences:
    for name, function in qualified(tree):
        if body_lines(function) > MAX_BODY_LINES and f"{path}:{name}" not in LONG_FUNCTIONS:
            yield function.lineno, f"{name} has {body_lines(function)} lines, more than {MAX_BODY_LINES}"


def function_is_too_deep(path: str, tree: ast.Module) -> Offences:
    for name, function in qualified(tree):
        if depth(function) > MAX_NESTING and f"{path}:{name}" not in DEEP_FUNCTIONS:
            yield function.lineno, f"{name} nests {depth(function)} deep, more than {MAX_NESTING}"


def function_has_too_many_parameters(path: str, tree: ast.Module) -> Offences:
    for name, function in qualified(tree):
        if parameters(function) > MAX_PARAMETERS and f"{path}:{name}" not in MANY_PARAMETERS:
            yield (
                function.lineno,
                f"{name} has {parameters(function)} parameters, more than {MAX_PARAMETERS}: make a record",
            )


def name_says_nothing(path: str, tree: ast.Module) -> Offences:
    if Path(path).stem in FORBIDDEN_MODULE:
        yield 1, f"a module named {Path(path).stem} says nothing of what is in it"
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and FORBIDDEN_CLASS.search(node.name):
            yield node.lineno, f"class {node.name}: the last word says nothing"


def domain_is_impure(path: str, tree: ast.Module) -> Offences:
    if not path.startswith("domain/"):
        return
    for line, name in imported(tree):
        if is_within(name, IMPURE_MODULES) or name in {"tenterhook.ids." + call for call in IMPURE_CALLS}:
            yield line, f"domain imports {name}: times, ids and chance are passed in"
    for node in ast.walk(tree):
        if called(node) in IMPURE_CALLS:
            yield node.lineno, f"domain calls {called(node)}(): times, ids and chance are passed in"


def engine_speaks_sql(path: str, tree: ast.Module) -> Offences:
    if not path.startswith("engine/"):
        return
    for line, name in imported(tree):
        if is_within(name, {"sqlalchemy", "apsw", "sqlite3"}):
            yield line, f"engine imports {name}: rows are the store's affair"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("tx.driver", "tx.connection"):
            yield node.lineno, f"engine uses {ast.unparse(node)}: rows are the store's affair"


def door_reads_the_hooks_itself(path: str, tree: ast.Module) -> Offences:
    if path.partition("/")[0] not in DOORS:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "subscriptions":
            yield node.lineno, "a door reads pipeline.subscriptions: ask engine/register, which keeps to the org"


def something_else_connects(path: str, tree: ast.Module) -> Offences:
    if path.startswith("egress/") or path in MAY_CONNECT:
        return
    for line, name in imported(tree):
        if is_within(name, CONNECTING_MODULES):
            yield line, f"imports {name}: only egress goes out to where tenants say"
    for node in ast.walk(tree):
        if called(node) in CONNECTING_CALLS:
            yield node.lineno, f"calls {called(node)}(): only egress goes out to where tenants say"


def exception_is_caught_broadly(path: str, tree: ast.Module) -> Offences:
    lines = [node.lineno for node in ast.walk(tree) if caught_by(node) & {"Exception", "BaseException"}]
    if len(lines) != BROAD_EXCEPTS.get(path, 0):
        yield 0, f"catches everything {len(lines)} times (lines {lines}), not {BROAD_EXCEPTS.get(path, 0)}"


def caught_by(node: ast.AST) -> set[str]:
    """Return the exceptions that *node* keeps to itself, by name; a block that ends in a bare `raise` keeps none."""
    if isinstance(node, ast.ExceptHandler):
        if isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None:
            return set()
        return {name.id for name in ast.walk(node.type) if isinstance(name, ast.Name)} if node.type else {"Exception"}
    if called(node) == "suppress":
        return {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}
    return set()


def public_function_is_undocumented(path: str, tree: ast.Module) -> Offences:
    if Path(path).name.startswith("_") and Path(path).name != "__init__.py":
        return
    for node in tree.body:
        if isinstance(node, Function) and not node.name.startswith("_") and not ast.get_docstring(node):
            yield node.lineno, f"{node.name} has no docstring"


RULES: list[Rule] = [
    module_is_too_long,
    function_is_too_long,
    function_is_too_deep,
    function_has_too_many_parameters,
    name_says_nothing,
    domain_is_impure,
    engine_speaks_sql,
    door_reads_the_hooks_itself,
    something_else_connects,
    exception_is_caught_broadly,
    public_function_is_undocumented,
]

BAD_EXAMPLES: dict[str, tuple[str, str]] = {
    "module_is_too_long": ("store/a.py", "a = 1\n" * 401),
    "function_is_too_long": ("store/a.py", "def f():\n" + "    a = 1\n" * 61),
    "function_is_too_deep": (
        "store/a.py",
        "def f():\n if a:\n  for b in c:\n   while d:\n    with e:\n     try: pass\n     finally: pass",
    ),
    "function_has_too_many_parameters": ("store/a.py", "class A:\n def f(self, a, b, c, d, *, e, f, g): ..."),
    "name_says_nothing": ("store/a.py", "class HookManager: ..."),
    "domain_is_impure": ("domain/a.py", "from datetime import datetime\nnow = datetime.now()"),
    "engine_speaks_sql": ("engine/a.py", "def f(tx): return tx.driver.execute('SELECT 1')"),
    "door_reads_the_hooks_itself": ("console/a.py", "def f(visit): return visit.pipeline.subscriptions.committed"),
    "something_else_connects": ("engine/a.py", "import asyncio\nasync def f(): await asyncio.open_connection('a', 1)"),
    "exception_is_caught_broadly": ("engine/a.py", "try: pass\nexcept (ValueError, Exception): pass"),
    "public_function_is_undocumented": ("engine/a.py", "def f(): ..."),
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_rule_finds_its_bad_example(rule: Rule) -> None:
    path, text = BAD_EXAMPLES[rule.__name__]
    assert list(rule(path, ast.parse(text)))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"no {rule.__name__}")
def test_the_package_keeps_the_rule(rule: Rule) -> None:
    found = [f"{path}:{line}: {what}" for path, text in modules() for line, what in rule(path, ast.parse(text))]
    assert not found, "\n" + "\n".join(found)


def test_an_elif_chain_is_not_a_nest() -> None:
    chain = "def f():\n if a: b\n" + "".join(f" elif a == {n}: b\n" for n in range(9))
    assert depth(ast.parse(chain).body[0]) == 1


def test_the_tables_of_exceptions_name_what_exists() -> None:
    known = {path for path, _ in modules()}
    functions = {f"{path}:{name}" for path, text in modules() for name, _ in qualified(ast.parse(text))}
    stale = {*LONG_MODULES, *BROAD_EXCEPTS, *MAY_CONNECT} - known
    stale |= {*LONG_FUNCTIONS, *DEEP_FUNCTIONS, *MANY_PARAMETERS} - functions
    assert not stale, f"no longer there, so no longer an exception: {stale}"


def test_the_public_face_is_what_it_was() -> None:
    assert set(tenterhook.__all__) == EXPORTED
    assert all(hasattr(tenterhook, name) for name in EXPORTED)


# ---- every text file -------------------------------------------------------------------------------------------------

OURS = ("src", "tests", "bench", "docs", ".ci")
TEXT = {".py", ".md", ".toml", ".lock", ".tsv", ".sh", ".json", ".jsonl", ".txt", ""}


def text_files() -> list[Path]:
    """Return every text file that belongs to the project."""
    inside = [path for folder in OURS for path in sorted((ROOT / folder).rglob("*"))]
    files = [
        path
        for path in [*sorted(ROOT.glob("*")), *inside]
        if path.is_file() and path.suffix in TEXT and path.name != ".git"
    ]
    return [path for path in files if "__pycache__" not in path.parts and ".egg-info" not in str(path)]


def lines_with(pattern: str, files: list[Path]) -> list[str]:
    """Return "file:line: text" of every line that *pattern* is found in."""
    found = []
    for path in files:
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if re.search(pattern, line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    return found


def test_nothing_is_left_to_be_done_in_a_comment() -> None:
    marks = "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"))
    assert not lines_with(rf"\b({marks})\b", text_files())


def test_no_path_of_one_machine_is_in_any_file() -> None:
    paths = "|".join("/" + name + "/" for name in ("wo" + "rk", "ro" + "ot", "ho" + "me", "Us" + "ers"))
    assert not lines_with(rf"(?<![\w.$}}])({paths})\w", text_files())


# ---- the tests' own manners ------------------------------------------------------------------------------------------


#: Tests that may say that a machine lacks what they need, and what that is. Nothing is skipped in CI.
MAY_SKIP: dict[str, str] = {
    "tests/cli/test_cli_commands.py": "a bare chroot has no pseudo-terminals",
    "tests/console/browser_rig.py": "`make test` needs nothing but Python; .ci/run brings Chromium",
    "tests/walk/test_node_sdk.py": "`make test` needs nothing but Python; .ci/run brings Node.js and the SDK",
}


def test_the_tests_use_real_things_and_are_never_skipped() -> None:
    tests = [path for path in text_files() if path.suffix == ".py" and path.is_relative_to(ROOT / "tests")]
    assert tests
    patterns = ["unittest" + r"\.mock|mock\." + "patch", r"pytest\.(mark\.)?(skip|skipif|xfail|importor" + r"skip)\b"]
    free = {Path(__file__), *(ROOT / name for name in MAY_SKIP)}
    assert not lines_with("|".join(patterns), [path for path in tests if path not in free])


def test_the_names_of_tests_are_sentences() -> None:
    short = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for name, _ in qualified(ast.parse(path.read_text("utf-8"))):
            if name.rpartition(".")[2].startswith("test_") and name.count("_") < 3:
                short.append(f"{path.relative_to(ROOT)}: {name}")
    assert not short


# ---- the locks -------------------------------------------------------------------------------------------------------

PINNED = re.compile(r"^([a-z0-9-]+)==(\S+)((?: --hash=sha256:[0-9a-f]{64})+)$")


def pins(lock: str) -> dict[str, str]:
    """Return name -> version of *lock*. Fails on a line that is neither a comment nor a pin with hashes."""
    joined = (ROOT / lock).read_text("utf-8").replace(" \\\n", " ")
    lines = [
        re.sub(r" +", " ", line) for line in joined.splitlines() if line.strip() and not line.strip().startswith("#")
    ]
    matches = [PINNED.match(line) for line in lines]
    assert all(matches), [line for line, match in zip(lines, matches, strict=True) if not match]
    return {match[1]: match[2] for match in matches if match}


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_holds_pins_with_hashes_and_no_address(lock: str) -> None:
    assert len(pins(lock)) > 20
    assert not lines_with(r"://|--(index|extra|find|trusted)|@ file", [ROOT / lock])


def test_the_locks_agree_and_cover_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    run, dev = pins("requirements.lock"), pins("requirements-dev.lock")
    assert run.items() <= dev.items()
    for wanted, lock in ((project["dependencies"], run), (project["optional-dependencies"]["dev"], dev)):
        names = {re.split(r"[<>=~!;\[ ]", text)[0].lower().replace("_", "-") for text in wanted}
        assert names <= lock.keys()
