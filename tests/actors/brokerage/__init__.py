"""The facades by the seed's names."""
