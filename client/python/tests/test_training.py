"""One training, whoever draws its masks: the same losses to the last bit. Skipped where there is no torch or Pillow."""

from __future__ import annotations

import contextlib
import pathlib
import sys
import tempfile
import unittest
from typing import Any, Callable

from servers import Server
from serving import without

import maskd

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "examples"))
try:
    from pretrain_mae import Training, parse_flags, train
except ModuleNotFoundError as error:
    if error.name not in ("torch", "PIL"):
        raise
    raise without("Pillow" if error.name == "PIL" else "torch", error) from None

STEPS, BATCH_SIZE = 18, 64  # 3 epochs of 6


def losses_of(
    client: maskd.Client | None, *arguments: str, on_step: Callable[[Training], None] = lambda training: None
) -> list[str]:
    """The losses of a small training, exactly."""
    return [loss.hex() for loss in trained(client, *arguments, on_step=on_step).losses]


def trained(
    client: maskd.Client | None, *arguments: str, on_step: Callable[[Training], None] = lambda training: None
) -> Training:
    # Batches large enough that three servers share each.
    small = ["--epochs=3", "--warmup_epochs=1", "--samples=384", f"--batch_size={BATCH_SIZE}"]
    return train(parse_flags([*small, "--embed_dim=24", "--depth=1", *arguments]), client, on_step)


def at(step: int, action: Callable[[], Any]) -> Callable[[Training], None]:
    return lambda training: action() if len(training.losses) == step else None


class TrainingTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        with maskd.connect("inproc:") as client:
            cls.expected = losses_of(client)
        assert len(cls.expected) == STEPS

    def assert_served(self, statistics: dict[str, Any]) -> None:
        """That servers drew the masks of all samples."""
        self.assertEqual(sum(replica["samples"] for replica in statistics["replicas"]), STEPS * BATCH_SIZE, statistics)

    def test_masks_matter(self) -> None:
        with maskd.connect("inproc:") as client:
            first, second = (losses_of(client, "--stop_after=2", f"--seed={seed}") for seed in (0, 1))
        self.assertEqual(first, self.expected[:2])
        self.assertNotEqual(first, second)

    def test_one_server(self) -> None:
        with Server() as server, maskd.connect(server.address) as client:
            self.assertEqual(losses_of(client), self.expected)
            self.assert_served(client.statistics())

    def test_three_servers_of_which_one_is_killed_and_one_restarted(self) -> None:
        with contextlib.ExitStack() as stack:
            # Of a TCP port that is free again another process may take hold before the restart.
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            servers = [stack.enter_context(Server(f"unix:{folder}/{index}.sock")) for index in range(3)]
            client = stack.enter_context(maskd.connect([server.address for server in servers]))
            killed: list[str] = []

            def kill_fastest() -> None:
                replicas = {replica["address"]: replica for replica in client.statistics()["replicas"]}
                fastest = max(servers, key=lambda server: replicas[server.address]["samples_per_second"])
                servers.remove(fastest)
                fastest.kill()
                killed.append(fastest.address)

            def change(training: Training) -> None:
                if len(training.losses) in (4, 8):
                    kill_fastest()
                if len(training.losses) == 11:
                    stack.enter_context(Server(killed[1]))

            self.assertEqual(losses_of(client, on_step=change), self.expected)
            statistics = client.statistics()
            self.assert_served(statistics)
            self.assertTrue(all(replica["calls"] > 0 for replica in statistics["replicas"]), statistics)
            self.assertGreater(sum(replica["failures"] for replica in statistics["replicas"]), 0, statistics)

    def test_the_only_server_is_killed(self) -> None:
        with Server() as server, maskd.connect(server.address, fallback="inproc") as client:
            self.assertEqual(losses_of(client, on_step=at(STEPS // 2, server.kill)), self.expected)
            self.assertGreater(client.statistics()["fallbacks"], 0)

    def test_resumed_in_the_middle(self) -> None:
        with tempfile.TemporaryDirectory() as folder, maskd.connect("inproc:") as client:
            checkpoint = pathlib.Path(folder) / "checkpoint.pth"
            for stop_after in (8, 12):  # within an epoch, and between two
                trained(client, f"--stop_after={stop_after}").save(checkpoint)
                self.assertEqual(losses_of(client, f"--resume={checkpoint}"), self.expected)

    def test_masking_of_the_reference(self) -> None:
        """random_masking of facebookresearch/mae in PyTorch; the same noise drawn by maskd; and sent to it."""
        reference = losses_of(None, "--masks=torch")
        self.assertNotEqual(reference, self.expected)
        with Server() as server:
            served = server.address
            for address, noise in (("inproc:", "torch_cpu"), (served, "torch_cpu"), (served, "provided")):
                with maskd.connect(address) as client:
                    self.assertEqual(losses_of(client, f"--noise={noise}"), reference, (address, noise))


if __name__ == "__main__":
    unittest.main()
