"""docs/tensor_operations.md is right: its examples run against a server, and give what it says.

Every ```python block is executed, in order and in one namespace. What stands behind `# ->` is compared with the
expression before it. Run by ctest, which passes what maskctl_test needs and the document.
"""
import ast
import collections
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import tokenize
import unittest

import numpy as np

from maskctl_test import BIN, GOLDEN, start_server, stop_server

DOCUMENT = pathlib.Path(sys.argv[4])

# The flags of a command that name files for it to write; of mask, a folder.
OUTPUTS = {"mask": ["out"], "pad": ["output", "mask"], "nll_loss": [], "reconstruction_loss": []}

Block = collections.namedtuple("Block", "line source")
Call = collections.namedtuple("Call", "command flags result")


class Maskctl:
    """The functions of the document: the program as a function of arrays."""

    def __init__(self, address, folder):
        self.address = address
        self.folder = folder
        self.calls = []
        self.arguments = []

    def run(self, command, flags):
        """Runs maskctl in a folder of its own, with each array in a file; returns both."""
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        self.arguments = [command]
        for name, value in flags.items():
            if isinstance(value, np.ndarray):
                np.save(folder / f"{name}.npy", value)
                value = f"{name}.npy"
            elif isinstance(value, list):
                value = ",".join(map(str, value))
            self.arguments.append(f"--{name}" if value is True else f"--{name}={value}")
        outputs = OUTPUTS.get(command, ["output"])
        self.arguments += [f"--{name}={name}" + (".npy" if name != "out" else "") for name in outputs]
        done = subprocess.run([BIN / "maskctl", *self.arguments, f"--address={self.address}"], cwd=folder,
                              capture_output=True, text=True, timeout=120, check=False)
        return done, folder

    def maskctl(self, command, **flags):
        """What the command wrote, or the numbers that it printed."""
        done, folder = self.run(command, flags)
        assert done.returncode == 0 and not done.stderr, (self.command_line(), done)
        if command == "mask":
            result = {file.stem: np.load(file) for file in (folder / "out").iterdir()}
        elif command.endswith("loss"):
            words = re.fullmatch(r"loss (\S+) over (\d+) (position|token)s?\n", done.stdout)
            assert words, done.stdout
            result = float(words[1]), int(words[2])
        else:
            result = tuple(np.load(folder / f"{name}.npy") for name in OUTPUTS.get(command, ["output"]))
            result = result[0] if len(result) == 1 else result
        self.calls.append(Call(command, flags, result))
        return result

    def refusal(self, command, **flags):
        """The code and the message of a call that the server refuses."""
        done, _ = self.run(command, flags)
        words = re.fullmatch(r"maskctl: (.*) \[([A-Z_]+)\]\n", done.stderr)
        assert done.returncode == 1 and words, (self.command_line(), done)
        self.calls.append(Call(command, flags, words[2]))
        return f"{words[2]}: {words[1]}"

    def command_line(self):
        """The last call, as a person types it."""
        return " ".join(["maskctl", *self.arguments])


