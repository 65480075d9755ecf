"""From numbers to verdicts: the randomised experiment, its exact test and its decisions. Pure, no clock."""
