"""How firmly a fit is believed: covariance, resampling plans, bootstrap."""
