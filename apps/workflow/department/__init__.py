"""The demonstration department: phantoms, read by simulated readers.

Studies arrive over some weeks of simulated time, models answer, and readers of known
sensitivity, specificity and automation bias read them, all through the services that
real arrivals, workers and people use. Only the clock is simulated.
"""
