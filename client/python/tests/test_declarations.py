"""The structs and functions of the package are those of the C headers."""

from __future__ import annotations

import ctypes
import re
import unittest

from serving import REPOSITORY

from maskd import _structs
from maskd._library import library

HEADERS = [REPOSITORY / "client" / name for name in ("maskd.h", "maskd_statistics.h", "maskd_tensors.h")]
TYPES = {
    "size_t": ctypes.c_size_t,
    "int32_t": ctypes.c_int32,
    "int64_t": ctypes.c_int64,
    "uint32_t": ctypes.c_uint32,
    "uint64_t": ctypes.c_uint64,
    "float": ctypes.c_float,
    "double": ctypes.c_double,
    "char": ctypes.c_char,
}


class DeclarationsTest(unittest.TestCase):
    def setUp(self) -> None:
        self.text = re.sub(r"/\*.*?\*/", "", "".join(header.read_text() for header in HEADERS), flags=re.DOTALL)

    def test_structs(self) -> None:
        structs = re.findall(r"typedef struct maskd_(\w+) \{(.*?)\}", self.text, re.DOTALL)
        self.assertGreater(len(structs), 15)
        for name, body in structs:
            with self.subTest(name):
                struct = getattr(_structs, "".join(word.capitalize() for word in name.split("_")))
                fields = []
                for declaration in filter(None, (line.strip() for line in body.split(";"))):
                    pointer = re.fullmatch(r".*\(\*(\w+)\)\(.*\)|.*\*\s*(?:const\*?\s*)?(\w+)", declaration)
                    if pointer:
                        fields.append((pointer[1] or pointer[2], ctypes.sizeof(ctypes.c_void_p)))
                        continue
                    kind, field, count = re.fullmatch(r"(\w+) (\w+)(?:\[(\d+)\])?", declaration).groups()  # type: ignore[union-attr]
                    kind_type = TYPES.get(kind, _structs.Tensor)
                    fields.append((field, ctypes.sizeof(kind_type) * int(count or 1)))
                found = [(field[0], ctypes.sizeof(field[1])) for field in struct._fields_]
                self.assertEqual(found, fields)

    def test_functions(self) -> None:
        functions = re.findall(r"^MASKD_API [^(]*?maskd_(\w+)\(([^)]*)\);", self.text, re.MULTILINE)
        self.assertGreater(len(functions), 20)
        for name, parameters in functions:
            with self.subTest(name):
                count = 0 if parameters == "void" else parameters.count(",") + 1
                function = getattr(library, f"maskd_{name}")
                self.assertEqual(len(function.argtypes or ()), count)


if __name__ == "__main__":
    unittest.main()
