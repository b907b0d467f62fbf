"""Images as spikes drawn at random, the brighter the more often."""

from __future__ import annotations

import numpy as np

from neuromem.network.batch import SpikeBatch


def bernoulli_spikes(
    values: np.ndarray,
    rng: np.random.Generator | int,
    steps: int = 50,
    scale: float = 0.4,
) -> SpikeBatch:
    r"""Return spikes drawn independently for each pixel and time step.

    .. math::
        P(s_{bti} = 1) = \max(0,\, \mathrm{scale} \cdot v_{bi})

    Parameters
    ----------
    values
        Images v, within -1..1, shape (samples, ...); the line of a pixel is its place in the
        flattened image. A negative or zero pixel never fires.
    rng
        Random generator, or the seed of one. A sample's spikes depend on it and on the samples
        before, not on those after.
    steps
        Time steps of each sample.
    scale
        Probability that a pixel of 1 fires in a time step.

    Returns
    -------
    SpikeBatch
        Binary spikes on as many channels as an image has pixels.

    Raises
    ------
    ValueError
        When there is no image or no pixel, a value is not finite or outside -1..1, or steps or
        scale is out of bounds.

    Notes
    -----
    The defaults are those of the image encoder in Lin et al., Nature Computational Science 5:37-47
    (2025), doi 10.1038/s43588-024-00751-z, whose v lies within -1..1. That grey levels x become
    v = x / 127.5 - 1, so that what is darker than half does not fire, is an assumption.
    """
    values = np.asarray(values)
    if values.ndim < 2 or not values.size:
        raise ValueError(f"values of shape {values.shape}: give images, shape (samples, ...)")
    if values.dtype.kind not in "biuf":
        raise ValueError(f"values of dtype {values.dtype}: give numbers")
    wrong = values[~((values >= -1) & (values <= 1))]
    if wrong.size:
        raise ValueError(
            f"pixel value {wrong[0]}: must lie within -1..1; grey levels x of 0..255 become "
            "x / 127.5 - 1, or x / 255 if every grey is to fire"
        )
    if steps < 1:
        raise ValueError(f"steps = {steps}: must be at least 1")
    if not 0 < scale <= 1:
        raise ValueError(f"scale = {scale}: must be above 0 and at most 1, a probability")
    rng = np.random.default_rng(rng)
    chances = scale * values.reshape(len(values), -1).astype(np.float64)
    channels: list[np.ndarray] = []
    counts: list[np.ndarray] = []
    for chance in chances:  # one by one: all draws at once would be steps times the images' size
        firing = np.flatnonzero(chance > 0)
        step, at = np.nonzero(rng.random((steps, firing.size)) < chance[firing])
        channels.append(firing[at])
        counts.append(np.bincount(step, minlength=steps))
    return SpikeBatch(
        offsets=np.concatenate(([0], np.cumsum(np.concatenate(counts)))),
        channel=np.concatenate(channels),
        steps=steps,
        channels=chances.shape[1],
    )
