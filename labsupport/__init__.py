"""The helper package of the CNI policy lab.

A policy is accepted by the API server; whether it is enforced is measured by
packets; the matrix is made of those measurements. Data flows one way:
clusters, probe, verdict, report, matrix, notebooks.
"""

__version__ = "0.1.0"
