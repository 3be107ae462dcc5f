"""The REST door: DRF ViewSets over the operations. It reads requests, translates refusals, and decides nothing."""
