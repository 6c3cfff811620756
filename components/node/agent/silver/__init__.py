"""Silverlining's agent: makes a node match its declared state. Python 3.11 to 3.14, standard library only."""
