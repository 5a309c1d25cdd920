"""A masked autoencoder with a ViT backbone, small: the structure and names of models_mae.py of facebookresearch/mae.

One thing moved: there, patches are embedded and then masked; here they are masked and then embedded. A patch's
embedding depends on that patch alone, so the result is the same, and masking does not wait for the model.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional


def sincos_pos_embed(embed_dim: int, grid_size: int) -> Tensor:
    """Fixed position embeddings [1, 1 + grid_size^2, embed_dim], zeros for the cls token (util/pos_embed.py)."""
    omega = 1.0 / 10000 ** (np.arange(embed_dim // 4, dtype=np.float64) / (embed_dim / 4.0))
    row, column = np.meshgrid(np.arange(grid_size), np.arange(grid_size), indexing="ij")
    angles = [np.outer(axis.flatten(), omega) for axis in (column, row)]
    embed = np.concatenate([part(angle) for angle in angles for part in (np.sin, np.cos)], axis=1)
    return torch.from_numpy(np.concatenate([np.zeros([1, embed_dim]), embed])).float().unsqueeze(0)


class Attention(nn.Module):
    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(dim, dim * 3)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        n, length, dim = x.shape
        q, k, v = self.qkv(x).reshape(n, length, 3, self.num_heads, dim // self.num_heads).permute(2, 0, 3, 1, 4)
        attention = (q @ k.transpose(-2, -1) * (dim // self.num_heads) ** -0.5).softmax(dim=-1)
        return self.proj((attention @ v).transpose(1, 2).reshape(n, length, dim))


class Block(nn.Module):
    def __init__(self, dim: int, num_heads: int, mlp_ratio: float) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim, eps=1e-6), nn.LayerNorm(dim, eps=1e-6)
        self.attn = Attention(dim, num_heads)
        self.mlp = nn.Sequential(nn.Linear(dim, int(dim * mlp_ratio)), nn.GELU(), nn.Linear(int(dim * mlp_ratio), dim))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class MaskedAutoencoderViT(nn.Module):
    def __init__(
        self,
        img_size: int = 64,
        patch_size: int = 8,
        embed_dim: int = 96,
        depth: int = 4,
        num_heads: int = 3,
        decoder_embed_dim: int = 64,
        decoder_depth: int = 2,
        decoder_num_heads: int = 4,
        mlp_ratio: float = 4.0,
        norm_pix_loss: bool = False,
    ) -> None:
        super().__init__()
        self.patch_size, self.norm_pix_loss = patch_size, norm_pix_loss
        self.grid_size = img_size // patch_size
        patch_dim = patch_size**2 * 3

        self.patch_embed = nn.Linear(patch_dim, embed_dim)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, embed_dim))
        self.register_buffer("pos_embed", sincos_pos_embed(embed_dim, self.grid_size), persistent=False)
        self.blocks = nn.Sequential(*(Block(embed_dim, num_heads, mlp_ratio) for _ in range(depth)))
        self.norm = nn.LayerNorm(embed_dim, eps=1e-6)

        self.decoder_embed = nn.Linear(embed_dim, decoder_embed_dim)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, decoder_embed_dim))
        self.register_buffer("decoder_pos_embed", sincos_pos_embed(decoder_embed_dim, self.grid_size), persistent=False)
        self.decoder_blocks = nn.Sequential(
            *(Block(decoder_embed_dim, decoder_num_heads, mlp_ratio) for _ in range(decoder_depth))
        )
        self.decoder_norm = nn.LayerNorm(decoder_embed_dim, eps=1e-6)
        self.decoder_pred = nn.Linear(decoder_embed_dim, patch_dim)
        self.initialize_weights()

    def initialize_weights(self) -> None:
        nn.init.normal_(self.cls_token, std=0.02)
        nn.init.normal_(self.mask_token, std=0.02)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    def patchify(self, imgs: Tensor) -> Tensor:
        """[N, 3, H, W] to [N, L, patch_size^2 * 3]."""
        n, p, grid = imgs.shape[0], self.patch_size, self.grid_size
        x = imgs.reshape(n, 3, grid, p, grid, p)
        return torch.einsum("nchpwq->nhwpqc", x).reshape(n, grid * grid, p * p * 3)

    def unpatchify(self, x: Tensor) -> Tensor:
        """[N, L, patch_size^2 * 3] to [N, 3, H, W]."""
        n, p, grid = x.shape[0], self.patch_size, self.grid_size
        return torch.einsum("nhwpqc->nchpwq", x.reshape(n, grid, grid, p, p, 3)).reshape(n, 3, grid * p, grid * p)

    def forward_encoder(self, kept: Tensor, ids_keep: Tensor) -> Tensor:
        """Kept patches [N, K, P] and which they are, [N, K], to latents [N, 1 + K, embed_dim]."""
        x = self.patch_embed(kept) + self.pos_embed[0, 1:][ids_keep]
        cls_token = self.cls_token + self.pos_embed[:, :1]
        x = torch.cat([cls_token.expand(x.shape[0], -1, -1), x], dim=1)
        return self.norm(self.blocks(x))

    def forward_decoder(self, latent: Tensor, ids_restore: Tensor) -> Tensor:
        """To predicted patches [N, L, P]."""
        x = self.decoder_embed(latent)
        n, length = ids_restore.shape
        mask_tokens = self.mask_token.expand(n, length + 1 - x.shape[1], -1)
        patches = torch.cat([x[:, 1:], mask_tokens], dim=1)
        patches = torch.gather(patches, 1, ids_restore.unsqueeze(-1).expand(-1, -1, x.shape[2]))  # unshuffle
        x = torch.cat([x[:, :1], patches], dim=1) + self.decoder_pos_embed
        return self.decoder_pred(self.decoder_norm(self.decoder_blocks(x)))[:, 1:]

    def forward_loss(self, patches: Tensor, pred: Tensor, mask: Tensor) -> Tensor:
        """Mean squared error of the removed patches."""
        target = patches
        if self.norm_pix_loss:
            mean, var = target.mean(dim=-1, keepdim=True), target.var(dim=-1, keepdim=True)
            target = (target - mean) / (var + 1.0e-6) ** 0.5
        loss = functional.mse_loss(pred, target, reduction="none").mean(dim=-1)
        return (loss * mask).sum() / mask.sum()

    def forward(
        self, patches: Tensor, kept: Tensor, mask: Tensor, ids_restore: Tensor, ids_keep: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Loss, and predicted patches [N, L, P]."""
        pred = self.forward_decoder(self.forward_encoder(kept, ids_keep), ids_restore)
        return self.forward_loss(patches, pred, mask), pred
