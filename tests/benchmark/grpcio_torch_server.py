#!/usr/bin/env python3
"""What one would write first: maskd.v1.MaskingService/RandomMasking with grpcio, generated stubs and PyTorch.

The peer that python_client_bench.py measures beside maskd. It takes one noise, torch_cpu, and returns kept tokens, mask
and ids_restore of float32 tokens, as maskd's clients ask for them. Prints "listening on ADDRESS".

Example: build/python/bin/python tests/benchmark/grpcio_torch_server.py
"""
from concurrent import futures

import grpc
import numpy as np
import torch
from maskd_stubs import UNBOUNDED, masking, rpc, service


def random_masking(x, mask_ratio):
    """`random_masking` of models_mae.py, facebookresearch/mae: its steps."""
    n, length, dim = x.shape
    len_keep = int(length * (1 - mask_ratio))
    ids_shuffle = torch.sort(torch.rand(n, length), dim=1, stable=True)[1]
    ids_restore = torch.argsort(ids_shuffle, dim=1)
    kept = torch.gather(x, dim=1, index=ids_shuffle[:, :len_keep].unsqueeze(-1).repeat(1, 1, dim))
    mask = torch.ones([n, length])
    mask[:, :len_keep] = 0
    return kept, torch.gather(mask, dim=1, index=ids_restore), ids_restore


def tensor(array, element_type):
    return masking.Tensor(element_type=element_type, shape=array.shape, data=array.numpy().tobytes())


class MaskingService(rpc.MaskingServiceServicer):
    def RandomMasking(self, request, context):
        layout, spec = request.layout, request.spec
        if spec.WhichOneof("noise_source") != "torch_cpu" or layout.element_bytes != 4:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "only torch_cpu noise and elements of 4 bytes")
        tokens = np.frombuffer(request.tokens, np.float32)
        x = torch.from_numpy(tokens.reshape(layout.batch_size, layout.sequence_length, layout.token_dim))
        torch.manual_seed(spec.seed)
        kept, mask, ids_restore = random_masking(x, spec.mask_ratio)
        drawn = masking.Masking(num_keep=kept.shape[1], algorithm_version=1, seed=spec.seed, backend="cpu",
                                mask=tensor(mask, masking.ELEMENT_TYPE_FLOAT32),
                                ids_restore=tensor(ids_restore, masking.ELEMENT_TYPE_INT64))
        layout.sequence_length = kept.shape[1]
        return service.RandomMaskingResponse(masking=drawn, kept_layout=layout, kept_tokens=kept.numpy().tobytes())


def main():
    torch.set_grad_enabled(False)
    server = grpc.server(futures.ThreadPoolExecutor(), options=UNBOUNDED)
    rpc.add_MaskingServiceServicer_to_server(MaskingService(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(f"listening on 127.0.0.1:{port}", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
