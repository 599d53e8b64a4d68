"""A real transformers model of random weights, small enough for every test, saved to a folder."""

import json
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

_SAMPLE = Path(__file__).resolve().parents[1] / "data" / "sample" / "dataset.json"

#: Roles in plain marks; a system role is taken as it comes.
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
#: As some models' templates do: no system role.
TEMPLATE_WITHOUT_SYSTEM = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}"
    "{% endif %}" + TEMPLATE
)


def save_tiny_model(
    folder: Path,
    *,
    template: str | None = TEMPLATE,
    context: int = 4096,
    hidden: int = 64,
    layers: int = 2,
    vocabulary: int = 2000,
    seed: int = 0,
    ends_every: int | None = None,
) -> Path:
    """Save a Qwen3 of random weights with a tokenizer trained on the sample study.

    Random weights hardly ever end an answer; with `ends_every`, each so-manieth token does, so that
    lengths vary as those of a real model, and alike however the question is asked.
    """
    tokenizer = _tokenizer(vocabulary)
    tokenizer.chat_template = template
    torch.manual_seed(seed)
    config = Qwen3Config(
        vocab_size=len(tokenizer), hidden_size=hidden, intermediate_size=3 * hidden,
        num_hidden_layers=layers, num_attention_heads=4, num_key_value_heads=2,
        head_dim=hidden // 4, max_position_embeddings=context,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=False,
    )  # fmt: skip
    Qwen3ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    if ends_every is not None:
        path = folder / "generation_config.json"
        content = json.loads(path.read_text(encoding="utf-8"))
        content["eos_token_id"] = [config.eos_token_id, *range(301, len(tokenizer), ends_every)]
        path.write_text(json.dumps(content), encoding="utf-8")
    return folder


def _tokenizer(vocabulary: int) -> PreTrainedTokenizerFast:
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, show_progress=False,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    content = json.loads(_SAMPLE.read_text(encoding="utf-8"))
    texts = [record["problem"] + record["sanswer"] for some in content.values() for record in some]
    raw.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=raw, eos_token="<|im_end|>", pad_token="<|endoftext|>"
    )
