"""The generator of a OneRec Workbench run in PyTorch. Needs only torch; pyarrow for the table of semantic IDs.

    from onerec_model import load
    generator, items = load(".")
    for slate in generator.generate(items.codes_of(["item-1", "item-2"]), items.all_codes(), n_items=5, n_beams=16):
        print(slate.log_prob, [items.external_ids(codes) for codes in slate.items])

`python onerec_model.py --check reference.safetensors` compares the logits with those of the workbench.

The model is the encoder-decoder of OneRec (arXiv 2502.18965, section 3.2) or, where config.json says "lazy", the decoder
without an encoder of OneRec-V2 (arXiv 2508.20900, section 2.2), see LazyGenerator. Every item is a semantic ID: one code
per level. The encoder reads `SEP c1 .. cL` per item of the history, oldest first, padded on the left; or, where config.json
says "pathways", features of the user and of the user's behaviours (arXiv 2506.13695, section 2.2), whose numbering is in
features.json and whose form is that of reference.safetensors. The decoder reads
`BOS c1 .. cL` per item of the slate; BOS predicts c1, c1 predicts c2, and so on; the last code predicts nothing.
"""

import argparse
import json
import math
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Added to the scores of hidden positions.
HIDDEN = -1e9
# Added to the sum that a renormalised gate is divided by.
GATE_EPSILON = 1e-20


class RmsNorm(nn.Module):
    def __init__(self, config, width=None):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width or config["d_model"]))
        self.epsilon = config["norm_epsilon"]

    def forward(self, x: Tensor) -> Tensor:
        return x * (x.square().mean(-1, keepdim=True) + self.epsilon).rsqrt() * self.weight


class Residual(nn.Module):
    """x + f(norm(x)) where the norm comes first ("pre"), norm(x + f(x)) otherwise ("post")."""

    def __init__(self, config):
        super().__init__()
        self.norm = RmsNorm(config)
        self.is_pre_norm = config["norm"] == "pre"

    def forward(self, x: Tensor, sublayer) -> Tensor:
        return x + sublayer(self.norm(x)) if self.is_pre_norm else self.norm(x + sublayer(x))


class Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        d_model = config["d_model"]
        self.n_heads = config["n_heads"]
        self.query = nn.Linear(d_model, d_model, bias=False)
        self.key = nn.Linear(d_model, d_model, bias=False)
        self.value = nn.Linear(d_model, d_model, bias=False)
        self.output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x: Tensor, source: Tensor, mask: Tensor | None) -> Tensor:
        query, key, value = self.split(self.query(x)), self.split(self.key(source)), self.split(self.value(source))
        scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])
        if mask is not None:
            scores = scores + mask
        attended = scores.softmax(-1) @ value
        return self.output(attended.transpose(1, 2).flatten(2))

    def split(self, x: Tensor) -> Tensor:
        """[rows, tokens, d_model] -> [rows, heads, tokens, d_head]."""
        return x.unflatten(-1, (self.n_heads, -1)).transpose(1, 2)


