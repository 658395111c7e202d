"""One process of a data-parallel step on the tiny model; run as a module by tests/model/test_distributed.py."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from model.tokenization import TextTokenizer
from model.training.distributed import World
from model.training.loop import Trainer
from model.training.options import TrainingOptions
from model.training.pairs import Term
from model.training.sampling import PairSampler
from tests.model.tiny import tiny_network, write_tokenizer

WORDS = ("asthma", "pneumonia", "cough", "fever", "kidney disease", "heart failure", "chest pain")
TERMS = [Term(f"{letter}00", (word,), word, True) for letter, word in zip("ABCDEFG", WORDS, strict=True)]


def train(run: Path, world: World) -> Trainer:
    """Two steps in shared batches, then the gradients of a third, left in place."""
    run.mkdir(exist_ok=True)
    if world.first:
        write_tokenizer(run)
    world.wait()
    options = TrainingOptions(steps=3, batch=7, chunk=2, learning_rate=1e-3, weighting="uncertainty", save_every=1)
    tokenizer = TextTokenizer(run / "tokenizer.json", first=2, last=3)
    network = tiny_network(seed=world.rank)  # only the first process's weights may count
    world.spread(network)
    trainer = Trainer(network, tokenizer, options, run, lambda line: None, world=world)
    sampler = PairSampler(TERMS, [], seed=0, clause_share=0.0)
    trainer.train(sampler, until=2)
    trainer.backward(sampler.batch(7))
    return trainer


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    world = World.open()
    trainer = train(folder / "shared", world)
    parameters = [*trainer.network.parameters(), *trainer.weighting.parameters()]
    torch.save([(p.detach(), p.grad) for p in parameters], folder / f"rank-{world.rank}.pt")
    world.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
