"""Mixtures of Gaussians with diagonal covariances: densities, expectation maximisation, splitting."""

from otoscope.decoding.gaussians.em import Statistics, accumulate, single_gaussians, update
from otoscope.decoding.gaussians.mixtures import Mixtures
from otoscope.decoding.gaussians.occupancy import Occupancy
from otoscope.decoding.gaussians.splitting import allocate, split

__all__ = ["Mixtures", "Occupancy", "Statistics", "accumulate", "allocate", "single_gaussians", "split", "update"]
