"""Judgement: opinions on board states, engineered or learned, behind one protocol."""
