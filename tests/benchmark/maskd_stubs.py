"""Generated stubs of maskd.v1, made when this is imported.

They have the name of maskd's own Python package: a process can have one of the two.
"""
import importlib
import pathlib
import sys
import tempfile

from grpc_tools import protoc

PROTO = pathlib.Path(__file__).parents[2] / "proto"


def _load():
    with tempfile.TemporaryDirectory() as folder:
        files = ["maskd/v1/masking.proto", "maskd/v1/masking_service.proto"]
        if protoc.main(["protoc", f"-I{PROTO}", f"--python_out={folder}", f"--grpc_python_out={folder}", *files]):
            sys.exit("protoc failed")
        for package in ("maskd", "maskd/v1"):
            (pathlib.Path(folder) / package / "__init__.py").touch()
        sys.path.insert(0, folder)
        try:
            return [importlib.import_module(f"maskd.v1.{name}")
                    for name in ("masking_pb2", "masking_service_pb2", "masking_service_pb2_grpc")]
        finally:
            sys.path.remove(folder)


masking, service, rpc = _load()
UNBOUNDED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
