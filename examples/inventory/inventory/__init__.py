"""A small stock-keeping library: catalogue, warehouse, orders and reports."""
