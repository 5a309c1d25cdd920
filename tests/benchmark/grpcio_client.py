#!/usr/bin/env python3
"""RandomMasking through generated stubs, as one would first write it: a call for each line of stdin, which is a seed.

Prints, for each, the seconds it took and a checksum of the results.

Example: echo 1 | build/python/bin/python tests/benchmark/grpcio_client.py 127.0.0.1:50051 64 196 768 0.75 tokens.bin
"""
import argparse
import sys
import time
import zlib

import grpc
import numpy as np
from maskd_stubs import UNBOUNDED, masking, rpc, service


def random_masking(stub, x, mask_ratio, seed):
    n, length, dim = x.shape
    response = stub.RandomMasking(service.RandomMaskingRequest(
        layout=masking.TokenLayout(batch_size=n, sequence_length=length, token_dim=dim, element_bytes=4),
        spec=masking.MaskSpec(mask_ratio=mask_ratio, seed=seed, torch_cpu=masking.TorchCpuNoise()),
        tokens=x.tobytes()))
    kept = np.frombuffer(response.kept_tokens, np.float32).reshape(n, -1, dim)
    drawn = response.masking
    return (kept, np.frombuffer(drawn.mask.data, np.float32).reshape(n, length),
            np.frombuffer(drawn.ids_restore.data, np.int64).reshape(n, length))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address")
    parser.add_argument("shape", type=int, nargs=3, metavar="N L D")
    parser.add_argument("mask_ratio", type=float)
    parser.add_argument("file", help="the tokens, float32")
    flags = parser.parse_args()
    x = np.fromfile(flags.file, np.float32).reshape(flags.shape)
    stub = rpc.MaskingServiceStub(grpc.insecure_channel(flags.address, options=UNBOUNDED))
    for line in sys.stdin:
        begin = time.perf_counter()
        results = random_masking(stub, x, flags.mask_ratio, int(line))
        elapsed = time.perf_counter() - begin
        print(elapsed, zlib.crc32(b"".join(result.tobytes() for result in results)), flush=True)


if __name__ == "__main__":
    main()
