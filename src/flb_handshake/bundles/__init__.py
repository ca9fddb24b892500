"""Bundles: a run packed so that somebody else can play it, without a secret of the user's."""
