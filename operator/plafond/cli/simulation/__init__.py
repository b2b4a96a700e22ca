"""`plafond simulate`: questions about recorded demand, and how their answers are shown."""
