"""A network as a torch module made of snnTorch's neurons."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import snntorch
import torch

from neuromem import backends
from neuromem.backends.snntorch.translate import Arrivals, Spikes, blocks
from neuromem.network import LIF_hard_reset, Network, Neuron, Population, SpikeSource, Values

Surrogate = Callable[[torch.Tensor], torch.Tensor]


class Activity(NamedTuple):
    """What the populations of a network did.

    Parameters
    ----------
    spikes
        0 or 1, [batch, steps, neurons], by population.
    membrane
        u before the reset, [batch, steps, neurons], by population: what a loss on the membrane
        takes. The recorded ``v`` of the definition is ``membrane * (1 - spikes)``.
    """

    spikes: dict[str, torch.Tensor]
    membrane: dict[str, torch.Tensor]


class SpikingModule(torch.nn.Module):
    r"""A network of LIF_hard_reset neurons, for batches of input and for training.

    .. math::
        u_t = d\, u_{t-1} (1 - s_{t-1}) + \sum w s^{pre}_{t-delay}, \qquad s_t = [u_t > V_{th}]

    from u = s = 0. The neurons are ``snntorch.Leaky`` with ``reset_mechanism="zero"``. Backwards,
    :math:`\partial s / \partial u` is the surrogate's, and the reset passes no gradient, as always
    in snnTorch.

    There is one parameter for each projection, with a value per connection in the order of
    :meth:`neuromem.network.Network.pairs`: a connection that is not there cannot be learned.

    Parameters
    ----------
    network
        Any number of populations of LIF_hard_reset neurons, sources and static projections.
    surrogate
        One of ``snntorch.surrogate``; snnTorch's own choice (arctangent) where None.
    trainable
        Whether the weights take gradients. For some of them:
        ``module.weight(label).requires_grad_()``.
    dtype
        Of weights, potentials and spikes.

    Notes
    -----
    Weights of excitatory and inhibitory projections are magnitudes: what training takes below 0
    counts as 0. Give a projection that may change its sign ``receptor_type="signed"``.

    Raises
    ------
    Unsupported
        A ValueError, for another neuron model or a plastic projection.
    ModuleNotFoundError
        Without snnTorch.
    """

    def __init__(
        self,
        network: Network,
        surrogate: Surrogate | None = None,
        *,
        trainable: bool = False,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        backends.check(network.recording(), "snntorch")
        self.network = network
        self._populations = [p for p in network.populations if isinstance(p, Population)]
        self._sources = [p for p in network.populations if isinstance(p, SpikeSource)]
        self._blocks = blocks(network)
        self._longest = max((block.delay for block in self._blocks), default=1)
        # Lists, for labels and names may hold what torch does not allow in an attribute's name.
        self.neurons = torch.nn.ModuleList(
            _leaky(population.neuron, surrogate, dtype) for population in self._populations
        )
        self.weights = torch.nn.ParameterList(
            torch.nn.Parameter(torch.tensor(network.weights(p), dtype=dtype), trainable)
            for p in network.projections
        )

    def weight(self, label: str) -> torch.nn.Parameter:
        """Return a projection's weights, one per connection."""
        self.network.projection(label)
        return self.weights[[p.label for p in self.network.projections].index(label)]

    def matrix(self, label: str) -> torch.Tensor:
        """Return a projection's weights [pre, post] as they act, 0 where there is no connection."""
        projection = self.network.projection(label)
        pre, post = self.network.view(projection.pre), self.network.view(projection.post)
        rows, columns = self.network.pairs(projection)
        weight = self.weight(label)
        if projection.receptor_type != "signed":
            weight = weight.clamp(min=0)
        matrix = weight.new_zeros((pre.size, post.size))
        return matrix.index_put(_on(weight.device, rows, columns), weight)

    def forward(self, spikes: torch.Tensor | Mapping[str, torch.Tensor]) -> Activity:
        """Run samples from rest.

        Parameters
        ----------
        spikes
            Input [batch, steps, lines] of each source, by name, or of the only one. A line's
            spike in step t acts on its targets in step t + delay. Numbers other than 0 and 1
            count as so many spikes.

        Raises
        ------
        ValueError
            For an unknown or missing source, or a shape that does not fit.
        """
        given = self._given(spikes)
        steps = ({name: x[:, t] for name, x in given.items()} for t in range(_steps(given)))
        activity = list(self.steps(steps))
        names = [population.name for population in self._populations]
        return Activity(
            {name: torch.stack([fired[name] for fired, _ in activity], dim=1) for name in names},
            {name: torch.stack([u[name] for _, u in activity], dim=1) for name in names},
        )

    def steps(
        self, inputs: Iterable[Spikes], arrivals: Arrivals | None = None
    ) -> Iterator[tuple[Spikes, Spikes]]:
        """Yield, step by step, who fired (sources included) and u before the reset.

        Parameters
        ----------
        inputs
            For each step the spikes [batch, lines] of every source.
        arrivals
            How past spikes become arriving sums; a matrix product where None.
        """
        arrivals = arrivals or self._products()
        past: deque[Spikes] = deque(maxlen=self._longest)
        potential: dict[str, torch.Tensor] = {}
        for given in inputs:
            spikes, membrane = dict(given), {}
            sums = arrivals(past)
            samples = len(next(iter(spikes.values()))) if spikes else 1
            for population, neuron in zip(self._populations, self.neurons, strict=True):
                name = population.name
                assert isinstance(neuron, snntorch.Leaky)
                current = sums.get(name)
                if current is None:
                    current = neuron.beta.new_zeros((samples, population.size))
                before = potential.get(name)
                if before is None:
                    before = torch.zeros_like(current)
                fired, membrane[name] = neuron(current, before)
                spikes[name] = fired.to(current.dtype)  # snnTorch's spikes are float32
                neuron.reset_mem()  # or it keeps the graph of the last step
            past.appendleft(spikes)
            potential = membrane
            yield spikes, membrane

    def to_network(self) -> Network:
        """Return the network with the weights as they are now; what did not change, as it was."""
        projections = []
        for projection, weight in zip(self.network.projections, self.weights, strict=True):
            now = weight.detach().cpu()
            if not torch.equal(now, torch.tensor(self.network.weights(projection)).to(now.dtype)):
                if projection.receptor_type != "signed":
                    now = now.clamp(min=0)
                values = Values(array=now.to(torch.float64).numpy())
                synapse = msgspec.structs.replace(projection.synapse, weight=values)
                projection = msgspec.structs.replace(projection, synapse=synapse)
            projections.append(projection)
        return msgspec.structs.replace(self.network, projections=tuple(projections))

    def _products(self) -> Arrivals:
        """Return the sums as products of spikes with the weights as they are now."""
        matrices: dict[tuple[str, str, int], torch.Tensor] = {}
        for block in self._blocks:
            weight, where = self.weights[block.projection], (block.pre, block.post, block.delay)
            if where not in matrices:
                shape = [self.network.population(name).size for name in where[:2]]
                matrices[where] = weight.new_zeros(shape)
            chosen, *pairs = _on(weight.device, block.chosen, block.rows, block.columns)
            values = weight[chosen]
            if block.sign is not None:
                values = block.sign * values.clamp(min=0)
            matrices[where] = matrices[where].index_put(tuple(pairs), values, accumulate=True)

        def arrivals(past: Sequence[Spikes]) -> dict[str, torch.Tensor]:
            sums: dict[str, torch.Tensor] = {}
            for (pre, post, delay), matrix in matrices.items():
                if delay <= len(past):
                    product = past[delay - 1][pre] @ matrix
                    sums[post] = sums[post] + product if post in sums else product
            return sums

        return arrivals

    def _given(self, spikes: torch.Tensor | Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return the input by source, checked, in the module's own type."""
        names = [source.name for source in self._sources]
        by_name: Mapping[str, Any] = spikes if isinstance(spikes, Mapping) else {}
        if isinstance(spikes, torch.Tensor):
            if len(names) != 1:
                raise ValueError(f"one tensor for {len(names)} sources: give a dict by name")
            by_name = {names[0]: spikes}
        if set(by_name) != set(names) or not names:
            raise ValueError(
                f"input for {', '.join(by_name) or 'nothing'}: the network's sources are "
                f"{', '.join(names) or 'none, and a module needs one'}"
            )
        given, like = {}, next(self.buffers())
        for source in self._sources:
            x = by_name[source.name]
            if x.ndim != 3 or x.shape[2] != source.size or not x.shape[1]:
                raise ValueError(
                    f"input of {source.name!r} of shape {tuple(x.shape)}: give [batch, steps, "
                    f"{source.size}], at least one step"
                )
            given[source.name] = x.to(like)
        shapes = {tuple(x.shape[:2]) for x in given.values()}
        if len(shapes) > 1:
            raise ValueError(f"inputs of (batch, steps) {sorted(shapes)}: they must be equal")
        return given


def _leaky(neuron: Neuron, surrogate: Surrogate | None, dtype: torch.dtype) -> snntorch.Leaky:
    assert isinstance(neuron, LIF_hard_reset)
    leaky = snntorch.Leaky(
        beta=torch.tensor(neuron.decay, dtype=dtype),
        threshold=torch.tensor(neuron.v_thresh, dtype=dtype),  # type: ignore[arg-type]
        spike_grad=surrogate,
        reset_mechanism="zero",
        reset_delay=True,  # the potential is returned before its reset, which the next step does
    )
    # snnTorch keeps every neuron ever made in a global list, and so alive for ever.
    if snntorch.SpikingNeuron.instances[-1:] == [leaky]:
        snntorch.SpikingNeuron.instances.pop()
    return leaky


def _steps(given: Mapping[str, torch.Tensor]) -> int:
    return next(iter(given.values())).shape[1]


def _on(device: torch.device, *arrays) -> tuple[torch.Tensor, ...]:
    return tuple(torch.as_tensor(array, device=device) for array in arrays)
