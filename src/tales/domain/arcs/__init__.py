"""Stories that are half written: for a model that tells a sentence well and no story."""
