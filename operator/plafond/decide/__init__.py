"""Pure: from facts to recommended replicas, floors, carried rate, shares, ceilings and a plan."""
