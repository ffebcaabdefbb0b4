"""Draws the demo's product pictures: flat, composed, lit from the upper left."""
