"""What is wrong with a configuration by its text and its files alone: nothing is run."""
