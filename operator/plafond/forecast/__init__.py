"""Pure: demand samples, their censoring, and what demand will ask for later."""