def python_blocks(text):
    blocks = []
    for match in re.finditer(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        blocks.append(Block(text.count("\n", 0, match.start(1)) + 1, match[1]))
    return blocks


def shown_values(source):
    """What `# ->` comments say, by the line where the statement before them ends."""
    lines = iter(source.splitlines(keepends=True))
    comments = [token for token in tokenize.generate_tokens(lambda: next(lines, ""))
                if token.type == tokenize.COMMENT]
    shown = {}
    end = last_line = None
    for comment in comments:
        line, column = comment.start
        is_own_line = not comment.line[:column].strip()
        if comment.string.startswith("# ->"):
            end, last_line = line - is_own_line, line
            assert end not in shown, f"two values for one expression: {comment.string}"
            shown[end] = comment.string.removeprefix("# ->").strip()
        elif end and is_own_line and line == last_line + 1 and comment.string.startswith("#   "):
            shown[end] += " " + comment.string.lstrip("# ")
            last_line = line
    return shown


def check_shown(value, text):
    """Raises AssertionError unless `value` is what the document shows."""
    try:
        shown = np.array(ast.literal_eval(text))
    except (SyntaxError, ValueError):
        assert " ".join(str(value).split()) == " ".join(text.split()), f"gives {value}, shown is {text}"
        return
    value = np.asarray(value)
    says = f"gives\n{value!r}, shown is\n{text}"
    assert value.shape == shown.shape, says
    assert value.size == 0 or value.dtype.kind.replace("u", "i") == shown.dtype.kind, says
    assert np.allclose(value, shown, rtol=1e-6, atol=0), says


def run_block(block, namespace):
    """Executes a block; returns the number of its checks."""
    tree = ast.parse(block.source)
    shown = shown_values(block.source)
    asserts = sum(isinstance(node, ast.Assert) for node in ast.walk(tree))
    checks = asserts + len(shown)
    for node in tree.body:
        text = shown.pop(node.end_lineno, None)
        ast.increment_lineno(node, block.line - 1)
        if text is None:
            exec(compile(ast.Module([node], []), DOCUMENT, "exec"), namespace)
            continue
        where = f"{DOCUMENT.name}:{node.lineno}"
        assert isinstance(node, ast.Expr), f"{where}: `# -> {text}` is not behind an expression"
        value = eval(compile(ast.Expression(node.value), DOCUMENT, "eval"), namespace)
        try:
            check_shown(value, text)
        except AssertionError as error:
            raise AssertionError(f"{where}: {ast.unparse(node)} {error}") from None
    assert not shown, f"{DOCUMENT.name}:{block.line}: not behind a statement of the block: {shown}"
    return checks


def call_of(case):
    """A worked example as the call that it is."""
    names = {"pad_sequences": "pad", "masked_select": "select", "masked_nll_loss": "nll_loss"}
    command = names.get(case["op"], case["op"])
    flags = {name: case[name] for name in ("input", "index", "src", "dim", "mask", "target") if name in case}
    if "input_arange" in case:
        flags["input"] = np.arange(case["input_arange"]["count"]).reshape(case["input_arange"]["shape"])
    if "probabilities" in case:
        flags["scores"] = case["probabilities"]
    if "sequences" in case:
        flags["values"] = sum(case["sequences"], [])
        flags["lengths"] = [len(sequence) for sequence in case["sequences"]]
        flags["time_major"] = case["layout"] == "time_major"
    return command, flags


def is_result_of(case, result):
    if "expect_error" in case:
        return isinstance(result, str) and result == case["expect_error"]
    if "expect_loss" in case:
        return abs(result[0] - case["expect_loss"]) <= case["tolerance"] and result[1] == case["expect_count"]
    if "expect_padded" in case:
        return np.array_equal(result[0], case["expect_padded"]) and (
            "expect_mask" not in case or np.array_equal(result[1], case["expect_mask"]))
    return np.array_equal(result, case["expect"])


class TensorExamplesTest(unittest.TestCase):
    def test_document_gives_what_it_shows(self):
        server, (address,) = start_server("--listen=127.0.0.1:0")
        self.addCleanup(lambda: self.assertEqual(stop_server(server)[0], 0))
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        maskctl = Maskctl(address, folder.name)
        namespace = {name: getattr(maskctl, name) for name in ("maskctl", "refusal", "command_line")}

        text = DOCUMENT.read_text()
        executed = 0
        for block in python_blocks(text):
            checks = run_block(block, namespace)
            self.assertGreater(checks, 0, f"{DOCUMENT.name}:{block.line}: this block shows nothing")
            executed += 1
        # However a fence is written, what it encloses was run.
        self.assertEqual(executed, len(re.findall(r"^\s*(?:```+|~~~+)\s*py", text, re.MULTILINE | re.IGNORECASE)))
        self.assertGreater(executed, 0)

        for case in json.loads((GOLDEN / "tensor_ops.json").read_text())["cases"]:
            with self.subTest(case["name"]):
                command, flags = call_of(case)
                results = [call.result for call in maskctl.calls
                           if call.command == command and call.flags.keys() == flags.keys()
                           and all(np.array_equal(call.flags[name], flags[name]) for name in flags)]
                self.assertTrue(results, "the document does not show it")
                self.assertTrue(all(is_result_of(case, result) for result in results), results)

    def test_wrong_documents_are_seen(self):
        for source in ("1 + 1  # -> 3", "1 + 1\n# -> 3", "1 + 1  # -> 2.0", "[1, 2]\n# -> [1,\n#     3]", "[1]  # -> 1",
                       "'a b'  # -> a c", "x = 1  # -> 1", "# -> 1", "1\n\n# -> 1", "assert 1 == 2",
                       "1 / 3  # -> 0.333", "for x in [1]:\n    x  # -> 1\n    x"):
            with self.assertRaises(AssertionError, msg=source):
                run_block(Block(1, source), {})
        for source in ("1 + 1  # -> 2", "x = [1,\n     2]\nx\n# -> [1,\n#     2]", "'a b'\n# -> a\n#    b",
                       "()\n# -> ()"):
            self.assertEqual(run_block(Block(1, source), {}), 1, source)
        blocks = python_blocks("text\n```python\na\n```\n```text\nb\n```\n\n```python\nc\nd\n```\n")
        self.assertEqual(blocks, [Block(3, "a\n"), Block(10, "c\nd\n")])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
