"""A user's own embeddings for the tests: numpy, which LangChain's fake ones need, is not installed."""

from langchain_core.embeddings import Embeddings

__all__ = ["Letters"]


class Letters(Embeddings):
    """Counts letters: small, deterministic, and different for different texts."""

    def __init__(self, size: int = 7) -> None:
        self.size = size

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [[float(text.count(letter)) + 0.5 for letter in "aeioulmnst"[: self.size]] for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]
