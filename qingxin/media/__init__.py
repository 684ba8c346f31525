"""Files that people share: kept once, served safely, shown small."""
