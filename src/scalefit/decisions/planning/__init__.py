"""Which runs to train next, so that a forecast, a best size, a crossover or a comparison becomes most certain."""