class SwiGlu(nn.Module):
    def __init__(self, d_model, d_ff):
        super().__init__()
        self.gate = nn.Linear(d_model, d_ff, bias=False)
        self.up = nn.Linear(d_model, d_ff, bias=False)
        self.down = nn.Linear(d_ff, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(F.silu(self.gate(x)) * self.up(x))


class MixtureOfExperts(nn.Module):
    """The best experts of each token, each times its gate, and the shared experts.

    `balance` is added to the scores when experts are chosen, never to the gate.
    """

    def __init__(self, config):
        super().__init__()
        n_experts, d_model, d_ff = config["n_experts"], config["d_model"], config["d_ff_expert"]
        self.n_active, self.renormalise = config["n_active_experts"], config["renormalise_gate"]
        self.score = torch.sigmoid if config["expert_score"] == "sigmoid" else lambda x: x.softmax(-1)
        self.router = nn.Parameter(torch.zeros(d_model, n_experts))
        self.gate = nn.Parameter(torch.zeros(n_experts, d_model, d_ff))
        self.up = nn.Parameter(torch.zeros(n_experts, d_model, d_ff))
        self.down = nn.Parameter(torch.zeros(n_experts, d_ff, d_model))
        self.balance = None
        if config["balance_rate"] > 0:
            self.balance = nn.Parameter(torch.zeros(n_experts), requires_grad=False)
        n_shared = config["n_shared_experts"]
        self.shared = SwiGlu(d_model, n_shared * d_ff) if n_shared else None

    def forward(self, x: Tensor) -> Tensor:
        tokens = x.reshape(-1, x.shape[-1])
        scores = self.score(tokens @ self.router)
        ranking = scores if self.balance is None else scores + self.balance
        chosen = ranking.topk(self.n_active, -1).indices
        gates = scores.gather(-1, chosen)
        if self.renormalise:
            gates = gates / (gates.sum(-1, keepdim=True) + GATE_EPSILON)
        total = torch.zeros_like(tokens) if self.shared is None else self.shared(tokens)
        for expert in chosen.unique().tolist():
            rows, choice = (chosen == expert).nonzero(as_tuple=True)
            x_rows = tokens[rows]
            hidden = F.silu(x_rows @ self.gate[expert]) * (x_rows @ self.up[expert])
            total.index_add_(0, rows, hidden @ self.down[expert] * gates[rows, choice, None])
        return total.view_as(x)


def feed_forward(config, block: int, is_encoder: bool) -> nn.Module:
    """The layer of the block of that index: experts where the sizes say so, dense elsewhere."""
    place = block - config["n_dense_blocks"]
    has_experts = config["n_experts"] > 0 and place >= 0 and (place + 1) % config["expert_every_blocks"] == 0
    if has_experts and (config["encoder_experts"] or not is_encoder):
        return MixtureOfExperts(config)
    return SwiGlu(config["d_model"], config["d_ff"])


class EncoderBlock(nn.Module):
    def __init__(self, config, block: int):
        super().__init__()
        self.attention = Attention(config)
        self.attention_residual = Residual(config)
        self.feed_forward = feed_forward(config, block, is_encoder=True)
        self.feed_forward_residual = Residual(config)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = self.attention_residual(x, lambda x: self.attention(x, x, mask))
        return self.feed_forward_residual(x, self.feed_forward)


class DecoderBlock(nn.Module):
    def __init__(self, config, block: int):
        super().__init__()
        self.self_attention = Attention(config)
        self.self_attention_residual = Residual(config)
        self.cross_attention = Attention(config)
        self.cross_attention_residual = Residual(config)
        self.feed_forward = feed_forward(config, block, is_encoder=False)
        self.feed_forward_residual = Residual(config)

    def forward(self, x: Tensor, memory: Tensor, causal_mask: Tensor, memory_mask: Tensor) -> Tensor:
        x = self.self_attention_residual(x, lambda x: self.self_attention(x, x, causal_mask))
        x = self.cross_attention_residual(x, lambda x: self.cross_attention(x, memory, memory_mask))
        return self.feed_forward_residual(x, self.feed_forward)


class QueryReader(nn.Module):
    """Queries that read any number of vectors into a fixed number."""

    def __init__(self, config):
        super().__init__()
        pathways = config["pathways"]
        self.residual = pathways["lifelong_residual"]
        self.queries = nn.Parameter(torch.zeros(pathways["lifelong_queries"], config["d_model"]))
        self.layers = nn.ModuleList(ReaderBlock(config) for _ in range(pathways["lifelong_layers"]))

    def forward(self, memory: Tensor, mask: Tensor) -> Tensor:
        x = self.queries.expand(memory.shape[0], -1, -1)
        for layer in self.layers:
            read = layer.attention(x, memory, mask)
            read = x + read if self.residual else read
            changed = layer.feed_forward(layer.norm(read))
            x = read + changed if self.residual else changed
        return x


class ReaderBlock(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.attention = Attention(config)
        self.norm = RmsNorm(config)
        self.feed_forward = SwiGlu(config)


class FeatureTables(nn.Module):
    """One vector per value of a feature; what the dataset lacks is absent."""

    def __init__(self, config):
        super().__init__()
        sizes, pathways, d_model = config["features"], config["pathways"], config["d_model"]
        user, author, feature = (width_of(pathways[f"{name}_frac"], d_model) for name in ("user", "author", "feature"))
        tables = {}
        if "static" in pathways["read"]:
            tables |= {"user": (sizes["user_rows"], user), "user_value": (sizes["user_value_rows"], user)}
        if set(pathways["read"]) - {"static"}:
            tables |= {
                "item": (sizes["item_rows"], d_model),
                "author": (sizes["author_rows"], author),
                "tag": (sizes["tag_rows"], feature),
                "bucket": (sizes["bucket_rows"], feature),
                "label": (sizes["n_labels"], feature),
            }
        for name in ("user", "user_value", "item", "author", "tag", "bucket", "label"):
            n_rows, width = tables.get(name, (0, 0))
            self.register_parameter(name, nn.Parameter(torch.zeros(n_rows, width)) if n_rows else None)


def width_of(frac: float, d_model: int) -> int:
    return max(int(d_model * frac + 0.5), 1)


class PathwayLayers(nn.Module):
    def __init__(self, width: int, config):
        super().__init__()
        self.hidden = nn.Linear(width, config["d_model"], bias=False)
        self.output = nn.Linear(config["d_model"], config["d_model"], bias=False)
        self.scale = math.sqrt(config["d_model"])
        self.slope = config["pathways"]["leaky_slope"]

    def forward(self, features: Tensor) -> Tensor:
        return self.output(F.leaky_relu(self.hidden(features * self.scale), self.slope))


class PathwayInput(nn.Module):
    """From the features of each pathway to one vector per position (arXiv 2506.13695, section 2.2.1)."""

    def __init__(self, config):
        super().__init__()
        self.tables = FeatureTables(config)
        sizes, pathways, d_model = config["features"], config["pathways"], config["d_model"]
        user, author, feature = (width_of(pathways[f"{name}_frac"], d_model) for name in ("user", "author", "feature"))
        n_features = (sizes["tag_rows"] > 0) + sizes["n_continuous"] + (sizes["n_labels"] > 0)
        behaviour = d_model + (sizes["author_rows"] > 0) * author + n_features * feature
        widths = {"users": user * (1 + sizes["n_user_columns"])}
        widths |= {name: behaviour for name in ("short", "positive", "lifelong")}
        for name, width in widths.items():
            is_read = {"users": "static"}.get(name, name) in pathways["read"]
            setattr(self, name, PathwayLayers(width, config) if is_read else None)
        self.lifelong_reader = QueryReader(config) if "lifelong" in pathways["read"] else None
        self.lengths = {"short": pathways["short_len"], "positive": config["history_len"]}

    def forward(self, context: dict[str, Tensor], embeddings: Tensor) -> list[tuple[Tensor, int, Tensor]]:
        """Per pathway: hidden states, positions at the most, and which positions are not there."""
        found = []
        if self.users is not None:
            users = [self.tables.user[context["static.users"]].flatten(1)]
            if "static.values" in context:
                users.append(self.tables.user_value[context["static.values"]].flatten(1))
            hidden = self.users(torch.cat(users, 1))[:, None]
            found.append((hidden, 1, torch.zeros(hidden.shape[:2], dtype=torch.bool)))
        for name in ("short", "positive"):
            if getattr(self, name) is not None:
                hidden = getattr(self, name)(self.behaviours(context, name, embeddings))
                found.append((hidden, self.lengths[name], context[f"{name}.is_pad"].bool()))
        if self.lifelong is not None:
            positions = self.lifelong(self.behaviours(context, "lifelong", embeddings))
            mask = context["lifelong.is_pad"][:, None, None, :] * HIDDEN
            hidden = self.lifelong_reader(positions, mask)
            found.append((hidden, hidden.shape[1], torch.zeros(hidden.shape[:2], dtype=torch.bool)))
        return found

    def behaviours(self, context: dict[str, Tensor], pathway: str, embeddings: Tensor) -> Tensor:
        """[item; author; tag; buckets; label] of each position."""
        of = {name.split(".", 1)[1]: values for name, values in context.items() if name.startswith(f"{pathway}.")}
        tables = self.tables
        items = of["items"]
        parts = [embeddings[items].sum(2) if tables.item is None else tables.item[items].flatten(2)]
        if tables.author is not None:
            parts.append(tables.author[of["authors"]].flatten(2))
        if tables.tag is not None:
            parts.append((tables.tag[of["tags"]] * of["tag_shares"][..., None]).sum(2))
        if tables.bucket is not None:
            parts.append(tables.bucket[of["buckets"]].flatten(2))
        if tables.label is not None:
            parts.append(of["labels"] @ tables.label)
        return torch.cat(parts, 2)


class ContextInput(nn.Module):
    """Learned positions, and the pathways where features are read."""

    def __init__(self, config, item_len: int):
        super().__init__()
        self.pathways = None
        n_positions = config["history_len"] * item_len
        if config.get("system") == "pathways":
            pathways = config["pathways"]
            lengths = {
                "static": 1,
                "short": pathways["short_len"],
                "positive": config["history_len"],
                "lifelong": pathways["lifelong_queries"],
            }
            n_positions = sum(lengths[name] for name in pathways["read"])
            self.pathways = PathwayInput(config)
        self.positions = nn.Parameter(torch.zeros(n_positions, config["d_model"]))

    def forward(self, context: dict[str, Tensor], embeddings: Tensor) -> tuple[Tensor, Tensor]:
        """Sets the pathways side by side and adds the positions; positions count from the most recent one."""
        hidden, positions, is_pad, end = [], [], [], 0
        for x, length, pad in self.pathways(context, embeddings):
            end += length
            hidden.append(x)
            positions.append(self.positions[end - x.shape[1] : end])
            is_pad.append(pad)
        scale = math.sqrt(self.positions.shape[-1])
        mask = torch.cat(is_pad, 1)[:, None, None, :] * HIDDEN
        return torch.cat(hidden, 1) + torch.cat(positions) * scale, mask


@dataclass
class Slate:
    """A generated slate: the semantic IDs of its items in order, and the sum of their log-probabilities."""

    items: list[tuple[int, ...]]
    log_prob: float


class Generator(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.read_sizes(config)
        d_model = config["d_model"]
        self.embeddings = nn.Parameter(torch.zeros(config["vocab"]["size"], d_model))
        self.context = ContextInput(config, self.item_len)
        self.decoder_positions = nn.Parameter(torch.zeros(config["slate_len"] * self.item_len, d_model))
        self.encoder = nn.ModuleList(EncoderBlock(config, block) for block in range(config["n_encoder_layers"]))
        self.decoder = nn.ModuleList(DecoderBlock(config, block) for block in range(config["n_decoder_layers"]))
        # Only a pre-norm stream needs a norm at its end.
        is_pre_norm = config["norm"] == "pre"
        self.encoder_norm = RmsNorm(config) if is_pre_norm else nn.Identity()
        self.decoder_norm = RmsNorm(config) if is_pre_norm else nn.Identity()
        n_outputs = 0 if config["tie_embeddings"] else self.n_levels
        self.outputs = nn.ModuleList(nn.Linear(d_model, self.codebook_size, bias=False) for _ in range(n_outputs))

    def read_sizes(self, config):
        self.config = config
        self.n_levels, self.codebook_size = config["n_levels"], config["codebook_size"]
        self.item_len = self.n_levels + 1
        self.pad, self.bos, self.sep = config["vocab"]["pad"], config["vocab"]["bos"], config["vocab"]["sep"]
        self.first_code = config["vocab"]["first_code"]

    def history_tokens(self, histories: list[list[tuple[int, ...]]]) -> Tensor:
        """Semantic IDs, oldest first, as `[rows, tokens]`; the last `history_len` items of each are used."""
        rows = []
        for history in histories:
            tokens = [] if history else [self.sep]
            for codes in history[-self.config["history_len"] :]:
                tokens += [self.sep, *(self.token(level, code) for level, code in enumerate(codes))]
            rows.append(tokens)
        width = max(self.item_len, *map(len, rows)) if rows else self.item_len
        return torch.tensor([[self.pad] * (width - len(row)) + row for row in rows], device=self.embeddings.device)

    def token(self, level: int, code: int) -> int:
        return self.first_code + level * self.codebook_size + code

    def encode(self, context: Tensor | dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """History tokens, or features by name -> hidden states and their mask. Positions count from the most recent one."""
        if self.context.pathways is not None:
            x, mask = self.context(context, self.embeddings)
        else:
            mask = (context == self.pad)[:, None, None, :] * HIDDEN
            x = self.embed(context, self.context.positions[-context.shape[1] :])
        for block in self.encoder:
            x = block(x, mask)
        return self.encoder_norm(x), mask

    def embed(self, tokens: Tensor, positions: Tensor) -> Tensor:
        return (self.embeddings[tokens] + positions) * math.sqrt(positions.shape[-1])

    def run_decoder(self, memory: Tensor, memory_mask: Tensor, tokens: Tensor) -> Tensor:
        n_tokens = tokens.shape[1]
        x = self.embed(tokens, self.decoder_positions[:n_tokens])
        causal_mask = torch.full((n_tokens, n_tokens), HIDDEN, device=x.device).triu(1)
        for block in self.decoder:
            x = block(x, memory, causal_mask, memory_mask)
        return self.decoder_norm(x)

    def level_logits(self, hidden: Tensor, level: int) -> Tensor:
        if self.outputs:
            return self.outputs[level](hidden)
        start = self.token(level, 0)
        return hidden @ self.embeddings[start : start + self.codebook_size].T

    def forward(self, context: Tensor | dict[str, Tensor], codes: Tensor) -> Tensor:
        """Logits `[rows, codes, codebook_size]` of each code of given slates, given the codes before it.

        `codes` is `[rows, items * levels]`, each in `0..codebook_size`.
        """
        memory, memory_mask = self.encode(context)
        hidden = self.run_decoder(memory, memory_mask, self.slate_tokens(codes))
        hidden = hidden.unflatten(1, (-1, self.item_len))
        logits = [self.level_logits(hidden[:, :, level], level) for level in range(self.n_levels)]
        return torch.stack(logits, 2).flatten(1, 2)

    def slate_tokens(self, codes: Tensor) -> Tensor:
        offsets = torch.tensor([self.token(level, 0) for level in range(self.n_levels)], device=codes.device)
        items = codes.unflatten(1, (-1, self.n_levels)) + offsets
        return F.pad(items, (1, 0), value=self.bos).flatten(1)

    @torch.no_grad()
    def generate(self, history, legal: list[tuple[int, ...]], n_items: int, n_beams: int) -> list[Slate]:
        """Beam search over whole slates of distinct legal semantic IDs, best first.

        `history` is a list of semantic IDs or, for a generator that reads features, a context of one row.
        """
        allowed: dict[tuple[int, ...], set[int]] = {}
        for codes in legal:
            for level in range(self.n_levels):
                allowed.setdefault(tuple(codes[:level]), set()).add(codes[level])
        context = history if isinstance(history, dict) else self.history_tokens([history])
        memory, memory_mask = self.encode(context)
        beams: list[tuple[float, list[int]]] = [(0.0, [])]
        for step in range(n_items * self.n_levels):
            level = step % self.n_levels
            tokens = torch.tensor([self.prefix_tokens(codes) for _, codes in beams], device=memory.device)
            rows = len(beams)
            hidden = self.run_decoder(memory.expand(rows, -1, -1), memory_mask.expand(rows, -1, -1, -1), tokens)
            log_probs = self.level_logits(hidden[:, -1], level).log_softmax(-1)
            candidates = []
            for (score, codes), row in zip(beams, log_probs.tolist()):
                item_start = step - level
                for code in allowed.get(tuple(codes[item_start:]), ()):
                    longer = [*codes, code]
                    if level == self.n_levels - 1 and longer[item_start:] in self.split(codes[:item_start]):
                        continue
                    candidates.append((score + row[code], longer))
            beams = sorted(candidates, key=lambda beam: (-beam[0], beam[1]))[:n_beams]
        return [Slate([tuple(item) for item in self.split(codes)], score) for score, codes in beams]

    def split(self, codes: list[int]) -> list[list[int]]:
        return [codes[start : start + self.n_levels] for start in range(0, len(codes), self.n_levels)]

    def prefix_tokens(self, codes: list[int]) -> list[int]:
        tokens = []
        for item in self.split(codes):
            tokens += [self.bos, *(self.token(level, code) for level, code in enumerate(item))]
        return tokens if len(codes) % self.n_levels else [*tokens, self.bos]


class CrossAttention(nn.Module):
    """Attention to keys and values that need no projection; groups of query heads share a head of them."""

    def __init__(self, config):
        super().__init__()
        d_model = config["d_model"]
        self.d_head = d_model // config["n_heads"]
        self.query = nn.Linear(d_model, d_model, bias=False)
        self.output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
        query = self.split(self.query(x))
        n_shared = query.shape[1] // self.split(key).shape[1]
        key, value = (self.split(part).repeat_interleave(n_shared, 1) for part in (key, value))
        scores = query @ key.transpose(-1, -2) / math.sqrt(self.d_head) + mask
        return self.output((scores.softmax(-1) @ value).transpose(1, 2).flatten(2))

    def split(self, x: Tensor) -> Tensor:
        """[rows, tokens, width] -> [rows, heads, tokens, d_head]."""
        return x.unflatten(-1, (-1, self.d_head)).transpose(1, 2)


class LazyBlock(nn.Module):
    def __init__(self, config, block: int):
        super().__init__()
        self.cross_attention = CrossAttention(config)
        self.cross_attention_residual = Residual(config)
        self.self_attention = Attention(config)
        self.self_attention_residual = Residual(config)
        self.feed_forward = feed_forward(config, block, is_encoder=False)
        self.feed_forward_residual = Residual(config)

    def forward(self, x: Tensor, key: Tensor, value: Tensor, causal_mask: Tensor, memory_mask: Tensor) -> Tensor:
        x = self.cross_attention_residual(x, lambda x: self.cross_attention(x, key, value, memory_mask))
        x = self.self_attention_residual(x, lambda x: self.self_attention(x, x, causal_mask))
        return self.feed_forward_residual(x, self.feed_forward)


class ContextProcessor(nn.Module):
    def __init__(self, config):
        super().__init__()
        lazy = config["lazy"]
        n_kv_heads = lazy["n_kv_heads"] or config["n_heads"]
        width = n_kv_heads * config["d_model"] // config["n_heads"]
        n_parts = lazy["n_kv_sets"] * (1 if lazy["values_are_keys"] else 2)
        n_embeddings = 1 if lazy["reads_pathways"] else config["n_levels"]
        self.projection = nn.Linear(n_embeddings * lazy["d_embed"], n_parts * width, bias=False)
        self.norms = nn.ModuleList(RmsNorm(config, width) for _ in range(n_parts))


class PositionInput(nn.Module):
    """The pathways of the lazy decoder, as narrow as its embeddings; nothing where it reads semantic IDs alone."""

    def __init__(self, config):
        super().__init__()
        self.pathways = None
        if config["lazy"]["reads_pathways"]:
            d_embed = config["lazy"]["d_embed"]
            self.pathways = PathwayInput({**config, "d_model": d_embed, "n_heads": 1, "d_ff": 2 * d_embed})


class LevelHead(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.norm = RmsNorm(config)
        self.output = nn.Linear(config["d_model"], config["codebook_size"], bias=False)


class LazyGenerator(Generator):
    """The lazy decoder of OneRec-V2 (arXiv 2508.20900): no encoder, and each item of a slate by itself.

    `BOS c1 .. c(L-1)` is read per item. The history becomes keys and values once; all blocks share them.
    """

    def __init__(self, config):
        nn.Module.__init__(self)
        self.read_sizes(config)
        self.lazy = config["lazy"]
        self.embeddings = nn.Parameter(torch.zeros(config["vocab"]["size"], self.lazy["d_embed"]))
        self.positions = PositionInput(config)
        self.context = ContextProcessor(config)
        self.input = nn.Linear(self.lazy["d_embed"], config["d_model"], bias=False)
        self.blocks = nn.ModuleList(LazyBlock(config, block) for block in range(config["n_decoder_layers"]))
        self.heads = nn.ModuleList(LevelHead(config) for _ in range(self.n_levels))

    def encode(self, context: Tensor | dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """History tokens, or features by name -> one context vector per position, and their mask."""
        if self.positions.pathways is not None:
            pathways = self.positions.pathways(context, self.embeddings)
            values = torch.cat([hidden + self.places(*hidden.shape[1:]) for hidden, _, _ in pathways], 1)
            is_pad = torch.cat([is_pad for _, _, is_pad in pathways], 1)
        else:
            tokens = context.unflatten(1, (-1, self.item_len))
            is_pad = tokens[:, :, -1] == self.pad
            items = self.embeddings[tokens[:, :, 1:]].flatten(2) * math.sqrt(self.lazy["d_embed"])
            values = items + self.places(*items.shape[1:])
        return self.context.projection(values), is_pad[:, None, None, :] * HIDDEN

    def places(self, n_items: int, width: int) -> Tensor:
        """A wave per feature whose phase is the distance from the most recent position, as strong as new embeddings."""
        distance = torch.arange(n_items - 1, -1, -1, dtype=torch.float64)[:, None]
        column = torch.arange(width)
        phase = distance / 10_000.0 ** (column // 2 * 2 / width)
        waves = torch.where(column % 2 == 0, phase.sin(), phase.cos())
        return waves.to(self.embeddings) * (0.02 * math.sqrt(2 * self.lazy["d_embed"]))

    def run_decoder(self, memory: Tensor, memory_mask: Tensor, tokens: Tensor) -> Tensor:
        """Only the tokens of the last item count."""
        n_tokens = (tokens.shape[1] - 1) % self.item_len + 1
        x = self.input(self.embeddings[tokens[:, -n_tokens:]] * math.sqrt(self.lazy["d_embed"]))
        causal_mask = torch.full((n_tokens, n_tokens), HIDDEN, device=x.device).triu(1)
        parts = [norm(part) for norm, part in zip(self.context.norms, memory.chunk(len(self.context.norms), -1))]
        per_set = 1 if self.lazy["values_are_keys"] else 2
        for index, block in enumerate(self.blocks):
            first = index * self.lazy["n_kv_sets"] // len(self.blocks) * per_set
            x = block(x, parts[first], parts[first + per_set - 1], causal_mask, memory_mask)
        return x

    def level_logits(self, hidden: Tensor, level: int) -> Tensor:
        head = self.heads[level]
        return head.output(head.norm(hidden))

    def forward(self, context: Tensor | dict[str, Tensor], codes: Tensor) -> Tensor:
        memory, memory_mask = self.encode(context)
        n_rows, n_codes = codes.shape
        n_items = n_codes // self.n_levels
        tokens = self.slate_tokens(codes).unflatten(1, (n_items, -1)).flatten(0, 1)[:, :-1]
        memory, memory_mask = (part.repeat_interleave(n_items, 0) for part in (memory, memory_mask))
        hidden = self.run_decoder(memory, memory_mask, tokens)
        logits = [self.level_logits(hidden[:, level], level) for level in range(self.n_levels)]
        return torch.stack(logits, 1).view(n_rows, n_codes, -1)


class ItemTable:
    """`semantic_ids.parquet`: which item has which semantic ID."""

    def __init__(self, path: Path, n_levels: int):
        import pyarrow.parquet

        columns = pyarrow.parquet.read_table(path).to_pydict()
        codes = zip(*(columns[f"code_{level}"] for level in range(n_levels)))
        self.codes = dict(zip(columns["external_id"], codes))
        self.items: dict[tuple[int, ...], list[str]] = {}
        for external_id, sid in self.codes.items():
            self.items.setdefault(sid, []).append(external_id)

    def codes_of(self, external_ids: list[str]) -> list[tuple[int, ...]]:
        return [self.codes[external_id] for external_id in external_ids]

    def external_ids(self, codes: tuple[int, ...]) -> list[str]:
        """All items that share a semantic ID."""
        return self.items.get(tuple(codes), [])

    def all_codes(self) -> list[tuple[int, ...]]:
        return list(self.items)


def load(folder: str | Path) -> tuple[Generator, ItemTable]:
    """The generator and its items, from an export folder."""
    generator = load_generator(Path(folder))
    return generator, ItemTable(Path(folder) / "semantic_ids.parquet", generator.n_levels)


def load_generator(folder: Path) -> Generator:
    config = json.loads((folder / "config.json").read_text())
    generator = LazyGenerator(config) if config["system"] == "lazy" else Generator(config)
    generator.load_state_dict(read_safetensors(folder / "model.safetensors"))
    return generator.eval()


def read_safetensors(path: str | Path) -> dict[str, Tensor]:
    """The format is a length, a JSON header and the values."""
    dtypes = {"F32": torch.float32, "I64": torch.int64}
    data = bytearray(Path(path).read_bytes())
    (header_len,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + header_len])
    values = memoryview(data)[8 + header_len :]
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            start, end = entry["data_offsets"]
            # A copy, because the values of a file need not be aligned.
            flat = torch.frombuffer(bytearray(values[start:end]), dtype=dtypes[entry["dtype"]])
            tensors[name] = flat.reshape(entry["shape"])
    return tensors


def contexts(reference: dict[str, Tensor]) -> Tensor | dict[str, Tensor]:
    """The contexts of a reference file: history tokens, or features by name."""
    if "history_tokens" in reference:
        return reference["history_tokens"]
    return {name.removeprefix("context."): x for name, x in reference.items() if name.startswith("context.")}


@torch.no_grad()
def check(folder: Path, reference: Path, tolerance: float) -> bool:
    """Compares the logits with those that the workbench computed for the same histories and slates."""
    expected = read_safetensors(reference)
    found = load_generator(folder)(contexts(expected), expected["codes"])
    difference = (found - expected["logits"]).abs().max().item()
    largest = expected["logits"].abs().max().item()
    verdict = "agree" if difference <= tolerance else "DIFFER"
    print(f"logits {verdict}: largest difference {difference:.2e} of {largest:.3g}, tolerance {tolerance:.0e}")
    return difference <= tolerance


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", metavar="FILE", type=Path, required=True, help="reference.safetensors of the export")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    arguments = parser.parse_args()
    return 0 if check(Path(__file__).parent, arguments.check, arguments.tolerance) else 1


if __name__ == "__main__":
    sys.exit(main())
