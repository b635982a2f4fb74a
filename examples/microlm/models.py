"""The two model families of microlm: a small pre-norm Transformer and an LSTM."""

import math

from torch import nn
from torch.nn import functional as F

BYTES = 256


class Block(nn.Module):
    """Attention and a feed-forward layer, each after its own LayerNorm."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm_attention, self.norm_mlp = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width, bias=False)
        self.up, self.down = nn.Linear(width, 4 * width, bias=False), nn.Linear(4 * width, width, bias=False)

    def forward(self, x):
        B, T, W = x.shape
        q, k, v = self.qkv(self.norm_attention(x)).view(B, T, 3, self.heads, W // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(B, T, W))
        return x + self.down(F.gelu(self.up(self.norm_mlp(x))))


class Transformer(nn.Module):
    """Learned positions, tied input and output embedding."""

    def __init__(self, width, layers, window):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(BYTES, width), nn.Embedding(window, width)
        self.body = nn.ModuleList(Block(width, heads=width // 8) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        for p in self.parameters():
            if p.dim() > 1:
                nn.init.normal_(p, std=1 / math.sqrt(p.shape[1]))
        for p in (self.tokens.weight, self.positions.weight):
            nn.init.normal_(p, std=0.5 / math.sqrt(width))
        for block in self.body:
            for p in (block.out.weight, block.down.weight):
                nn.init.normal_(p, std=1 / math.sqrt(2 * layers * p.shape[1]))

    def forward(self, x):
        h = self.tokens(x) + self.positions.weight[: x.shape[1]]
        for block in self.body:
            h = block(h)
        return F.linear(self.norm(h), self.tokens.weight)


class LSTM(nn.Module):
    """Stacked LSTM layers that start each window from a zero state; tied input and output embedding."""

    def __init__(self, width, layers, window):
        super().__init__()
        self.tokens = nn.Embedding(BYTES, width)
        self.body = nn.LSTM(width, width, layers, batch_first=True)
        self.norm = nn.LayerNorm(width)
        nn.init.normal_(self.tokens.weight, std=0.5 / math.sqrt(width))

    def forward(self, x):
        return F.linear(self.norm(self.body(self.tokens(x))[0]), self.tokens.weight)


FAMILIES = {"transformer": Transformer, "lstm": LSTM}


def count_params(model):
    """Parameters outside the embeddings of bytes and positions (the output layer is the byte embedding)."""
    return sum(p.numel() for name, p in model.named_parameters() if not name.startswith(("tokens", "positions")))
