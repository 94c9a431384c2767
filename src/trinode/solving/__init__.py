"""How problems are solved: rounds of descent, starts, batches, answers, bounds."""
