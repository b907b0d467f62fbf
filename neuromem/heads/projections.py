"""Small trainable projections of a sense's features into the space that the senses share."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from neuromem.heads.training import linear
from neuromem.network import Spec


class LinearProjection(Spec, frozen=True, kw_only=True):
    r"""One linear layer: :math:`y = W x + b`.

    Source: the projection of the published zero-shot experiments, Lin et al. (2025), doi
    10.1038/s43588-024-00751-z.
    """

    def build(self, inputs: int, embedding: int, generator: Any) -> Any:
        """Return the ``torch.nn.Module``, its weights drawn from a torch generator."""
        return linear(inputs, embedding, generator)


class MLPProjection(Spec, frozen=True, kw_only=True):
    r"""A hidden layer of rectifiers: :math:`y = W_2 \max(0, W_1 x + b_1) + b_2`.

    Parameters
    ----------
    hidden
        Hidden units. The default is assumed.
    """

    hidden: Annotated[int, Meta(ge=1)] = 256

    def build(self, inputs: int, embedding: int, generator: Any) -> Any:
        """As :meth:`LinearProjection.build`."""
        import torch

        return torch.nn.Sequential(
            linear(inputs, self.hidden, generator),
            torch.nn.ReLU(),
            linear(self.hidden, embedding, generator),
        )


class GELUProjection(Spec, frozen=True, kw_only=True):
    r"""A linear layer with a residual block and a normalised output.

    .. math::
        h = W_1 x + b_1, \qquad y = \mathrm{LayerNorm}(h + W_2\, \mathrm{GELU}(h) + b_2)

    The published scripts name a GELU as an option of their projection; its form there is unknown,
    and this one is ours.
    """

    def build(self, inputs: int, embedding: int, generator: Any) -> Any:
        """As :meth:`LinearProjection.build`."""
        import torch

        class Residual(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.block = torch.nn.Sequential(
                    torch.nn.GELU(), linear(embedding, embedding, generator)
                )

            def forward(self, h: Any) -> Any:
                return h + self.block(h)

        return torch.nn.Sequential(
            linear(inputs, embedding, generator), Residual(), torch.nn.LayerNorm(embedding)
        )


Projection = LinearProjection | MLPProjection | GELUProjection
