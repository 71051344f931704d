"""What things cost: each measure against a raw reference in the same run. `python -m scripts.bench`"""
