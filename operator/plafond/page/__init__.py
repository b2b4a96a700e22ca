"""Pure: one self-contained HTML page of plain values, for the demo and for reports to come."""
