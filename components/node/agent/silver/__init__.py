"""Silverlining's agent: makes a node what it is told to be. Python 3.11 to 3.14, standard library only."""
